# SPDX-License-Identifier: MIT
"""Attaching and detaching: which mode, why, and that nothing stays behind (rule 6).

    a: wgxdp, eth0 [bridge, macvlan, foreign XDP program] ─────────── eth0, wgxdp: b
    c: eth0 ─── port1 [bridge]
"""

import re
import socket
import unittest

from support import (Capture, ForeignXdp, MIB, Netns, Pair, Topology, Wgxdp, WireguardGo, check_fast_path, check_traffic,
                     main, program_exists, require_wireguard_go, wait_until)
from support.wire import parse_udp

SIZE = 5 * MIB


def is_tcp(frame: bytes) -> bool:
    return {b"\x08\x00": frame[23], b"\x86\xdd": frame[20]}.get(frame[12:14]) == socket.IPPROTO_TCP


def has_xdp(netns: Netns, device: str) -> bool:
    return "xdp" in netns.ip("-details", "link", "show", device)


def ingress_filters(netns: Netns, device: str) -> str:
    return netns.run("tc", "filter", "show", "dev", device, "ingress", check=False).stdout.strip()


class Attach(unittest.TestCase):
    def setUp(self):
        self.topology = self.enterContext(Topology())
        self.a, self.b = self.topology.underlay()
        self.node = Wgxdp(self.topology, self.a)

    def assert_nothing_attached(self, device: str = "eth0") -> None:
        self.assertFalse(has_xdp(self.a, device))
        self.assertEqual(ingress_filters(self.a, device), "")

    def assert_native_refused(self, words: str) -> None:
        """A sentence that says why, and no trace of the attempt."""
        refused = self.node.cli("attach", "eth0", "--mode", "native", check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertRegex(refused.stderr, words)
        self.assertEqual(len(refused.stderr.strip().splitlines()), 1, refused.stderr)

    def assert_auto_takes_tc_because(self, words: str) -> None:
        self.node.attach("eth0")
        nic = self.node.nics()["eth0"]
        self.assertEqual(nic["mode"], "tc")
        self.assertRegex(nic["reason"], words)

    def tunnel_works(self) -> None:
        right = Wgxdp(self.topology, self.b)
        right.attach("eth0")
        pair = Pair(self.topology, self.node, right)
        pair.up()
        pair.first_ping()
        with check_fast_path(self.node, right, size=2 * SIZE):
            check_traffic(pair, SIZE)

    def test_auto_takes_native_where_the_driver_has_it(self):
        self.node.attach("eth0")
        self.assertEqual(self.node.nics()["eth0"]["mode"], "native")
        self.assertTrue(has_xdp(self.a, "eth0"))

    def test_detach_leaves_no_program_filter_link_or_pin(self):
        for mode in ("native", "tc"):
            with self.subTest(mode=mode):
                self.a.run("ethtool", "-K", "eth0", "gro", "off")
                self.node.attach("eth0", mode)
                self.assertTrue(self.a.feature("eth0", "generic-receive-offload"))
                self.assertEqual(has_xdp(self.a, "eth0"), mode == "native")
                self.assertNotEqual(ingress_filters(self.a, "eth0"), "")
                programs = [program["id"] for program in self.node.status()["programs"]]
                self.assertTrue(programs and all(map(program_exists, programs)))
                self.node.detach("eth0")
                self.assert_nothing_attached()
                self.assertFalse(self.a.feature("eth0", "generic-receive-offload"))
                wait_until(lambda: not self.node.leftovers(), "the idle daemon ends")
                wait_until(lambda: not any(map(program_exists, programs)), "its programs are gone")

    def test_each_filter_that_somebody_removes_comes_back(self):
        def priorities() -> list[str]:
            return re.findall(r"pref (\d+) bpf chain 0 handle", ingress_filters(self.a, "eth0"))

        for mode in ("native", "tc"):
            with self.subTest(mode):
                self.node.attach("eth0", mode)
                both = priorities()
                self.assertEqual(len(both), 2)
                for priority in both:
                    self.a.run("tc", "filter", "del", "dev", "eth0", "ingress", "pref", priority)
                    wait_until(lambda: priorities() == both, f"{priority} of {both} is there again")
                self.node.detach("eth0")

    def bridge(self) -> Netns:
        """eth0 becomes a port of br0, which has its MAC and addresses, and is given a neighbour: c, on another port."""
        mac = self.a.mac("eth0").hex(":")
        self.a.ip("link", "add", "br0", "address", mac, "type", "bridge")
        self.a.ip("address", "flush", "dev", "eth0")
        neighbour = self.topology.netns("c")
        self.topology.link(self.a, "port1", neighbour, "eth0")
        for port in ("eth0", "port1"):
            self.a.ip("link", "set", port, "master", "br0")
        self.a.ip("link", "set", "br0", "up")
        self.topology.addresses(self.a, "br0", "10.9.0.1/24", "fd09::1/64")
        self.topology.addresses(neighbour, "eth0", "10.9.0.3/24", "fd09::3/64")
        return neighbour

    def test_a_nic_in_a_bridge_is_attached_with_tc(self):
        neighbour = self.bridge()
        self.assert_native_refused("br0|bridge")
        self.assert_auto_takes_tc_because("br0|bridge")
        self.node.attach("br0")  # by which packets leave
        with Capture(neighbour, "eth0", arriving=True) as capture:
            self.tunnel_works()
            heard = [frame.hex() for _, frame in capture.frames if parse_udp(frame) or is_tcp(frame)]
        self.assertEqual(heard, [])

    @require_wireguard_go
    def test_a_bridge_carries_other_peoples_wireguard_on_the_same_port(self):
        neighbour = self.bridge()
        for nic in ("eth0", "br0"):
            self.node.attach(nic)
        self.tunnel_works()
        foreign = Pair(self.topology, WireguardGo(self.topology, neighbour), WireguardGo(self.topology, self.b), number=1,
                       outer_addresses=("10.9.0.3", "10.9.0.2"))
        foreign.configs[0].listen_port = foreign.port - 1  # our own
        foreign.configs[1].peers[0].endpoint = None
        foreign.up()
        foreign.first_ping()
        check_traffic(foreign, SIZE)
        self.assertEqual(self.node.losses(), {})

    def test_a_nic_under_a_macvlan_is_attached_with_tc(self):
        self.a.ip("link", "add", "mv0", "link", "eth0", "type", "macvlan", "mode", "bridge")
        self.assert_native_refused("macvlan|mv0")
        self.assert_auto_takes_tc_because("macvlan|mv0")
        self.tunnel_works()

    def test_a_nic_whose_driver_has_no_xdp_is_attached_with_tc(self):
        """A bridge is one, and the kernel is asked: not every one tells beforehand. Its words are told."""
        self.a.ip("link", "add", "br0", "up", "type", "bridge")
        refused = self.node.cli("attach", "br0", "--mode", "native", check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertRegex(refused.stderr, "br0 cannot be attached natively: .*does not support XDP.*; expected auto or tc")
        self.assert_nothing_attached("br0")
        self.node.attach("br0")
        nic = self.node.nics()["br0"]
        self.assertEqual(nic["mode"], "tc")
        self.assertIn("does not support XDP", nic["reason"])

    def test_a_nic_with_a_foreign_xdp_program_is_attached_with_tc(self):
        foreign = ForeignXdp(self.a, "eth0")
        self.addCleanup(foreign.close)
        self.assert_native_refused("(?i)xdp program")
        self.assert_auto_takes_tc_because("(?i)xdp program")
        self.tunnel_works()
        self.node.detach("eth0")
        self.assertTrue(has_xdp(self.a, "eth0"), "somebody else's program was removed")

    def test_two_instances_do_not_share_a_nics_xdp(self):
        self.node.attach("eth0", "native")
        other = Wgxdp(self.topology, self.a, f"{self.topology.label}-other")
        refused = other.cli("attach", "eth0", "--mode", "native", check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertRegex(refused.stderr, "(?i)xdp program")
        self.assertEqual(self.node.nics()["eth0"]["mode"], "native")

    def test_what_cannot_be_attached_is_refused_in_words(self):
        for arguments, words in ((("nosuch0",), "nosuch0"), (("lo", "--mode", "native"), "lo"),
                                 (("eth0", "--mode", "fast"), "fast|mode")):
            with self.subTest(arguments=arguments):
                refused = self.node.cli("attach", *arguments, check=False)
                self.assertEqual(refused.returncode, 1)
                self.assertRegex(refused.stderr, words)
                self.assert_nothing_attached()
        wait_until(lambda: not self.node.leftovers(), "a daemon that got nothing to do ends")


if __name__ == "__main__":
    main()
