# SPDX-License-Identifier: MIT
"""wgxdp to wgxdp: every receive mode over every family.

    a: wgxdp, eth0 ─────────── eth0, wgxdp: b
"""

import itertools
import os
import socket
import unittest

from support import CheckFailed, MIB, Netns, Pair, Topology, Wgxdp, check_fast_path, check_traffic, main
from support.traffic import SLOWNESS, EchoServer, family_of, udp_checksum

SIZE = 50 * MIB


class WgxdpPair(unittest.TestCase):
    def check(self, mode: str, outer: int, offloads: str = "wire", psk: bool = False) -> None:
        with Topology(offloads=offloads) as topology:
            left, right = (Wgxdp(topology, netns) for netns in topology.underlay())
            pair = Pair(topology, left, right, outer=outer, psk=psk)
            for node in (left, right):
                node.attach("eth0", mode)
            pair.up()
            pair.first_ping()
            self.assertEqual(left.nics()["eth0"]["mode"], mode)
            with check_fast_path(left, right, size=2 * SIZE):
                check_traffic(pair, SIZE)
            for status in (pair.peer_of_left(), pair.peer_of_right()):
                self.assertEqual(status.path, "bpf eth0")
                self.assertEqual(status.has_preshared_key, psk)
                self.assertGreater(status.rx_bytes, 2 * SIZE // SLOWNESS)
                self.assertGreater(status.tx_bytes, 2 * SIZE // SLOWNESS)

    def test_traffic_takes_the_fast_path_in_every_mode_over_every_family(self):
        for mode, outer in itertools.product(("native", "tc"), (4, 6)):
            with self.subTest(mode=mode, outer=outer):
                self.check(mode, outer)

    def test_traffic_flows_over_an_underlay_with_its_offloads_as_created(self):
        for mode in ("native", "tc"):
            with self.subTest(mode=mode):
                self.check(mode, 4, offloads="as-is", psk=True)

    def test_both_ends_may_start_at_once(self):
        with Topology() as topology:
            left, right = (Wgxdp(topology, netns) for netns in topology.underlay())
            pair = Pair(topology, left, right, initiator="both")
            for node in (left, right):
                node.attach("eth0")
            pair.up()
            pair.first_ping()
            check_traffic(pair, 4 * MIB)

    def test_modes_may_differ_between_the_ends(self):
        with Topology() as topology:
            left, right = (Wgxdp(topology, netns) for netns in topology.underlay())
            pair = Pair(topology, left, right)
            left.attach("eth0", "native")
            right.attach("eth0", "tc")
            pair.up()
            pair.first_ping()
            with check_fast_path(left, right, size=8 * MIB):
                check_traffic(pair, 4 * MIB)

    def test_datagrams_whose_checksum_is_computed_to_zero_arrive(self):
        for mode in ("native", "tc", None):
            with self.subTest(mode=mode), Topology() as topology:
                left, right = (Wgxdp(topology, netns) for netns in topology.underlay())
                for node in (left, right) if mode else ():
                    node.attach("eth0", mode)
                pair = Pair(topology, left, right)
                pair.up()
                pair.first_ping()
                for family in (4, 6):
                    echo_zero_checksum(left.netns, right.netns, pair.inner[family][1])


def echo_zero_checksum(client: Netns, server: Netns, address: str) -> None:
    with EchoServer(server, address) as echo, client.socket(family_of(address), socket.SOCK_DGRAM) as probe:
        probe.settimeout(2)
        probe.connect((address, echo.port))
        for size in (2, 3, 100, 1363):
            start = os.urandom(size - size % 2)
            payload = start + udp_checksum(probe, start + bytes(2 + size % 2)).to_bytes(2, "big") + bytes(size % 2)
            if udp_checksum(probe, payload):
                raise CheckFailed("that is not zero")
            probe.send(payload)
            if probe.recv(1 << 16) != payload:
                raise CheckFailed(f"{len(payload)} bytes came back as others")


if __name__ == "__main__":
    main()
