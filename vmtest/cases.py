# SPDX-License-Identifier: MIT
"""What can be run in a guest: the programs' own tests, every scenario of tests/netns by its name, and counting."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON = "/usr/bin/python3"

# What takes minutes in a guest, without KVM.
SOAK = "*.a_million_*:*.*_100000_*:*.*_20000_packets"
# What takes a minute there.
LONG = ("*every_length*:*of_any_byte_*:*follows_every_change_*:*_stalls:*_two_cpus*:*_written_meanwhile:*of_many_reordered_*:"
        "*finds_slots_again_*:KeystreamTest.*")
# Scenarios that show nothing more on another kernel, and why.
LEFT_OUT = {
    "boringtun": "wireguard-go is there, which has more of WireGuard",
    "completion": "shells",
    "harness": "the tests' own tools",
    "interrupted": "what wgxdp up has done is undone by wgxdp itself: up_down",
    "keystream": "the producer, and only a fast machine wants it: KeystreamTest of programs has the rings",
    "scale": "measures",
    "show": "texts",
    "top": "texts",
}
SCENARIOS = [file.stem.removeprefix("test_") for file in sorted((ROOT / "tests/netns").glob("test_*.py"))]
# Several cases by one name.
GROUPS = {
    "quick": ["programs_quick", "interop_quick"],
    "interop": ["kernel_wireguard", "kernel_life", "rekey", "wireguard_go"],
    "netns": [name for name in SCENARIOS if name not in LEFT_OUT],
}
GROUPS["all"] = ["programs", "programs_soak", "network", *GROUPS["netns"]]


@dataclass
class Case:
    """A command in the guest; it gives up by itself after `seconds`."""

    name: str
    seconds: int
    command: list[str]
    nics: bool = False  # wants the guest to have NICs
    counts_instructions: bool = False  # wants a guest of one CPU whose clock counts them: one of its own


def python(file: str, *tests: str) -> list[str]:
    return [PYTHON, "-B", f"test_{file}.py", *tests]


def scenario(name: str) -> Case:
    command = python(name)
    if name in ("up_down", "wg_quick"):  # both run wg-quick, which takes the kernel's driver where there is one
        command = [str(ROOT / "vmtest/guest/without-driver"), *command]
    return Case(name, 1200, command, nics=name == "virtio")


def known(build: Path) -> dict[str, Case]:
    """Every case by name."""
    programs = ["stdbuf", "-oL", str(build / "tests/bpf_test")]  # seen as it comes
    cases = [Case("programs", 600, [*programs, f"--gtest_filter=-{SOAK}"]),
             Case("programs_quick", 300, [*programs, f"--gtest_filter=-{SOAK}:{LONG}"]),
             Case("programs_soak", 600, [*programs, f"--gtest_filter={SOAK}"]),
             Case("interop_quick", 300, ["env", "WGXDP_TEST_SLOWNESS=60", *python(
                 "kernel_wireguard", "WgxdpAndTheKernelDriver.test_traffic_takes_the_native_path_whoever_began")]),
             Case("network", 300, [str(build / "tests/net_netns_test")]),
             *(scenario(name) for name in SCENARIOS),
             Case("instructions", 600, [PYTHON, "-B", str(ROOT / "tests/bench/instructions.py")],
                  counts_instructions=True)]
    return {case.name: case for case in cases}
