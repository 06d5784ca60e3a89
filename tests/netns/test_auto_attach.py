# SPDX-License-Identifier: MIT
"""NICs are attached because a tunnel uses them, stay off when somebody says so, and are attached again when they come
back.

    a: wgxdp, eth0 ─────────── eth0, wgxdp: b
"""

import unittest

from support import MIB, OUTER, Pair, Topology, Wgxdp, check_fast_path, expect_ping, main, wait_until


class AutoAttach(unittest.TestCase):
    def start(self, attach: bool = True) -> tuple[Topology, Pair]:
        topology = self.enterContext(Topology())
        nodes = [Wgxdp(topology, netns, attach=attach) for netns in topology.underlay()]
        pair = Pair(topology, *nodes)
        pair.up()
        pair.first_ping()
        return topology, pair

    def test_the_nic_that_a_tunnel_uses_is_attached_and_goes_with_the_last_tunnel(self):
        _, pair = self.start()
        for node in (pair.left, pair.right):
            nic = wait_until(lambda node=node: node.nics().get("eth0"), "the NIC is attached")
            self.assertEqual((nic["mode"], nic["unasked"], nic["present"]), ("native", True, True))
            self.assertIn("attached since a tunnel uses it", node.cli("show").stdout)
        with check_fast_path(pair.left, pair.right, size=5 * MIB):
            pair.transfer(4, 5 * MIB)
        pair.left.down(pair.names[0])
        self.assertNotIn("xdp", pair.left.netns.ip("-details", "link", "show", "eth0"))
        wait_until(lambda: not pair.left.leftovers(), "the idle daemon ends")

    def test_a_nic_that_was_asked_for_stays_when_the_last_tunnel_goes(self):
        _, pair = self.start()
        pair.left.attach("eth0", "tc")
        nic = pair.left.nics()["eth0"]
        self.assertEqual((nic["mode"], nic["unasked"]), ("tc", False))
        pair.left.down(pair.names[0])
        self.assertEqual(pair.left.nics()["eth0"]["mode"], "tc")

    def test_a_tunnel_that_is_told_not_to_leaves_its_nic_alone(self):
        _, pair = self.start(attach=False)
        expect_ping(pair.left.netns, pair.inner[4][1], 3)
        self.assertEqual(pair.left.nics(), {})
        self.assertTrue(pair.left.peers(pair.names[0])[0].path.startswith("bpf"))  # sending needs no attached NIC

    def test_what_was_detached_is_not_attached_again(self):
        topology, pair = self.start()
        wait_until(lambda: "eth0" in pair.left.nics(), "the NIC is attached")
        pair.left.netns.ip("link", "add", "other0", "type", "veth")
        pair.left.attach("other0")  # or the daemon would end with its last tunnel
        pair.left.down(pair.names[0])
        self.assertNotIn("eth0", pair.left.nics())
        pair.left.up(pair.configs[0])
        wait_until(lambda: "eth0" in pair.left.nics(), "the NIC is attached for the next tunnel")
        pair.left.netns.ip("link", "property", "add", "dev", "eth0", "altname", "uplink0")
        pair.left.cli("detach", "uplink0")
        topology.addresses(pair.left.netns, "eth0", "10.9.0.33/24")  # all routes are looked up again
        expect_ping(pair.left.netns, pair.inner[4][1], 3)
        self.assertEqual(set(pair.left.nics()), {"other0"})
        pair.left.down(pair.names[0])
        pair.left.up(pair.configs[0])
        expect_ping(pair.left.netns, pair.inner[4][1], 3, wait=10)
        self.assertNotIn("eth0", pair.left.nics())
        pair.left.attach("eth0")
        self.assertFalse(pair.left.nics()["eth0"]["unasked"])
        expect_ping(pair.left.netns, pair.inner[4][1], 3)

    def test_a_nic_that_comes_back_is_attached_again_unless_it_was_detached_meanwhile(self):
        topology, pair = self.start()
        a, b = pair.left.netns, pair.right.netns
        for node in (pair.left, pair.right):
            node.attach("eth0", "tc")  # as it was asked for
        a.ip("link", "del", "eth0")
        for node in (pair.left, pair.right):
            wait_until(lambda node=node: not node.nics()["eth0"]["present"], "the NIC is gone")
        self.assertIn("gone", pair.left.cli("show").stdout)
        pair.right.detach("eth0")
        topology.link(a, "eth0", b, "eth0")
        for netns, side in ((a, 0), (b, 1)):
            topology.addresses(netns, "eth0", f"{OUTER[4][side]}/24", f"{OUTER[6][side]}/64")
        nic = wait_until(lambda: (found := pair.left.nics()["eth0"])["present"] and found, "the NIC is attached again")
        self.assertEqual((nic["mode"], nic["unasked"]), ("tc", False))
        expect_ping(a, pair.inner[4][1], 3, wait=10)
        self.assertEqual(pair.right.nics(), {})


if __name__ == "__main__":
    main()
