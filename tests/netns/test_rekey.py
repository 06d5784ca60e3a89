# SPDX-License-Identifier: MIT
"""Sessions are renewed after 120 s and no packet is lost, whoever of whom began. All pairs at once: it takes as long
as one.

    up to six pairs of namespaces, each:   eth0 ─────────── eth0
"""

import time
import unittest
from dataclasses import dataclass

from support import (KernelWireguard, Pair, Prober, Topology, Wgxdp, WireguardGo, expect_ping, kernel_wireguard, main,
                     wait_until)
from support.host import wireguard_go
from support.traffic import SLOWNESS

REKEY_AFTER_TIME = 120
PROBE_INTERVAL = 0.01 * SLOWNESS


@dataclass
class Case:
    """One pair and its running probes."""

    name: str
    pair: Pair
    first_handshake: int
    probers: list[Prober]
    renewed: tuple[int, int] = (0, 0)

    def handshakes(self) -> tuple[int, int]:
        return self.pair.peer_of_left().latest_handshake, self.pair.peer_of_right().latest_handshake


class Rekey(unittest.TestCase):
    def start(self, name: str, right, initiator: str, mode: str) -> Case:
        topology = self.enterContext(Topology())
        a, b = topology.underlay()
        pair = Pair(topology, Wgxdp(topology, a), right(topology, b), initiator=initiator)
        for node in (pair.left, pair.right):
            if isinstance(node, Wgxdp):
                node.attach("eth0", mode)
        pair.up()
        pair.first_ping()
        probers = [Prober(a, b, pair.inner[4][1], PROBE_INTERVAL), Prober(b, a, pair.inner[6][0], PROBE_INTERVAL)]
        return Case(name, pair, pair.peer_of_left().latest_handshake, probers)

    def test_no_packet_is_lost_across_the_rekey(self):
        wanted = [("wgxdp to wgxdp, native", Wgxdp, "left", "native"), ("wgxdp to wgxdp, tc", Wgxdp, "left", "tc")]
        if wireguard_go():
            wanted += [("wgxdp began, wireguard-go answered", WireguardGo, "left", "native"),
                       ("wireguard-go began, wgxdp answered", WireguardGo, "right", "tc")]
        else:
            print("SKIPPED: wireguard-go is missing, only wgxdp to wgxdp: run tools/setup")
        if kernel_wireguard():
            wanted += [("wgxdp began, the driver answered", KernelWireguard, "left", "tc"),
                       ("the driver began, wgxdp answered", KernelWireguard, "right", "native")]
        else:
            print("SKIPPED: this kernel has no WireGuard driver to renew sessions with: vmtest/run rekey")
        cases = [self.start(*case) for case in wanted]
        for case in cases:
            self.wait_for_rekey(case)
        for case in cases:
            with self.subTest(case.name):
                self.check(case)

    def wait_for_rekey(self, case: Case) -> None:
        due = case.first_handshake + REKEY_AFTER_TIME
        wait_until(lambda: min(case.handshakes()) >= due, f"both ends of '{case.name}' have renewed the session",
                   deadline=max(0.0, due - time.time()) + 10, interval=0.25)
        case.renewed = case.handshakes()
        # Both probes pass on the new session, a second's worth of them.
        numbers = [prober.sent + int(1 / PROBE_INTERVAL) for prober in case.probers]
        wait_until(lambda: all(prober.sent > number for prober, number in zip(case.probers, numbers, strict=True)),
                   "more probes are sent")

    def check(self, case: Case) -> None:
        for prober in case.probers:
            lost = prober.stop()
            self.assertGreater(prober.sent, REKEY_AFTER_TIME / PROBE_INTERVAL * 0.9)
            self.assertEqual(lost, [])
        for renewed, now in zip(case.renewed, case.handshakes(), strict=True):
            self.assertTrue(now == renewed or now >= renewed + REKEY_AFTER_TIME - 1, f"at {renewed} and at {now}")
        for node in (case.pair.left, case.pair.right):
            if isinstance(node, Wgxdp):
                self.assertEqual(node.losses(), {})
        expect_ping(case.pair.left.netns, case.pair.inner[6][1], 5)
        expect_ping(case.pair.right.netns, case.pair.inner[4][0], 5)


if __name__ == "__main__":
    main()
