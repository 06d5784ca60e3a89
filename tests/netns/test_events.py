# SPDX-License-Identifier: MIT
"""events.subscribe tells what happens to a real tunnel: up, moved, refused, unreachable, down, and NICs that come and go.

    a: wgxdp, eth0 ─────────── eth0, wgxdp: b
"""

import unittest

from support import Events, Pair, Topology, Wgxdp, generate_key, main, wait_until


class EventStream(unittest.TestCase):
    def setUp(self):
        self.topology = self.enterContext(Topology())
        self.a, self.b = self.topology.underlay()
        self.left, self.right = Wgxdp(self.topology, self.a), Wgxdp(self.topology, self.b)
        for node in (self.left, self.right):
            node.attach("lo", "tc")  # the daemon runs before there is a tunnel
        self.pair = Pair(self.topology, self.left, self.right)
        self.tunnel = self.pair.names[0]
        self.events = self.enterContext(Events(self.left.socket_path))

    def peer_key(self) -> str:
        return self.pair.configs[1].public_key

    def test_a_peer_comes_up_moves_and_goes(self):
        self.pair.up()
        self.pair.first_ping()
        ours = {"tunnel": self.tunnel, "public_key": self.peer_key()}
        self.events.wait_for("handshake_complete", endpoint="10.9.0.2:51820", **ours)
        self.events.wait_for("peer_up", endpoint="10.9.0.2:51820", **ours)
        self.b.ip("address", "del", "10.9.0.2/24", "dev", "eth0")
        self.b.ip("address", "add", "10.9.0.77/24", "dev", "eth0")
        self.b.run("ping", "-c", "20", "-i", "0.2", self.pair.inner[4][0], check=False)  # some may be lost
        self.events.wait_for("endpoint_moved", previous="10.9.0.2:51820", endpoint="10.9.0.77:51820", **ours)
        self.left.rpc("peer.remove", tunnel=self.tunnel, public_key=self.peer_key())
        self.events.wait_for("peer_down", reason="removed", **ours)

    def test_a_handshake_fails_for_want_of_a_route_an_answer_or_a_peer(self):
        with Events(self.right.socket_path, kinds=["handshake_failed"]) as refused, \
                Events(self.left.socket_path, tunnel="other") as elsewhere:
            stranger = generate_key()
            self.pair.configs[0].private_key, known = stranger, self.pair.configs[0].private_key
            self.pair.up()
            self.a.run("ping", "-c", "1", "-W", "1", self.pair.inner[4][1], check=False)
            told = refused.wait_for("handshake_failed", reason="unknown_peer", direction="received")
            self.assertEqual(told["public_key"], self.pair.configs[0].public_key)
            self.events.wait_for("handshake_failed", reason="no_answer", attempts=1, direction="sent")
            self.assertNotEqual(known, stranger)
            self.a.ip("route", "add", "unreachable", "10.66.0.0/24")
            self.left.rpc("peer.set", tunnel=self.tunnel, public_key=self.peer_key(), endpoint="10.66.0.1:7",
                          persistent_keepalive=1)
            failed = self.events.wait_for("handshake_failed", reason="send_failed", endpoint="10.66.0.1:7")
            self.assertIn("route", failed["error"].lower())
            self.assertIsNone(elsewhere.find("handshake_failed"))

    def test_nics_and_drops_are_told(self):
        self.pair.up()
        self.left.attach("eth0", "tc")
        self.events.wait_for("nic_attached", name="eth0", mode="tc", reason="asked for")
        self.left.detach("eth0")
        self.events.wait_for("nic_lost", name="eth0", reason="detached")
        told = self.drops_told()
        self.a.run("ping", "-c", "1", "-W", "1", "-I", self.tunnel, "10.7.0.99", check=False)
        wait_until(lambda: self.drops_told() > told, "the drop is told", deadline=20)

    def drops_told(self) -> int:
        """Packets for nobody's address."""
        self.events.find("drops")
        return sum(event["packets"].get("no_peer", 0) for event in self.events.seen if event["kind"] == "drops")


if __name__ == "__main__":
    main()
