# SPDX-License-Identifier: MIT
"""Every outer packet of a tunnel carries its FwMark, handshakes and data alike, and policy rules route by it.

    a: wgxdp, eth0 ─────────── eth0, wgxdp: b         where the main table leads
              eth1 ─────────── eth1                   where table 81 leads, which the mark's rule names
"""

import itertools
import unittest

from support import MIB, Capture, Pair, Topology, Wgxdp, check_fast_path, expect_ping, main, udp_echo, wait_until
from support.noise import INITIATION, RESPONSE, TRANSPORT_DATA, message_type

MARK, TABLE = 0x51, 81
NICS = {"eth0": ("10.9.0.{}", "fd09::{}"), "eth1": ("10.19.0.{}", "fd19::{}")}
ENDS = {4: ("10.98.0.1", "10.98.0.2"), 6: ("fd98::1", "fd98::2")}  # on lo: what routes lead to


class Mark(unittest.TestCase):
    def build(self, mode: str | None, outer: int = 4, initiator: str = "left",
              rule: tuple[str, ...] = ("fwmark", str(MARK))) -> None:
        """Both routes between the nodes, and a tunnel that is marked on its left side. rule: what table 81 is for."""
        self.topology = self.enterContext(Topology())
        self.a, self.b = self.topology.underlay()
        self.topology.link(self.a, "eth1", self.b, "eth1")
        for number, netns in ((1, self.a), (2, self.b)):
            self.topology.addresses(netns, "eth1", f"10.19.0.{number}/24", f"fd19::{number}/64")
            self.topology.addresses(netns, "lo", *(ends[number - 1] for ends in ENDS.values()))
        for family in (4, 6):
            self.route(self.a, family, "eth0", "main")
            self.route(self.a, family, "eth1", str(TABLE))
            self.route(self.b, family, "eth1", "main")
            self.a.ip(f"-{family}", "rule", "add", *rule, "lookup", str(TABLE))
        self.left, right = Wgxdp(self.topology, self.a), Wgxdp(self.topology, self.b)
        for device in NICS if mode else ():
            self.left.attach(device, mode)
        self.pair = Pair(self.topology, self.left, right, outer_addresses=ENDS[outer], initiator=initiator)
        self.pair.configs[0].fwmark = MARK
        self.captures = {nic: self.enterContext(Capture(self.a, nic)) for nic in NICS}
        self.unmarked = self.enterContext(Capture(self.a, "eth1", without_mark=MARK))
        self.pair.up()

    def route(self, netns, family: int, nic: str, table: str) -> None:
        """The way to the other end of this family, by this NIC, in this table."""
        here, there = (1, 2) if netns is self.a else (2, 1)
        via = NICS[nic][0 if family == 4 else 1].format(there)
        ends = ENDS[family]
        netns.ip(f"-{family}", "route", "add", ends[there - 1], "via", via, "dev", nic, "src", ends[here - 1],
                 "table", table)

    def kinds(self, capture: Capture) -> set[int]:
        """The types of messages that were seen."""
        return {message_type(datagram.payload) for datagram in capture.datagrams(self.pair.port)}

    def check_all_left_marked_by_eth1(self, *kinds: int) -> None:
        wait_until(lambda: self.kinds(self.captures["eth1"]) == set(kinds), f"messages of type {kinds} leave by eth1", 3)
        self.assertEqual(self.captures["eth0"].datagrams(self.pair.port), [])
        self.assertEqual(self.unmarked.datagrams(self.pair.port), [])

    def test_handshakes_and_data_carry_it_and_leave_where_its_rule_leads(self):
        for mode, (outer, initiator) in itertools.product(("native", "tc"), ((4, "left"), (6, "right"))):
            with self.subTest(mode=mode, outer=outer, initiator=initiator):
                self.build(mode, outer, initiator)
                self.pair.first_ping()
                self.assertEqual(self.pair.peer_of_left().path, "bpf eth1")
                with check_fast_path(self.left, size=2 * MIB, nic="eth1"):
                    for family in (4, 6):
                        self.pair.transfer(family, MIB)
                self.check_all_left_marked_by_eth1(INITIATION if initiator == "left" else RESPONSE, TRANSPORT_DATA)
                self.doCleanups()

    def test_rules_on_ports_lead_handshakes_and_data_alike(self):
        for rule in (("ipproto", "udp", "sport", "51820"), ("dport", "51820")):
            with self.subTest(rule=rule):
                self.build("native", rule=rule)
                self.pair.first_ping()
                self.assertEqual(self.pair.peer_of_left().path, "bpf eth1")
                expect_ping(self.a, self.pair.inner[6][1], 5)
                wait_until(lambda: self.kinds(self.captures["eth1"]) == {INITIATION, TRANSPORT_DATA}, "all leave by eth1", 3)
                self.assertEqual(self.captures["eth0"].datagrams(self.pair.port), [])
                self.a.run("wg", "set", self.pair.names[0], "listen-port", "7")
                other = "eth0" if "sport" in rule else "eth1"
                wait_until(lambda: self.pair.peer_of_left().path == f"bpf {other}", f"its path is {other}")  # noqa: B023
                self.doCleanups()

    def test_what_the_daemon_sends_itself_carries_it_too(self):
        self.build("native")
        for family in (4, 6):  # longer than the route carries once it is sealed: fragmented outside
            self.a.ip(f"-{family}", "route", "change", ENDS[family][1], "via", NICS["eth1"][family == 6].format(2),
                      "dev", "eth1", "src", ENDS[family][0], "table", str(TABLE), "mtu", "1400")
        self.pair.first_ping()
        udp_echo(self.a, self.b, self.pair.inner[4][1], [1392])
        self.check_all_left_marked_by_eth1(INITIATION, TRANSPORT_DATA)
        fragments = [frame for _, frame in self.captures["eth1"].frames if frame[20:22] == b"\x20\x00"]
        self.assertTrue(fragments, "nothing was fragmented, so nothing was sent by the daemon")
        self.assertFalse([frame for _, frame in self.unmarked.frames if frame[23] == 17])

    def test_the_way_follows_the_mark_and_its_rule_within_a_session(self):
        self.build("native")
        self.pair.first_ping()
        handshake = self.pair.peer_of_left().latest_handshake
        self.check_all_left_marked_by_eth1(INITIATION, TRANSPORT_DATA)
        for change, nic, other in (
                (lambda: self.a.run("wg", "set", self.pair.names[0], "fwmark", "0"), "eth0", "eth1"),
                (lambda: self.a.run("wg", "set", self.pair.names[0], "fwmark", hex(MARK)), "eth1", "eth0"),
                (lambda: self.a.ip("rule", "delete", "fwmark", str(MARK)), "eth0", "eth1")):
            change()
            wait_until(lambda: self.pair.peer_of_left().path != f"bpf {other}", "the route is another")  # noqa: B023
            before = {name: len(capture.datagrams(self.pair.port)) for name, capture in self.captures.items()}
            expect_ping(self.a, self.pair.inner[4][1], 5)
            wait_until(lambda: len(self.captures[nic].datagrams(self.pair.port)) >= before[nic] + 5,  # noqa: B023
                       f"it leaves by {nic}")
            self.assertEqual(len(self.captures[other].datagrams(self.pair.port)), before[other])
            wait_until(lambda: self.pair.peer_of_left().path == f"bpf {nic}", f"its path is {nic}")  # noqa: B023
        self.assertEqual(len(self.unmarked.datagrams(self.pair.port)), 0)
        self.assertEqual(self.pair.peer_of_left().latest_handshake, handshake)


if __name__ == "__main__":
    main()
