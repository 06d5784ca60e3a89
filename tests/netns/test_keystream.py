# SPDX-License-Identifier: MIT
"""Keystream made ahead: who is busy uses it, who is idle pays nothing for it, and it can be switched off.

    a: wgxdp, eth0 ─────────── eth0, wgxdp: b
"""

import itertools
import os
import time
import unittest
from contextlib import contextmanager
from pathlib import Path

from support import MIB, Pair, Topology, Wgxdp, main, wait_until
from support.host import on_one_cpu

SIZE = 50 * MIB
PACKETS = SIZE // 1420
IDLE_SECONDS = 3


def cpu_seconds(pid: int) -> float:
    """What a process has used so far, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def environment(**variables: str):
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in variables:
            del os.environ[name]


class Keystream(unittest.TestCase):
    def prepare(self, topology: Topology, mode: str = "native") -> Pair:
        left, right = (Wgxdp(topology, netns) for netns in topology.underlay())
        pair = Pair(topology, left, right)
        for node in (left, right):
            node.attach("eth0", mode)
        pair.up()
        pair.first_ping()
        return pair

    def counts(self, pair: Pair) -> list[dict]:
        return [node.status()["keystream"] for node in (pair.left, pair.right)]

    def check_busy_both_ways(self, pair: Pair, share: float = 0.25) -> None:
        for family in (4, 6):
            pair.transfer(family, SIZE)
        for keystream in self.counts(pair):
            self.assertNotEqual(keystream["producer"], "none")
            for verb in ("sealed", "opened"):
                self.assertGreater(keystream[f"{verb}_ready"], PACKETS * share, keystream)
        for node in (pair.left, pair.right):
            self.assertEqual(node.losses(), {})

    def test_a_busy_tunnel_uses_it_both_ways(self):
        for mode in ("native", "tc"):
            with self.subTest(mode=mode), Topology() as topology:
                self.check_busy_both_ways(self.prepare(topology, mode))

    def test_a_busy_tunnel_uses_it_with_all_processes_on_one_cpu(self):
        with on_one_cpu(), Topology() as topology:
            self.check_busy_both_ways(self.prepare(topology), share=0.01)  # whose turn it is decides

    def test_an_idle_tunnel_has_no_ring_and_its_daemon_uses_no_cpu(self):
        with Topology() as topology:
            pair = self.prepare(topology)
            pair.transfer(4, SIZE)
            self.assertTrue(any(keystream["rings"] for keystream in self.counts(pair)))
            wait_until(lambda: not any(keystream["rings"] for keystream in self.counts(pair)),
                       "the rings are taken back", deadline=30)
            pid = pair.left.pid
            before = cpu_seconds(pid)
            time.sleep(IDLE_SECONDS)  # the time over which it is measured
            self.assertLessEqual(cpu_seconds(pid) - before, 0.03)
            pair.transfer(4, SIZE)  # and it comes again
            self.assertTrue(any(keystream["rings"] for keystream in self.counts(pair)))

    def test_a_daemon_takes_over_from_one_that_died_in_the_middle(self):
        with Topology() as topology:
            pair = self.prepare(topology)
            for node in (pair.left, pair.right):
                pair.transfer(4, SIZE)
                node.kill()
                pair.transfer(6, SIZE)  # what is ready is used up, then every packet goes inline
                node.start()
                before = node.status()["keystream"]
                pair.transfer(4, SIZE)
                after = node.status()["keystream"]
                self.assertGreater(after["sealed_ready"] + after["opened_ready"],
                                   before["sealed_ready"] + before["opened_ready"] + PACKETS / 4)
            self.assertEqual([pair.left.losses(), pair.right.losses()], [{}, {}])

    def test_it_can_be_switched_off(self):
        with Topology() as topology, environment(WGXDP_NO_PREFETCH="1"):
            pair = self.prepare(topology)
            for family, _ in itertools.product((4, 6), range(2)):
                pair.transfer(family, 10 * MIB)
            for keystream in self.counts(pair):
                self.assertEqual((keystream["producer"], keystream["rings"]), ("none", 0))
                self.assertEqual((keystream["sealed_ready"], keystream["opened_ready"]), (0, 0))
                self.assertGreater(keystream["sealed_inline"] + keystream["opened_inline"], 20 * MIB // 1420)


if __name__ == "__main__":
    main()
