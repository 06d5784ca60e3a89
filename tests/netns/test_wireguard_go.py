# SPDX-License-Identifier: MIT
"""wgxdp to wireguard-go over 1500-byte frames: as initiator and as responder, with and without a preshared key.

    a: wgxdp, eth0 ─────────── eth0, wireguard-go: b
"""

import itertools
import unittest

from support import MIB, Pair, Topology, Wgxdp, WireguardGo, check_traffic, main, require_wireguard_go
from support.interop import InteropCases


@require_wireguard_go
class WgxdpAndWireguardGo(InteropCases, unittest.TestCase):
    peer = WireguardGo

    def test_traffic_takes_the_fast_path_whoever_began(self):
        for mode, initiator, psk in itertools.product(("native", "tc"), ("left", "right"), (False, True)):
            outer = 6 if psk else 4
            with self.subTest(mode=mode, initiator=initiator, psk=psk, outer=outer):
                self.check(mode, initiator, psk, outer)

    def test_super_packets_of_the_peer_are_received_on_an_underlay_as_created(self):
        for mode in ("native", "tc"):
            with self.subTest(mode=mode), Topology(offloads="as-is") as topology:
                a, b = topology.underlay()
                node = Wgxdp(topology, a)
                pair = Pair(topology, node, WireguardGo(topology, b))
                node.attach("eth0", mode)
                pair.up()
                pair.first_ping()
                check_traffic(pair, 10 * MIB)
                self.assertEqual(node.losses(), {})


if __name__ == "__main__":
    main()
