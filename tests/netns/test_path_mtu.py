# SPDX-License-Identifier: MIT
"""A link somewhere on the way carries less than our own: over IPv6 nobody but the sender may fragment, and BPF learns it
from the router's answer as the IP stack does.

    a: wgxdp, eth0 ─── 1500 ─── left: r :right ─── 1400 ─── eth0, wgxdp: b
"""

import unittest

from support import MIB, Pair, Topology, Wgxdp, check_fast_path, main, ping, wait_until

SIZE = 5 * MIB
FULL = 1420 - 48  # of an ICMPv6 echo in an inner packet as long as wg0 takes


class PathMtu(unittest.TestCase):
    def build(self, topology: Topology, mode: str | None) -> Pair:
        a, r, b = (topology.netns(name) for name in ("a", "r", "b"))
        self.router = r
        topology.link(a, "eth0", r, "left")
        topology.link(r, "right", b, "eth0", mtu=1400)
        r.sysctl("net.ipv6.conf.all.forwarding", 1)
        for netns, device, address in ((a, "eth0", "fd08:1::1/64"), (r, "left", "fd08:1::fe/64"),
                                       (r, "right", "fd08:2::fe/64"), (b, "eth0", "fd08:2::1/64")):
            topology.addresses(netns, device, address)
        a.ip("-6", "route", "add", "default", "via", "fd08:1::fe")
        b.ip("-6", "route", "add", "default", "via", "fd08:2::fe")
        left, right = Wgxdp(topology, a), Wgxdp(topology, b)
        for node in (left, right) if mode else ():
            node.attach("eth0", mode)
        pair = Pair(topology, left, right, outer_addresses=("fd08:1::1", "fd08:2::1"))
        pair.up()
        pair.first_ping()
        return pair

    def test_long_packets_arrive_once_a_router_has_refused_one(self):
        for mode in ("native", "tc", None):
            with self.subTest(mode=mode), Topology() as topology:
                pair = self.build(topology, mode)
                a, there = pair.left.netns, pair.inner[6][1]
                ping(a, there, wait=1, size=FULL)  # refused
                wait_until(lambda: ping(a, there, wait=1, size=FULL).lost == 0, "a full packet arrives", 5)  # noqa: B023

    def test_what_a_router_has_said_is_forgotten_in_time(self):
        with Topology() as topology:
            pair = self.build(topology, "native")
            a, there = pair.left.netns, pair.inner[6][1]
            a.sysctl("net.ipv6.route.mtu_expires", 2)
            by_daemon = lambda: pair.left.runs()["wg_take_counter"]  # noqa: E731

            def takes_the_fast_path() -> bool:
                before = by_daemon()
                return ping(a, there, wait=1, size=FULL).lost == 0 and by_daemon() == before

            ping(a, there, wait=1, size=FULL)  # refused
            wait_until(lambda: ping(a, there, wait=1, size=FULL).lost == 0, "a full packet arrives", 5)
            self.assertFalse(takes_the_fast_path())
            self.router.ip("link", "set", "right", "mtu", "1500")
            pair.right.netns.ip("link", "set", "eth0", "mtu", "1500")
            wait_until(takes_the_fast_path, "BPF sends full packets again")

    def test_tcp_keeps_to_what_the_router_has_said(self):
        for mode in ("native", "tc"):
            with self.subTest(mode=mode), Topology() as topology:
                pair = self.build(topology, mode)
                pair.transfer(6, MIB)
                with check_fast_path(pair.left, pair.right, size=SIZE):
                    pair.transfer(6, SIZE)


if __name__ == "__main__":
    main()
