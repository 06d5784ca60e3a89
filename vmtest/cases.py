# SPDX-License-Identifier: MIT
"""What can be run in a guest: the programs' own tests, and every scenario of tests/netns by its name."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# What takes minutes in a guest, without KVM.
SOAK = "*.a_million_*:*.*_100000_*:*.*_20000_packets"
# Several cases by one name.
GROUPS = {
    "quick": ["programs", "mark"],
}


@dataclass
class Case:
    """A command in the guest; it gives up by itself after `seconds`."""

    name: str
    seconds: int
    command: list[str]


def scenario(name: str) -> Case:
    return Case(name, 600, ["/usr/bin/python3", "-B", f"test_{name}.py"])


def known(build: Path) -> dict[str, Case]:
    """Every case by name."""
    programs = str(build / "tests/bpf_test")
    scenarios = [file.stem.removeprefix("test_") for file in sorted((ROOT / "tests/netns").glob("test_*.py"))]
    cases = [Case("programs", 300, [programs, "--gtest_brief=1", f"--gtest_filter=-{SOAK}"]),
             Case("programs_soak", 600, [programs, "--gtest_brief=1", f"--gtest_filter={SOAK}"]),
             *(scenario(name) for name in scenarios)]
    return {case.name: case for case in cases}
