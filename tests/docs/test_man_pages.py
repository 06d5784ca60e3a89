# SPDX-License-Identifier: MIT
"""The manual pages are well formed, and every command, option and key of a file is in them."""

import os
import re
import subprocess
import unittest

from command_line import SOURCE, commands, options_of

PAGES = {path.name: path for path in (SOURCE / "docs/man").iterdir()}


def shown(page: str) -> str:
    """As a reader sees it, on one line."""
    text = subprocess.run(["mandoc", "-T", "utf8", "-O", "width=1000", PAGES[page]], check=True, capture_output=True,
                          text=True).stdout
    return re.sub(".\b", "", text)


class ManPages(unittest.TestCase):
    def test_there_are_three(self):
        self.assertEqual(set(PAGES), {"wgxdp.8", "wgxdpd.8", "wgxdp.conf.5"})

    def test_have_nothing_that_mandoc_or_groff_warn_of(self):
        environment = {**os.environ, "LC_ALL": "C.UTF-8"}
        for page in PAGES.values():
            for tool in (["mandoc", "-T", "lint", "-W", "warning"], ["man", "--warnings", "-E", "UTF-8", "-P", "true", "-l"]):
                with self.subTest(page=page.name, tool=tool[0]):
                    result = subprocess.run([*tool, page], check=False, capture_output=True, text=True, env=environment)
                    complaints = result.stderr + (result.stdout if tool[0] == "mandoc" else "")
                    self.assertEqual((result.returncode, complaints), (0, ""))

    def test_name_every_command_with_its_options(self):
        entries = re.split(r"\n(?=     \S)", shown("wgxdp.8"))
        self.assertIn(("peer", "add"), commands())
        for command in commands():
            with self.subTest(command=command):
                (entry,) = (entry for entry in entries if entry.startswith(f"     {' '.join(command)} ")
                            or entry.split("\n")[0] == f"     {' '.join(command)}")
                for option in options_of("wgxdp", *command) - {"--help", "--json"}:
                    self.assertRegex(entry, rf"{option}\b")
                self.assertIn("--json", options_of("wgxdp", *command))
        for option in options_of("wgxdp") | {"--json"}:
            self.assertRegex(shown("wgxdp.8"), rf"\n +(-\w, )?{option}\b")

    def test_name_every_option_of_the_daemon(self):
        self.assertIn("--instance", options_of("wgxdpd"))
        for option in options_of("wgxdpd"):
            self.assertRegex(shown("wgxdpd.8"), rf"\n +(-\w, )?{option}\b")

    def test_name_every_key_of_a_file(self):
        keys = re.findall(r'\{"(\w+)", &Parser::read_', (SOURCE / "control/api/config_file.cpp").read_text())
        self.assertIn("AllowedIPs", keys)
        for key in keys:
            self.assertRegex(shown("wgxdp.conf.5"), rf"\n     (\w+, )*{key}\b")
            self.assertRegex((SOURCE / "docs/configuration.md").read_text(), rf"\n\| (`\w+`, )*`{key}`")


if __name__ == "__main__":
    unittest.main()
