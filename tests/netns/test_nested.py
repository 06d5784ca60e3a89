# SPDX-License-Identifier: MIT
"""Tunnels through tunnels of one daemon, and endpoints that can only be reached through the tunnel itself.

    a: wgxdp, eth0 ─────────── eth0, wgxdp: b
"""

import json
import socket
import unittest

from support import (MIB, Pair, PeerConfig, Topology, TunnelConfig, Wgxdp, check_traffic, expect_ping, generate_key,
                     main, public_key, wait_until)


def packets_sent(node: Wgxdp, name: str) -> int:
    return json.loads(node.netns.ip("-s", "-j", "link", "show", name))[0]["stats64"]["tx"]["packets"]


class Nested(unittest.TestCase):
    def setUp(self):
        self.topology = self.enterContext(Topology())
        self.left, self.right = (Wgxdp(self.topology, netns) for netns in self.topology.underlay())
        self.outer = Pair(self.topology, self.left, self.right)

    def test_a_tunnel_through_a_tunnel_through_a_tunnel(self):
        for node in (self.left, self.right):
            node.attach("eth0")
        self.outer.up()
        pairs = [self.outer]
        for number, family, mtu in ((1, 6, 1340), (2, 4, 1280)):  # inside, IPv6 wants 1280 bytes
            pair = Pair(self.topology, self.left, self.right, number=number, outer_addresses=pairs[-1].inner[family])
            for config in pair.configs:
                config.mtu = mtu
            pair.up()
            pairs.append(pair)
        for pair in reversed(pairs):
            pair.first_ping()
            check_traffic(pair, MIB)

    def looping(self, name: str, inside: str, endpoint: str) -> TunnelConfig:
        """A tunnel whose peer's endpoint is routed into whatever has `inside`."""
        other = public_key(generate_key())
        return TunnelConfig(self.topology.unique(name), generate_key(), 0, [],
                            [PeerConfig(other, [inside], endpoint)])

    def send_into(self, address: str) -> None:
        with self.left.netns.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for _ in range(20):
                sender.sendto(b"round and round", (address, 9))

    def test_an_endpoint_inside_its_own_tunnel_is_a_loop_that_ends_at_once(self):
        config = self.looping("s", "10.20.0.0/16", "10.20.0.1:51820")
        self.left.up(config)
        self.send_into("10.20.7.7")
        wait_until(lambda: self.left.drops().get("routing_loop"), "the loop is seen")
        self.assertLess(packets_sent(self.left, config.name), 60)
        self.outer.up()
        self.outer.first_ping()

    def test_two_tunnels_that_lead_into_each_other_fall_silent(self):
        first = self.looping("x", "10.21.0.0/16", "10.22.0.1:51820")
        second = self.looping("y", "10.22.0.0/16", "10.21.0.1:51820")
        for config in (first, second):
            self.left.up(config)
        self.send_into("10.21.7.7")
        self.send_into("10.22.7.7")
        self.outer.up()
        self.outer.first_ping()
        expect_ping(self.left.netns, self.outer.inner[4][1], 20)  # takes two seconds
        for config in (first, second):
            self.assertLess(packets_sent(self.left, config.name), 100)


if __name__ == "__main__":
    main()
