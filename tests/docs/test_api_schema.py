# SPDX-License-Identifier: MIT
"""docs/api.md, docs/api.schema.json and the daemon's dispatcher know the same methods; the examples keep to the schema."""

import json
import re
import unittest
from pathlib import Path

from jsonschema import Draft202012Validator

ROOT = Path(__file__).resolve().parents[2]
API = (ROOT / "docs/api.md").read_text()
SCHEMA = json.loads((ROOT / "docs/api.schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA)


def methods_of_schema() -> set[str]:
    return {method["properties"]["method"]["const"] for method in SCHEMA["$defs"]["request"]["oneOf"]}


def methods_of_dispatcher() -> set[str]:
    table = re.search(r"constexpr Method METHODS\[\] = \{(.*?)\n\};", (ROOT / "control/api/requests.cpp").read_text(),
                      re.DOTALL)[1]
    return set(re.findall(r'\{"([a-z.]+)",', table))


def kinds_of_schema() -> set[str]:
    kinds = (event["properties"]["kind"] for event in SCHEMA["$defs"]["event"]["oneOf"])
    return {name for kind in kinds for name in kind.get("enum", [kind.get("const")])}


def examples() -> list[dict | list]:
    """The JSON messages that docs/api.md shows."""
    blocks = re.findall(r"```json\n(.*?)```", API, re.DOTALL)
    return [json.loads(block) for block in blocks]


class ApiSchema(unittest.TestCase):
    def test_the_schema_is_one(self):
        Draft202012Validator.check_schema(SCHEMA)

    def test_schema_dispatcher_and_reference_name_the_same_methods(self):
        methods = methods_of_dispatcher()
        self.assertGreater(len(methods), 9)
        self.assertEqual(methods_of_schema(), methods)
        named = set(re.findall(r"^###? ([a-z]+\.[a-z]+|status)$", API, re.MULTILINE))
        named |= set(re.findall(r"^\| ([a-z]+\.[a-z]+) \|", API, re.MULTILINE))
        self.assertEqual(named, methods)

    def test_every_method_has_params_and_a_result(self):
        wanted = {f"{method}.{part}" for method in methods_of_dispatcher() for part in ("params", "result")}
        self.assertLessEqual(wanted, SCHEMA["$defs"].keys())

    def test_the_reference_names_every_kind_of_event(self):
        named = set(re.findall(r"^\| `([a-z_]+)` \|", API.split("| kind | told when |")[1].split("\n\n")[0],
                               re.MULTILINE))
        self.assertEqual(named, kinds_of_schema())

    def test_the_examples_keep_to_the_schema(self):
        self.assertGreater(len(examples()), 5)
        for example in examples():
            with self.subTest(example=example):
                VALIDATOR.validate(example)


if __name__ == "__main__":
    unittest.main()
