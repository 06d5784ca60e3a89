# SPDX-License-Identifier: MIT
"""Who sends to nobody, or to a peer that was never heard, is told at once instead of waiting.

    c ── eth1, a: wgxdp, eth0 ─────────── eth0, wgxdp: b
"""

import errno
import socket
import unittest

from support import Netns, Pair, Topology, Wgxdp, main, wait_until
from support.traffic import family_of

RECVERR = {socket.AF_INET: (socket.IPPROTO_IP, 11), socket.AF_INET6: (socket.IPPROTO_IPV6, 25)}
NOBODYS = {4: "10.8.0.9", 6: "fd08::9"}


def error_of_sending_to(netns: Netns, address: str) -> int:
    """What a UDP sender is told within a second; 0: nothing."""
    family = family_of(address)
    with netns.socket(family, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(*RECVERR[family], 1)
        sender.settimeout(1)
        sender.connect((address, 9))
        try:
            sender.send(b"anybody there?")
            sender.recv(64)
        except TimeoutError:
            return 0
        except OSError as error:
            return error.errno
    return 0


def expect_unreachable(netns: Netns, address: str) -> None:
    """BPF lets few of them through to be told of: another may have been before us."""
    wait_until(lambda: error_of_sending_to(netns, address) == errno.EHOSTUNREACH, f"{address} is unreachable")


class Unreachable(unittest.TestCase):
    def start(self, **options) -> tuple[Topology, Pair]:
        topology = self.enterContext(Topology())
        a, b = topology.underlay()
        pair = Pair(topology, Wgxdp(topology, a), Wgxdp(topology, b), **options)
        pair.up()
        for address in NOBODYS.values():
            a.ip("route", "add", address, "dev", pair.names[0])
        return topology, pair

    def test_a_destination_that_is_nobodys(self):
        _, pair = self.start()
        node = pair.left
        for family, address in NOBODYS.items():
            with self.subTest(family=family):
                before = node.drops().get("no_peer", 0)
                expect_unreachable(node.netns, address)
                self.assertGreater(node.drops()["no_peer"], before)
        pair.first_ping()

    def test_a_peer_without_an_endpoint(self):
        _, pair = self.start(initiator="right")
        node = pair.left
        for family in (4, 6):
            with self.subTest(family=family):
                expect_unreachable(node.netns, pair.inner[family][1])
        self.assertGreater(node.drops()["no_endpoint"], 0)
        pair.first_ping()  # now it was heard

    def test_a_sender_behind_a_router_and_a_flood(self):
        topology, pair = self.start()
        a, c = pair.left.netns, topology.netns("c")
        topology.link(a, "eth1", c, "eth0")
        for family, near, far, option in ((4, "10.6.0.1", "10.6.0.2", "ipv4.ip_forward"),
                                          (6, "fd06::1", "fd06::2", "ipv6.conf.all.forwarding")):
            a.sysctl(f"net.{option}", 1)
            topology.addresses(a, "eth1", f"{near}/{24 if family == 4 else 64}")
            topology.addresses(c, "eth0", f"{far}/{24 if family == 4 else 64}")
            c.ip("route", "add", NOBODYS[family], "via", near)
            with self.subTest(family=family):
                expect_unreachable(c, NOBODYS[family])
        # Most of a flood is dropped where it is cheap, and each packet is counted.
        before = pair.left.drops()["no_peer"]
        with c.socket(socket.AF_INET, socket.SOCK_DGRAM) as flood:
            for _ in range(2000):
                flood.sendto(b"x", (NOBODYS[4], 9))
        wait_until(lambda: pair.left.drops()["no_peer"] >= before + 2000, "all of the flood is counted")
        self.assertGreater(pair.left.status()["drops"]["no_peer"]["total"], 1000)


if __name__ == "__main__":
    main()
