# SPDX-License-Identifier: MIT
"""What must be true of wgxdp and any other implementation that counts as the driver does."""

from .pair import MIB, Pair, check_fast_path, check_traffic
from .topology import Topology
from .wgxdp import Wgxdp

SIZE = 50 * MIB


class InteropCases:
    """For a test case; `peer` is the class of the other end's node."""

    peer: type

    def check(self, mode: str, initiator: str, psk: bool, outer: int) -> None:
        with Topology() as topology:
            a, b = topology.underlay()
            node = Wgxdp(topology, a)
            pair = Pair(topology, node, self.peer(topology, b), outer=outer, psk=psk, initiator=initiator)
            node.attach("eth0", mode)
            pair.up()
            pair.first_ping()
            with check_fast_path(node, size=2 * SIZE):
                check_traffic(pair, SIZE)
            ours, theirs = pair.peer_of_left(), pair.peer_of_right()
            self.assertEqual(ours.path, "bpf eth0")
            self.assertLessEqual(abs(ours.latest_handshake - theirs.latest_handshake), 1)
            # Handshakes and data alike: what one side counts as sent the other one counts as received.
            self.assertEqual((ours.rx_bytes, ours.tx_bytes), (theirs.tx_bytes, theirs.rx_bytes))
