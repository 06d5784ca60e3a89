# SPDX-License-Identifier: MIT
"""A node that runs boringtun."""

from .host import boringtun
from .userspace import UserspaceNode


class Boringtun(UserspaceNode):
    """The other implementation, in Rust."""

    implementation = "boringtun"

    def command(self, tunnel: str) -> list[str]:
        program = boringtun()
        if program is None:
            raise FileNotFoundError("boringtun-cli is missing: run tools/setup")
        return [program, "--foreground", "--disable-drop-privileges", "--verbosity", "info", tunnel]
