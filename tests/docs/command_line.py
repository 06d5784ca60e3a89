# SPDX-License-Identifier: MIT
"""What the executables say of themselves: their commands and options."""

import os
import re
import subprocess
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("WGXDP_BUILD", SOURCE / "build"))


def options_of(executable: str, *command: str) -> set[str]:
    """Its long options."""
    return set(re.findall(r"^  (?:-\w,)?(--[\w-]+)", _help(executable, *command), re.MULTILINE))


def commands(*parents: str) -> list[tuple[str, ...]]:
    """Every command of wgxdp, ("peer", "add") among them."""
    _, _, listed = _help("wgxdp", *parents).partition("\nSubcommands:\n")
    found = []
    for name in re.findall(r"^  ([\w-]+)", listed, re.MULTILINE):
        below = commands(*parents, name)
        found += below or [(*parents, name)]
    return found


def _help(executable: str, *command: str) -> str:
    return subprocess.run([BUILD / executable, *command, "--help"], check=True, capture_output=True, text=True).stdout
