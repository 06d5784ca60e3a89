# SPDX-License-Identifier: MIT
"""Either end changes its underlay address or port under traffic; the other one follows.

    a: wgxdp, eth0 ─────────── eth0, wgxdp or wireguard-go: b
    a: wgxdp, eth0 ── relay: nat ── eth0, wgxdp: b
"""

import unittest

from support import (MIB, Netns, Node, Pair, Prober, Relay, Topology, Wgxdp, WireguardGo, check_fast_path, expect_ping,
                     main, require_wireguard_go, wait_until)
from support.pair import endpoint

MOVES = {4: ("10.9.0.2/24", "10.9.0.77/24"), 6: ("fd09::2/64", "fd09::77/64")}
PROBE_INTERVAL = 0.01
SIZE = 5 * MIB


def move(netns: Netns, outer: int) -> str:
    """Another address on b's NIC in the place of the old one; the new one."""
    old, new = MOVES[outer]
    netns.ip("address", "del", old, "dev", "eth0")
    netns.ip("address", "add", new, "dev", "eth0", *(["nodad"] if outer == 6 else []))
    return new.split("/")[0]


class Roaming(unittest.TestCase):
    def connect(self, pair: Pair, *nics: Wgxdp, mode: str = "auto") -> Prober:
        """Attaches, makes the tunnel, and starts probes from b to a: b is the one that will move."""
        for node in nics:
            node.attach("eth0", mode)
        pair.up()
        pair.first_ping()
        prober = Prober(pair.right.netns, pair.left.netns, pair.inner[4][0], PROBE_INTERVAL)
        wait_until(lambda: len(prober.answered) > 20, "probes are answered")
        return prober

    def check_follows(self, pair: Pair, prober: Prober, expected: str) -> None:
        """a's endpoint for b is the new one, and traffic flows both ways."""
        wait_until(lambda: pair.peer_of_left().endpoint == expected, f"the endpoint becomes {expected}")
        prober.answers_again(5)
        self.assertLess(len(prober.stop()), 1 / PROBE_INTERVAL, "more than a second was lost")
        expect_ping(pair.left.netns, pair.inner[4][1], 5)
        expect_ping(pair.right.netns, pair.inner[6][0], 5)

    def check_address_change(self, make_left, make_right, outer: int, mode: str) -> None:
        with Topology() as topology:
            a, b = topology.underlay()
            nodes: tuple[Node, Node] = make_left(topology, a), make_right(topology, b)
            pair = Pair(topology, *nodes, outer=outer)
            prober = self.connect(pair, *(node for node in nodes if isinstance(node, Wgxdp)), mode=mode)
            self.check_follows(pair, prober, endpoint(move(b, outer), pair.port))

    def test_wgxdp_follows_a_wgxdp_that_changes_its_address(self):
        for outer, mode in ((4, "native"), (6, "tc")):
            with self.subTest(outer=outer, mode=mode):
                self.check_address_change(Wgxdp, Wgxdp, outer, mode)

    @require_wireguard_go
    def test_wgxdp_follows_a_wireguard_go_that_changes_its_address(self):
        for outer, mode in ((4, "tc"), (6, "native")):
            with self.subTest(outer=outer, mode=mode):
                self.check_address_change(Wgxdp, WireguardGo, outer, mode)

    @require_wireguard_go
    def test_wireguard_go_follows_a_wgxdp_that_changes_its_address(self):
        for outer, mode in ((4, "native"), (6, "tc")):
            with self.subTest(outer=outer, mode=mode):
                self.check_address_change(WireguardGo, Wgxdp, outer, mode)

    @require_wireguard_go
    def test_wgxdp_follows_a_wireguard_go_that_changes_its_port(self):
        with Topology() as topology:
            a, b = topology.underlay()
            node, other = Wgxdp(topology, a), WireguardGo(topology, b)
            pair = Pair(topology, node, other)
            prober = self.connect(pair, node)
            other.set(pair.names[1], "listen-port", "40404")
            self.check_follows(pair, prober, "10.9.0.2:40404")

    def test_a_way_back_that_is_another_one_is_no_move(self):
        """What b sends comes in by eth1 and what a sends leaves by eth0; all of it is BPF's."""
        for mode in ("native", "tc"):
            with self.subTest(mode=mode), Topology() as topology:
                a, b = topology.underlay()
                topology.link(a, "eth1", b, "eth1")
                for netns, address in ((a, "10.8.0.1/24"), (b, "10.8.0.2/24")):
                    topology.addresses(netns, "eth1", address)
                    for device in ("all", "eth0", "eth1"):
                        netns.sysctl(f"net.ipv4.conf.{device}.rp_filter", 0)
                b.ip("route", "add", "10.9.0.1", "via", "10.8.0.1", "src", "10.9.0.2")
                left, right = Wgxdp(topology, a), Wgxdp(topology, b)
                pair = Pair(topology, left, right)
                for node in (left, right):
                    for nic in ("eth0", "eth1"):
                        node.attach(nic, mode)
                pair.up()
                pair.first_ping()
                with check_fast_path(left, right, size=SIZE):
                    pair.transfer(4, SIZE)
                self.assertEqual((pair.peer_of_left().path, pair.peer_of_right().path), ("bpf eth0", "bpf eth1"))

    def test_endpoints_follow_a_nat_that_forgets_its_port(self):
        for mode in ("native", "tc"):
            with self.subTest(mode=mode), Topology() as topology:
                self.check_nat(topology, mode)

    def check_nat(self, topology: Topology, mode: str) -> None:
        """b reaches a through the relay, which takes another port towards a in between."""
        a, nat, b = (topology.netns(name) for name in ("a", "nat", "b"))
        topology.link(a, "eth0", nat, "outside")
        topology.link(nat, "inside", b, "eth0")
        for netns, device, address in ((a, "eth0", "10.9.0.1/24"), (nat, "outside", "10.9.0.254/24"),
                                       (nat, "inside", "10.8.0.254/24"), (b, "eth0", "10.8.0.2/24")):
            topology.addresses(netns, device, address)
        left, right = Wgxdp(topology, a), Wgxdp(topology, b)
        pair = Pair(topology, left, right, initiator="right", outer_addresses=("10.8.0.254", "10.9.0.254"))
        with Relay(nat, ("10.8.0.254", pair.port), ("10.9.0.1", pair.port)) as relay:
            prober = self.connect(pair, left, right, mode=mode)
            self.assertEqual(pair.peer_of_left().endpoint, f"10.9.0.254:{relay.port}")
            relay.rebind()
            self.check_follows(pair, prober, f"10.9.0.254:{relay.port}")


if __name__ == "__main__":
    main()
