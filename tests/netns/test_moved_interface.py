# SPDX-License-Identifier: MIT
"""The tunnel's interface moves to a container's namespace; its encrypted packets still leave where it was made.

    c: wg0 ┄┄┄ a: wgxdp, eth0 ─────────── eth0, wgxdp: b
"""

import os
import unittest

from support import (MIB, Capture, Netns, Pair, Topology, Wgxdp, expect_ping, main, tcp_transfer, udp_echo,
                     wait_until)
from support.host import run
from support.wire import KEEPALIVE_SIZE


def move_to(pair: Pair, container: Netns) -> None:
    """Moves the left interface and gives it there what it lost on the way."""
    name = pair.names[0]
    pair.left.netns.ip("link", "set", name, "netns", container.name)
    container.ip("link", "set", name, "addrgenmode", "none")
    container.ip("link", "set", name, "up")
    for address in pair.configs[0].addresses:
        container.ip("address", "add", address, "dev", name, *(["nodad"] if ":" in address else []))
    wait_until(lambda: pair.left.tunnel(name)["moved"], "the daemon knows")  # until then answers go where it was


class MovedInterface(unittest.TestCase):
    def prepare(self, topology: Topology, mode: str) -> tuple[Pair, Netns]:
        left, right = (Wgxdp(topology, netns) for netns in topology.underlay())
        pair = Pair(topology, left, right)
        for node in (left, right):
            node.attach("eth0", mode)
        pair.up()
        return pair, topology.netns("c")

    def check_both_ways(self, pair: Pair, container: Netns) -> None:
        b = pair.right.netns
        for family in (4, 6):
            inside, outside = pair.inner[family]
            expect_ping(container, outside, 5, wait=5)
            expect_ping(b, inside, 5)
            block = os.urandom(20 * MIB)
            tcp_transfer(container, b, outside, block)
            tcp_transfer(b, container, inside, block)
            udp_echo(container, b, outside)

    def test_traffic_flows_both_ways_and_leaves_encrypted_from_the_birth_namespace(self):
        for mode in ("native", "tc"):
            with self.subTest(mode=mode), Topology() as topology:
                pair, container = self.prepare(topology, mode)
                move_to(pair, container)
                self.assertFalse(pair.left.netns.has_device(pair.names[0]))
                with Capture(pair.left.netns, "eth0") as capture:
                    expect_ping(container, pair.inner[4][1], 5, wait=5)
                    sizes = [len(datagram.payload) for datagram in capture.datagrams(pair.port)]
                self.assertGreaterEqual(len([size for size in sizes if size > KEEPALIVE_SIZE]), 6, sizes)
                self.check_both_ways(pair, container)
                self.assertTrue(pair.left.tunnel(pair.names[0])["moved"])
                self.assertEqual(pair.peer_of_left().path, "bpf eth0")

    def test_an_established_session_goes_on_after_the_move(self):
        with Topology() as topology:
            pair, container = self.prepare(topology, "auto")
            pair.first_ping()
            handshake = pair.peer_of_left().latest_handshake
            move_to(pair, container)
            expect_ping(container, pair.inner[4][1], 5)
            expect_ping(pair.right.netns, pair.inner[6][0], 5)
            self.assertEqual(pair.peer_of_left().latest_handshake, handshake)

    def test_the_interface_can_come_back(self):
        with Topology() as topology:
            pair, container = self.prepare(topology, "auto")
            move_to(pair, container)
            expect_ping(container, pair.inner[4][1], wait=5)
            name, home = pair.names[0], pair.left.netns
            container.ip("link", "set", name, "netns", home.name)
            topology.addresses(home, name, *pair.configs[0].addresses)
            home.ip("link", "set", name, "up")
            expect_ping(home, pair.inner[4][1], 5, wait=5)
            self.assertFalse(pair.left.tunnel(name)["moved"])

    def test_the_end_of_the_namespace_it_moved_to_is_the_end_of_the_tunnel(self):
        with Topology() as topology:
            pair, container = self.prepare(topology, "auto")
            move_to(pair, container)
            expect_ping(container, pair.inner[4][1], wait=5)
            run(["ip", "netns", "del", container.name])
            wait_until(lambda: pair.left.rpc("tunnel.list") == [], "the tunnel is gone")
            self.assertTrue(pair.left.nics())  # what was attached on request stays
            run(["ip", "netns", "add", container.name])  # for the topology to delete


if __name__ == "__main__":
    main()
