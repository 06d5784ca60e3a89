# SPDX-License-Identifier: MIT
"""wgxdp to boringtun over 1500-byte frames: as initiator and as responder, with and without a preshared key.

    a: wgxdp, eth0 ─────────── eth0, boringtun: b
"""

import itertools
import unittest

from support import MIB, Boringtun, Pair, Topology, Wgxdp, check_fast_path, main, require_boringtun, udp_echo

SIZE = 10 * MIB


@require_boringtun
class WgxdpAndBoringtun(unittest.TestCase):
    def check(self, mode: str, initiator: str, psk: bool, outer: int) -> None:
        with Topology() as topology:
            a, b = topology.underlay()
            node = Wgxdp(topology, a)
            pair = Pair(topology, node, Boringtun(topology, b), outer=outer, psk=psk, initiator=initiator)
            node.attach("eth0", mode)
            pair.up()
            pair.first_ping()
            with check_fast_path(node, size=2 * SIZE):
                for family in (4, 6):  # first: TCP fills boringtun's small buffers, and UDP would be lost there
                    udp_echo(pair.left.netns, pair.right.netns, pair.inner[family][1])
                for family in (4, 6):
                    pair.transfer(family, SIZE)
            self.assertEqual(pair.peer_of_left().path, "bpf eth0")
            self.assertGreater(pair.peer_of_right().latest_handshake, 0)

    def test_traffic_takes_the_fast_path_whoever_began(self):
        for mode, initiator, psk in itertools.product(("native", "tc"), ("left", "right"), (False, True)):
            outer = 6 if psk else 4
            with self.subTest(mode=mode, initiator=initiator, psk=psk, outer=outer):
                self.check(mode, initiator, psk, outer)


if __name__ == "__main__":
    main()
