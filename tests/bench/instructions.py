#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Instructions a packet, from the sender's socket to the receiver's, for the kernel driver and for wgxdp: in a guest
whose clock counts them (vmtest/run instructions). Prints the section of docs/performance.md."""

import statistics
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "netns")]

from benchmark.implementations import IMPLEMENTATIONS, Implementation  # noqa: E402
from benchmark.report import INSTRUCTIONS, number, ratio, table  # noqa: E402
from benchmark.scene import Scene  # noqa: E402
from support import KernelWireguard  # noqa: E402
from support.host import BUILD, run  # noqa: E402

OURS = ("wgxdp", "wgxdp-inline")
DRIVER = "kernel driver"
KNOWN = {implementation.name: implementation for implementation in IMPLEMENTATIONS}
COMPARED = [KNOWN["veth"], Implementation(DRIVER, KernelWireguard), *map(KNOWN.get, OURS)]
SIZES = (64, 1392)
PACKETS = 4096
ROUNDS = 5

SECTION = """
{heading}

UDP packets in bursts of 32, with their sockets, through both ends of a tunnel, in one guest of one CPU whose clock
counts instructions (QEMU's `-icount`): kernel {release}, the median of {rounds} rounds of {packets:,} packets.
Printed by `sudo vmtest/run instructions`.

{table}

An instruction is one, whatever it does: one of AVX2, as the driver and our threads use it, counts like a scalar one of
BPF. There are no cache misses, no second CPU, and no AVX-512. What threads make ahead is counted in full, beside the
packets. So these are figures to compare with those of another version, not speeds.
"""


def measure(implementation: Implementation) -> dict[int, float]:
    """Instructions a packet, by size."""
    with Scene(implementation) as scene:
        found = {size: [float(scene.a.run(str(BUILD / "tests/packet_bursts"), scene.b.path, scene.address, str(size),
                                          str(PACKETS)).stdout) for _ in range(ROUNDS)] for size in SIZES}
        print(f"{implementation.name}: {found}", flush=True)
    return {size: statistics.median(rounds) for size, rounds in found.items()}


def main() -> None:
    found = {implementation.name: measure(implementation) for implementation in COMPARED}
    names = [*found, *(f"{name} ÷ {DRIVER}" for name in OURS)]
    rows = [["", *names]]
    for size in SIZES:
        rows.append([f"{size:,} bytes", *(number(found[name][size]) for name in found),
                     *(ratio(found[name][size], found[DRIVER][size]) for name in OURS)])
    print(SECTION.format(heading=INSTRUCTIONS, release=run(["uname", "-r"]).stdout.strip(), rounds=ROUNDS,
                         packets=PACKETS, table=table(rows)))


if __name__ == "__main__":
    main()
