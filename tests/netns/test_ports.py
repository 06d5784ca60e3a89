# SPDX-License-Identifier: MIT
"""Underlays that are no plain NIC: a VLAN, whose tag travels beside the packet and whose driver has no XDP, and a bond.
(Bridge ports and macvlan: test_attach; routers: test_router)

    a: wgxdp, eth0.7 on eth0 ─────────── eth0, eth0.7 on it, wgxdp: b
    a: wgxdp, bond0 of eth0, eth1 ══════ eth0, eth1, bond0 of them, wgxdp: b
"""

import unittest
from collections.abc import Callable
from functools import cache

from support import (MIB, OUTER, Netns, Pair, Topology, Wgxdp, check_fast_path, check_traffic, expect_ping, main, ping,
                     wait_until)
from support.host import run

SIZE = 5 * MIB


@cache
def missing(kind: str, *options: str) -> str:
    """Why there are no interfaces of this kind, or nothing."""
    probe = ["unshare", "--net", "sh", "-c", "ip link add p0 type veth peer name p1 && ip link add " + " ".join(options)]
    return "" if run(probe, check=False).returncode == 0 else f"this kernel has no {kind}: vmtest/run ports"


NO_VLAN = missing("VLANs", "link p0 name p0.7 type vlan id 7")
NO_BOND = missing("bonds", "bond0 type bond")


class Ports(unittest.TestCase):
    def setUp(self):
        self.topology = self.enterContext(Topology())
        self.a, self.b = self.topology.underlay()

    def on(self, device: str, make: Callable[[Netns], None]) -> None:
        """Makes the device at both ends and moves the underlay's addresses to it."""
        for netns, side in ((self.a, 0), (self.b, 1)):
            netns.ip("address", "flush", "dev", "eth0")
            make(netns)
            netns.ip("link", "set", device, "addrgenmode", "none", "up")
            self.topology.addresses(netns, device, f"{OUTER[4][side]}/24", f"{OUTER[6][side]}/64")

    def vlan(self) -> None:
        self.on("eth0.7", lambda netns: netns.ip("link", "add", "link", "eth0", "name", "eth0.7", "type", "vlan",
                                                 "id", "7"))

    def check(self, device: str, mode: str) -> Pair:
        """The tunnel attaches what it uses, in this mode, and its traffic arrives whole."""
        pair = Pair(self.topology, *(Wgxdp(self.topology, netns, attach=True) for netns in (self.a, self.b)))
        pair.up()
        pair.first_ping()
        for node in (pair.left, pair.right):
            wait_until(lambda: device in node.nics(), f"{device} is attached")  # noqa: B023
            nic = node.nics()[device]
            self.assertEqual((nic["mode"], nic["reason"] == ""), (mode, mode == "native"), nic["reason"])
        self.assertEqual(pair.peer_of_left().path, f"bpf {device}")
        self.check_traffic(pair, device)
        return pair

    def check_traffic(self, pair: Pair, device: str) -> None:
        with check_fast_path(pair.left, pair.right, size=2 * SIZE, nic=device):
            check_traffic(pair, SIZE)

    @unittest.skipIf(NO_VLAN, NO_VLAN)
    def test_a_vlan_carries_a_tunnel_whoever_handles_the_tag(self):
        for offload in ("on", "off"):
            with self.subTest(offload=offload):
                for netns in (self.a, self.b):
                    netns.run("ethtool", "-K", "eth0", "txvlan", offload, "rxvlan", offload)
                    self.assertEqual(netns.feature("eth0", "tx-vlan-offload"), offload == "on")
                self.vlan()
                self.check("eth0.7", "tc")
                self.doCleanups()
                self.setUp()

    @unittest.skipIf(NO_VLAN, NO_VLAN)
    def test_a_vlan_carries_a_tunnel_while_its_nic_is_attached_too(self):
        for mode in ("native", "tc"):
            with self.subTest(mode=mode):
                self.vlan()
                pair = self.check("eth0.7", "tc")
                for node in (pair.left, pair.right):
                    node.attach("eth0", mode)
                for family in (4, 6):
                    expect_ping(self.a, pair.inner[family][1], 3, wait=5)
                check_traffic(pair, SIZE)
                self.assertEqual((pair.left.losses(), pair.right.losses()), ({}, {}))
                self.doCleanups()
                self.setUp()

    @unittest.skipIf(NO_BOND, NO_BOND)
    def test_a_bond_carries_a_tunnel_also_by_its_second_nic(self):
        self.topology.link(self.a, "eth1", self.b, "eth1")

        def bond(netns: Netns) -> None:
            netns.ip("link", "add", "bond0", "type", "bond", "mode", "active-backup", "miimon", "10")
            for nic in ("eth0", "eth1"):
                netns.ip("link", "set", nic, "down")
                netns.ip("link", "set", nic, "master", "bond0")

        self.on("bond0", bond)
        pair = self.check("bond0", "tc")  # which has XDP, but its ports would run the program
        self.a.ip("link", "set", "eth0", "down")  # and with it the other end's
        wait_until(lambda: ping(self.a, pair.inner[4][1], wait=1).lost == 0, "the second NIC carries it")
        self.check_traffic(pair, "bond0")


if __name__ == "__main__":
    main()
