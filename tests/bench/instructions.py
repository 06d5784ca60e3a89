#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Instructions a packet, from the sender's socket to the receiver's, for the kernel driver and for wgxdp: in a guest
whose clock counts them (vmtest/run instructions). Prints the section of docs/performance.md."""

import statistics
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "netns")]

from benchmark.implementations import IMPLEMENTATIONS, Implementation  # noqa: E402
from benchmark.report import INSTRUCTIONS, number, ratio, table  # noqa: E402
from benchmark.scene import Scene  # noqa: E402
from support import KernelWireguard  # noqa: E402
from support.host import BUILD, CheckFailed, run  # noqa: E402

OURS = ("wgxdp", "wgxdp-inline")
DRIVER = "kernel driver"
KNOWN = {implementation.name: implementation for implementation in IMPLEMENTATIONS}
COMPARED = [KNOWN["veth"], Implementation(DRIVER, KernelWireguard), *map(KNOWN.get, OURS)]
SIZES = (64, 1392)
PACKETS = 4096
ROUNDS = 5
LEAST_SHARE = 0.9  # of the packets, at both ends

SECTION = """
{heading}

UDP packets in bursts of 32, with their sockets, through both ends of a tunnel, in one guest of one CPU whose clock
counts instructions (QEMU's `-icount`): kernel {release}, {date}, the median of {rounds} rounds of {packets:,} packets,
which differ by {spread:.0%} at most. Printed by `sudo vmtest/run instructions`.

{table}

An instruction is one, whatever it does: one of AVX2, as the driver and our threads use it, counts like a scalar one of
BPF. There are no cache misses, no second CPU, and no AVX-512. What threads make ahead is counted in full, beside the
packets. So these are figures to compare with those of another version, not speeds. (The goals, 0.9 × at 64 bytes and 0.7 ×
at 1,392, were set where threads have AVX-512: decisions/0005.)
"""


def measure(implementation: Implementation) -> dict[int, list[float]]:
    """Instructions a packet, by size, of each round."""
    with Scene(implementation) as scene:
        found = {size: [float(scene.a.run(str(BUILD / "tests/packet_bursts"), scene.b.path, scene.address, str(size),
                                          str(PACKETS)).stdout) for _ in range(ROUNDS)] for size in SIZES}
        print(f"{implementation.name}: {found} {scene.keystream()}", flush=True)
        check_way(implementation.name, scene.keystream())
    return found


def check_way(name: str, keystream: dict[str, int]) -> None:
    """It is BPF that was measured, with keystream as it is named."""
    where = {"wgxdp": "ready", "wgxdp-inline": "inline"}.get(name)
    if where and keystream[where] < LEAST_SHARE * 2 * ROUNDS * len(SIZES) * PACKETS:
        raise CheckFailed(f"{name}: {keystream}, too few {where}")


def main() -> None:
    rounds = {implementation.name: measure(implementation) for implementation in COMPARED}
    found = {name: {size: statistics.median(of_size) for size, of_size in sizes.items()} for name, sizes in rounds.items()}
    spread = max(max(of_size) / min(of_size) - 1 for sizes in rounds.values() for of_size in sizes.values())
    names = [*found, *(f"{name} ÷ {DRIVER}" for name in OURS)]
    rows = [["", *names]]
    for size in SIZES:
        rows.append([f"{size:,} bytes", *(number(found[name][size]) for name in found),
                     *(ratio(found[name][size], found[DRIVER][size]) for name in OURS)])
    print(SECTION.format(heading=INSTRUCTIONS, release=run(["uname", "-r"]).stdout.strip(), rounds=ROUNDS,
                         packets=PACKETS, date=time.strftime("%Y-%m-%d"), spread=spread, table=table(rows)))


if __name__ == "__main__":
    main()
