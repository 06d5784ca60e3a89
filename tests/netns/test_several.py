# SPDX-License-Identifier: MIT
"""Several tunnels over several NICs of one daemon, and what each peer's counters say.

    a: wgxdp, eth0 ─────────── eth0, wgxdp: b
              eth1 ─────────── eth1
"""

import unittest

from support import MIB, Pair, Topology, Wgxdp, check_fast_path, expect_ping, main, wait_until
from support.pair import endpoint

ECHO_MESSAGE = 32 + 96  # an IPv4 packet of ping(8), 84 bytes, padded to 16
SECOND = {4: ("10.19.0.1", "10.19.0.2"), 6: ("fd19::1", "fd19::2")}


class Several(unittest.TestCase):
    def setUp(self):
        self.topology = self.enterContext(Topology())
        netns = self.topology.underlay()
        self.topology.link(netns[0], "eth1", netns[1], "eth1")
        for side in (0, 1):
            self.topology.addresses(netns[side], "eth1", f"{SECOND[4][side]}/24", f"{SECOND[6][side]}/64")
        self.left, self.right = (Wgxdp(self.topology, each) for each in netns)
        for node in (self.left, self.right):
            node.attach("eth0", "native")
            node.attach("eth1", "tc")

    def test_tunnels_over_different_nics_carry_traffic_side_by_side(self):
        pairs = [Pair(self.topology, self.left, self.right, number=0, outer=4),
                 Pair(self.topology, self.left, self.right, number=1, outer_addresses=SECOND[6]),
                 Pair(self.topology, self.left, self.right, number=2, outer=6, psk=True)]
        for pair in pairs:
            pair.up()
        for pair in pairs:
            pair.first_ping()
        for pair, nic in zip(pairs, ("eth0", "eth1", "eth0"), strict=True):
            self.assertEqual(pair.peer_of_left().path, f"bpf {nic}")
            with check_fast_path(self.left, self.right, size=2 * MIB, nic=nic):
                pair.transfer(4, 2 * MIB)

    def test_a_session_moves_from_nic_to_nic(self):
        pair = Pair(self.topology, self.left, self.right)
        pair.up()
        pair.first_ping()
        handshake = pair.peer_of_left().latest_handshake
        self.left.rpc("peer.set", tunnel=pair.names[0], public_key=pair.configs[1].public_key,
                      endpoint=endpoint(SECOND[4][1], pair.port))
        expect_ping(self.left.netns, pair.inner[4][1], 3)
        self.assertEqual(pair.peer_of_left().path, "bpf eth1")
        self.assertEqual(pair.peer_of_right().endpoint, endpoint(SECOND[4][0], pair.port))
        wait_until(lambda: pair.peer_of_right().path == "bpf eth1", "the way back follows")
        expect_ping(self.right.netns, pair.inner[4][0], 3)
        self.assertEqual(pair.peer_of_left().latest_handshake, handshake)

    def test_transfer_counts_what_the_driver_counts(self):
        pair = Pair(self.topology, self.left, self.right)
        pair.up()
        pair.first_ping()
        wait_until(lambda: pair.peer_of_left().tx_bytes == pair.peer_of_right().rx_bytes
                   and pair.peer_of_left().rx_bytes == pair.peer_of_right().tx_bytes, "nothing is on its way")
        before = pair.peer_of_left()
        expect_ping(self.left.netns, pair.inner[4][1], 10)
        after = pair.peer_of_left()
        self.assertEqual((after.tx_bytes - before.tx_bytes, after.rx_bytes - before.rx_bytes),
                         (10 * ECHO_MESSAGE, 10 * ECHO_MESSAGE))
        shown = self.left.netns.run("wg", "show", pair.names[0], "transfer").stdout.split()
        self.assertEqual([int(number) for number in shown[1:]], [after.rx_bytes, after.tx_bytes])


if __name__ == "__main__":
    main()
