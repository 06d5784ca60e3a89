# SPDX-License-Identifier: MIT
"""Tunnels of up to 8,920 bytes: in BPF where the NIC carries that, with keystream made ahead; programs for them are
loaded when the first one comes.

    a: wgxdp, eth0 ─────────── eth0, wgxdp: b
"""

import unittest

from support import MIB, Pair, Prober, Topology, Wgxdp, check_fast_path, main, udp_echo, wait_until
from support.traffic import SLOWNESS

SIZE = 50 * MIB
JUMBO_MTU = 8920
UDP_IPV6_HEADERS = 48


def jumbo(pair: Pair) -> Pair:
    for config in pair.configs:
        config.mtu = JUMBO_MTU
    return pair


class Jumbo(unittest.TestCase):
    def start(self, mtu: int, mode: str) -> tuple[Topology, Wgxdp, Wgxdp]:
        topology = self.enterContext(Topology())
        left, right = (Wgxdp(topology, netns) for netns in topology.underlay(mtu))
        for node in (left, right):
            node.attach("eth0", mode)
        return topology, left, right

    def test_packets_of_every_size_stay_in_bpf(self):
        for outer in (4, 6):
            with self.subTest(outer=outer):
                topology, left, right = self.start(9000, "auto")
                nic = left.nics()["eth0"]
                self.assertEqual(nic["mode"], "tc")
                self.assertIn("MTU is too large", nic["reason"])
                pair = jumbo(Pair(topology, left, right, outer=outer, psk=True))
                pair.up()
                pair.first_ping()
                with check_fast_path(left, right, size=2 * SIZE // 8) as ran:
                    for family in (4, 6):
                        pair.transfer(family, SIZE)
                        udp_echo(left.netns, right.netns, pair.inner[family][1],
                                 range(1300, JUMBO_MTU - UDP_IPV6_HEADERS + 1, 23))
                for node in (left, right):
                    self.assertLess(ran[node.instance]["wg_tx"], 4 * SIZE // 4000)  # they were jumbo packets
                    keystream = node.status()["keystream"]
                    if SLOWNESS == 1:  # otherwise nobody is busy enough for a ring
                        self.assertGreater(keystream["sealed_ready"] + keystream["opened_ready"], SIZE // JUMBO_MTU)
                udp_echo(left.netns, right.netns, pair.inner[6][1],
                         range(JUMBO_MTU - UDP_IPV6_HEADERS - 20, JUMBO_MTU - UDP_IPV6_HEADERS + 1))

    def test_one_that_comes_later_costs_the_others_no_packet(self):
        for mode in ("native", "tc"):
            with self.subTest(mode=mode):
                topology, left, right = self.start(1500, mode)
                plain = Pair(topology, left, right)
                plain.up()
                plain.first_ping()
                plain.transfer(4, SIZE)  # its rings are there
                session = plain.peer_of_left().latest_handshake
                probers = [Prober(left.netns, right.netns, plain.inner[4][1], 0.005),
                           Prober(right.netns, left.netns, plain.inner[6][0], 0.005)]
                later = jumbo(Pair(topology, left, right, number=1))
                later.up()
                later.first_ping()
                sent = [prober.sent for prober in probers]
                wait_until(lambda probers=probers, sent=sent: all(
                    prober.sent > before + 50 for prober, before in zip(probers, sent, strict=True)), "more probes")
                self.assertEqual([prober.stop() for prober in probers], [[], []])
                with check_fast_path(left, right, size=SIZE):
                    plain.transfer(4, SIZE)
                self.assertEqual(plain.peer_of_left().latest_handshake, session)

    def test_an_interface_that_grows_and_a_daemon_that_takes_over(self):
        topology, left, right = self.start(9000, "auto")
        pair = Pair(topology, left, right)
        pair.up()
        pair.first_ping()
        for node, name in zip((left, right), pair.names, strict=True):
            node.netns.ip("link", "set", name, "mtu", str(JUMBO_MTU))
        wait_until(lambda: all(node.tunnel(name)["mtu"] == JUMBO_MTU
                               for node, name in zip((left, right), pair.names, strict=True)), "both daemons know", 60)
        for _ in range(2):
            with check_fast_path(left, right, size=SIZE // 8):
                pair.transfer(6, SIZE)
                udp_echo(left.netns, right.netns, pair.inner[4][1], range(8000, 8800, 100))
            left.kill()
            left.start()


if __name__ == "__main__":
    main()
