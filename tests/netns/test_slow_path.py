# SPDX-License-Identifier: MIT
"""Where BPF cannot or should not handle a packet the daemon does, and the tunnel works all the same.

    a: wgxdp, eth0 ─────────── eth0, wgxdp or wireguard-go: b        and two tunnels over lo
"""

import os
import unittest

from support import (MIB, Pair, Topology, Wgxdp, WireguardGo, check_traffic, expect_ping, main, require_wireguard_go,
                     tcp_transfer, udp_echo)
from support.traffic import SLOWNESS
from support.wgxdp import SLOW_PATH_PROGRAMS

SIZE = 5 * MIB
SMALL_MTU = 1300  # smaller than what a full inner packet of 1420 bytes needs


def slow_packets(node: Wgxdp) -> int:
    return sum(runs for name, runs in node.runs().items() if name.startswith(SLOW_PATH_PROGRAMS))


class SlowPath(unittest.TestCase):
    def test_a_tunnel_works_where_no_nic_is_attached(self):
        for outer in (4, 6):
            with self.subTest(outer=outer), Topology() as topology:
                left, right = (Wgxdp(topology, netns) for netns in topology.underlay())
                pair = Pair(topology, left, right, outer=outer)
                pair.up()
                pair.first_ping()
                check_traffic(pair, SIZE)
                for node in (left, right):
                    self.assertGreater(slow_packets(node), SIZE / SLOWNESS / 1420)

    def test_one_attached_end_is_enough_for_it(self):
        with Topology() as topology:
            left, right = (Wgxdp(topology, netns) for netns in topology.underlay())
            pair = Pair(topology, left, right)
            left.attach("eth0")
            pair.up()
            pair.first_ping()
            check_traffic(pair, SIZE)

    @require_wireguard_go
    def test_wireguard_go_is_served_where_no_nic_is_attached(self):
        for offloads in ("wire", "as-is"):
            with self.subTest(offloads=offloads), Topology(offloads=offloads) as topology:
                a, b = topology.underlay()
                pair = Pair(topology, Wgxdp(topology, a), WireguardGo(topology, b), psk=True)
                pair.up()
                pair.first_ping()
                check_traffic(pair, SIZE)

    def test_attaching_and_detaching_under_traffic_changes_only_the_path(self):
        with Topology() as topology:
            left, right = (Wgxdp(topology, netns) for netns in topology.underlay())
            pair = Pair(topology, left, right)
            pair.up()
            pair.first_ping()
            for mode in ("native", "tc"):
                left.attach("eth0", mode)
                check_traffic(pair, SIZE)
                left.detach("eth0")
                check_traffic(pair, SIZE)

    def small_underlay(self, topology: Topology, make_right, mode: str | None, outer: int) -> Pair:
        a, b = topology.underlay(mtu=SMALL_MTU)
        left, right = Wgxdp(topology, a), make_right(topology, b)
        pair = Pair(topology, left, right, outer=outer)
        if mode:
            left.attach("eth0", mode)
        pair.up()
        pair.first_ping()
        for family in (4, 6):
            expect_ping(a, pair.inner[family][1], 3, size=1372)
        return pair

    def test_packets_larger_than_the_underlay_are_fragmented_outside(self):
        for mode, outer in (("native", 4), ("tc", 6), (None, 4)):
            with self.subTest(mode=mode, outer=outer), Topology() as topology:
                check_traffic(self.small_underlay(topology, Wgxdp, mode, outer), SIZE)

    @require_wireguard_go
    def test_fragments_of_a_peer_are_reassembled(self):
        """No TCP: over such an underlay wireguard-go's own batches are refused by its kernel."""
        for mode, outer in (("native", 6), ("tc", 4)):
            with self.subTest(mode=mode, outer=outer), Topology() as topology:
                pair = self.small_underlay(topology, WireguardGo, mode, outer)
                for family in (4, 6):
                    udp_echo(pair.right.netns, pair.left.netns, pair.inner[family][0])

    def check_tunnels_on_one_machine(self, topology: Topology, attach: str | None, address: str) -> None:
        """Two tunnels of one daemon reach each other by lo; their interfaces live in two containers."""
        home, left, right = (topology.netns(name) for name in ("home", "c", "d"))
        node = Wgxdp(topology, home)
        pair = Pair(topology, node, node, outer_addresses=(address, address))
        pair.configs[1].listen_port = pair.port + 1
        literal = f"[{address}]" if ":" in address else address
        pair.configs[0].peers[0].endpoint = f"{literal}:{pair.port + 1}"
        if attach:
            node.attach("lo", attach)
        pair.up()
        for config, container in zip(pair.configs, (left, right), strict=True):
            home.ip("link", "set", config.name, "netns", container.name)
            container.ip("link", "set", config.name, "up")
            topology.addresses(container, config.name, *config.addresses)
        for family in (4, 6):
            expect_ping(left, pair.inner[family][1], wait=5)
            tcp_transfer(left, right, pair.inner[family][1], os.urandom(SIZE))
            tcp_transfer(right, left, pair.inner[family][0], os.urandom(SIZE))
            udp_echo(left, right, pair.inner[family][1])

    def test_two_tunnels_of_one_daemon_reach_each_other_by_loopback(self):
        for attach, address in ((None, "127.0.0.1"), (None, "::1"), ("tc", "127.0.0.1")):
            with self.subTest(attach=attach, address=address), Topology() as topology:
                self.check_tunnels_on_one_machine(topology, attach, address)


if __name__ == "__main__":
    main()
