# SPDX-License-Identifier: MIT
"""The machine: how busy it is, and what runs on it."""

import os
import platform
import re
import shutil
import time
from pathlib import Path

from support.host import ROOT, ProcessFailed, boringtun, run, wireguard_go

BUSY_FIELDS = (0, 1, 2, 5, 6)  # user, nice, system, irq, softirq of the line "cpu" in /proc/stat
STEAL_FIELD = 7


def cpu_seconds() -> tuple[float, float]:
    """Seconds that all CPUs together have worked, and seconds that the hypervisor took from them."""
    fields = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:]
    ticks = os.sysconf("SC_CLK_TCK")
    return sum(int(fields[number]) for number in BUSY_FIELDS) / ticks, int(fields[STEAL_FIELD]) / ticks


class Busy:
    """How long all CPUs together worked while this was open."""

    seconds = 0.0

    def __enter__(self):
        self._begin = cpu_seconds()[0]
        return self

    def __exit__(self, *_):
        self.seconds = cpu_seconds()[0] - self._begin


def background(seconds: float = 1.0) -> dict[str, float]:
    """CPUs kept busy, or taken away, by others: to be close to 0 before anything is measured."""
    before, began = cpu_seconds(), time.monotonic()
    time.sleep(seconds)
    after, passed = cpu_seconds(), time.monotonic() - began
    return {name: round((later - earlier) / passed, 3)
            for name, earlier, later in zip(("busy", "stolen"), before, after, strict=True)}


def first_line(*command: str) -> str:
    """What a command says first; "unknown" where it is missing or fails."""
    try:
        return run(list(command)).stdout.splitlines()[0].strip()
    except (OSError, ProcessFailed, IndexError):
        return "unknown"


def wireguard_go_version(program: str) -> str:
    """The module's version where Go can tell: the program's own word is years old."""
    shown = run(["go", "version", "-m", program], check=False).stdout if shutil.which("go") else ""
    found = re.search(r"^\s*mod\s+\S+\s+(\S+)", shown, re.MULTILINE)
    return f"wireguard-go {found[1]}" if found else first_line(program, "--version")


def versions() -> dict[str, str]:
    found = {"linux": platform.release(), "iperf3": first_line("iperf3", "--version"),
             "wgxdp": first_line("git", "-C", str(ROOT), "describe", "--always", "--dirty")}
    if wireguard_go():
        found["wireguard-go"] = wireguard_go_version(wireguard_go())
    if boringtun():
        found["boringtun"] = first_line(boringtun(), "--version")
    return found


def machine() -> dict:
    cpuinfo = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = re.search(r"model name\s*:\s*(.+)", cpuinfo)
    return {"cpu": model[1] if model else platform.machine(), "cpus": os.cpu_count(),
            "congestion_control": Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text(encoding="ascii").strip(),
            "simd": next((name for name in ("avx512f", "avx2") if re.search(rf"\b{name}\b", cpuinfo)), "no AVX2"),
            "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
            "background": background()}
