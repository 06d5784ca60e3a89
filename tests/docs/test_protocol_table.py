# SPDX-License-Identifier: MIT
"""Every test that docs/protocol.md names is there."""

import re
import unittest
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
TABLE = TESTS.parent / "docs/protocol.md"
NAMED = re.compile(r"((?:unit|bpf|netns|fuzz)/[\w/]+)(?:: (\w+))?")


def named_tests() -> list[tuple[str, str]]:
    """File and test; a test without a file is of the file named before it."""
    found, file = [], ""
    for line in TABLE.read_text().splitlines():
        for quoted in re.findall(r"`([^`]+)`", line) if line.startswith("|") else []:
            if match := NAMED.fullmatch(quoted):
                file = match[1]
                found.append((file, match[2] or ""))
            elif file and re.fullmatch(r"[a-z][\w]+", quoted):
                found.append((file, quoted))
    return found


class ProtocolTable(unittest.TestCase):
    def test_names_only_tests_that_exist(self):
        named = named_tests()
        self.assertGreater(len(named), 150)
        for file, test in named:
            with self.subTest(file=file, test=test):
                sources = [path for path in (TESTS / file).parent.glob(f"{Path(file).name}.*")]
                self.assertEqual(len(sources), 1, f"{file} is no test file")
                self.assertIn(test, sources[0].read_text())


if __name__ == "__main__":
    unittest.main()
