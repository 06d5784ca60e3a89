# SPDX-License-Identifier: MIT
"""Daemons die and come back, peers restart: traffic goes on, and a new daemon adopts what the old one left.

    a: wgxdp, eth0 ─────────── eth0, wgxdp or wireguard-go: b
"""

import os
import threading
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from support import (MIB, Pair, Prober, Topology, Wgxdp, WireguardGo, check_fast_path, expect_ping, main, ping,
                     require_wireguard_go, tcp_transfer, wait_until)
from support.traffic import SLOWNESS

PROBE_INTERVAL = 0.005 * SLOWNESS
# A peer that vanished is noticed KEEPALIVE_TIMEOUT + REKEY_TIMEOUT after unanswered data, plus jitter and a retry.
NOTICED_AFTER = 30


class Restart(unittest.TestCase):
    def prepare(self, topology: Topology, mode: str, make_right=Wgxdp, **options) -> Pair:
        a, b = topology.underlay()
        left = Wgxdp(topology, a, attach=True)  # what was asked for stays, though its tunnel would attach the NIC
        right = make_right(topology, b)
        pair = Pair(topology, left, right, **options)
        for node in (left, right):
            if isinstance(node, Wgxdp):
                node.attach("eth0", mode)
        pair.up()
        pair.first_ping()
        return pair

    def kept(self, pair: Pair) -> dict:
        """What of the left tunnel must be the same for a new daemon."""
        tunnel = pair.left.tunnel(pair.names[0], include=["private_key", "preshared_key"])
        for peer in tunnel["peers"]:
            peer["allowed_ips"].sort()
            for moving in ("rx_bytes", "tx_bytes", "quota_used"):
                del peer[moving]
        return tunnel | {"nics": pair.left.nics(), "links": pair.left.link_pins()}

    def quota_used(self, pair: Pair) -> int:
        return pair.left.rpc("peer.list", tunnel=pair.names[0])[0]["quota_used"]

    def wait_for_probes(self, prober: Prober, number: int = 200 // SLOWNESS) -> None:
        reached = prober.sent + number
        wait_until(lambda: prober.sent >= reached, f"{number} more probes are sent")

    def check_no_loss_without_a_daemon(self, mode: str) -> None:
        with Topology() as topology:
            pair = self.prepare(topology, mode, psk=True, initiator="both")
            pair.left.rpc("peer.set", tunnel=pair.names[0], public_key=pair.configs[1].public_key, name="Zoë",
                          endpoints=["10.9.0.2:51820", "b.wgxdp.test:51820"], rate_limit=1 << 40, quota=1 << 50)
            wait_until(lambda: "Zo" in pair.left.remembered(), "the name is written down")
            before, first, used = self.kept(pair), pair.left.pid, self.quota_used(pair)
            probers = [Prober(pair.left.netns, pair.right.netns, pair.inner[4][1], PROBE_INTERVAL),
                       Prober(pair.right.netns, pair.left.netns, pair.inner[6][0], PROBE_INTERVAL)]
            for step in (pair.left.kill, pair.left.start):
                self.wait_for_probes(probers[0])
                step()
            self.wait_for_probes(probers[0])
            lost = [prober.stop() for prober in probers]
            self.assertEqual(lost, [[], []], "probes were lost while the daemon was replaced")
            self.assertNotEqual(pair.left.pid, first)
            self.assertEqual(self.kept(pair), before)
            self.assertGreater(self.quota_used(pair), used)
            with check_fast_path(pair.left, size=10 * MIB):
                pair.transfer(6, 10 * MIB)

    def test_nothing_is_lost_when_the_daemon_is_killed_and_replaced(self):
        for mode in ("native", "tc"):
            with self.subTest(mode=mode):
                self.check_no_loss_without_a_daemon(mode)

    def test_a_stream_survives_daemons_that_come_and_go(self):
        for mode in ("native", "tc"):
            with self.subTest(mode=mode), Topology() as topology, ThreadPoolExecutor(1) as pool:
                pair = self.prepare(topology, mode)
                ended, block = threading.Event(), os.urandom(16 * MIB)
                stream = pool.submit(self.transfer_until, ended, pair, block)
                with ExitStack() as always:
                    always.callback(ended.set)
                    for step in 2 * (pair.left.kill, pair.left.start, pair.right.kill, pair.right.start):
                        received = pair.left.netns.counter("IpExtInOctets")
                        step()
                        wait_until(lambda: pair.left.netns.counter("IpExtInOctets") > received + 4 * MIB,
                                   "the stream goes on")
                stream.result()

    def transfer_until(self, ended: threading.Event, pair: Pair, block: bytes) -> None:
        """Moves the block to the left again and again."""
        while not ended.is_set():
            tcp_transfer(pair.right.netns, pair.left.netns, pair.inner[4][0], block, 8)

    def test_traffic_goes_on_while_no_daemon_runs_at_either_end(self):
        with Topology() as topology:
            pair = self.prepare(topology, "auto")
            for node in (pair.left, pair.right):
                node.kill()
            pair.transfer(4, 20 * MIB)
            expect_ping(pair.right.netns, pair.inner[6][0], 20, interval=0.01)
            for node in (pair.right, pair.left):
                node.start()
            pair.transfer(6, 20 * MIB)

    def test_an_adopted_tunnel_can_be_changed_and_taken_down(self):
        with Topology() as topology:
            pair = self.prepare(topology, "auto")
            pair.left.kill()
            pair.left.start()
            peer = pair.configs[0].peers[0]
            pair.left.cli("peer", "remove", pair.names[0], peer.public_key)
            self.assertEqual(pair.left.peers(pair.names[0]), [])
            pair.left.cli("peer", "add", pair.names[0], peer.public_key, "--endpoint", peer.endpoint,
                          "--allowed-ips", ",".join(peer.allowed_ips))
            expect_ping(pair.left.netns, pair.inner[4][1], wait=10)
            pair.left.down(pair.names[0])
            self.assertFalse(pair.left.netns.has_device(pair.names[0]))

    def test_an_interface_that_was_set_down_meanwhile_has_forgotten_its_sessions(self):
        with Topology() as topology:
            pair = self.prepare(topology, "auto")
            handshake = pair.peer_of_right().latest_handshake
            pair.left.kill()
            pair.left.netns.ip("link", "set", pair.names[0], "down")
            pair.left.start()
            wait_until(lambda: time.time() > handshake + 1, "a later handshake has another time")
            pair.left.netns.ip("link", "set", pair.names[0], "up")
            expect_ping(pair.left.netns, pair.inner[4][1], wait=10)
            self.assertGreater(pair.peer_of_right().latest_handshake, handshake)

    def test_a_nic_that_has_another_mac_meanwhile_stays_attached(self):
        for mode in ("native", "tc"):
            with self.subTest(mode=mode), Topology() as topology:
                pair = self.prepare(topology, mode)
                pair.left.kill()
                pair.left.netns.ip("link", "set", "eth0", "address", "02:00:00:00:00:77")
                pair.left.start()
                self.assertEqual(pair.left.nics()["eth0"]["mode"], mode)
                wait_until(lambda: ping(pair.left.netns, pair.inner[4][1]).lost == 0, "b knows the new MAC")  # noqa: B023
                with check_fast_path(pair.left, size=5 * MIB):
                    pair.transfer(6, 5 * MIB)
                pair.left.detach("eth0")
                self.assertNotIn("xdp", pair.left.netns.ip("-details", "link", "show", "eth0"))

    @require_wireguard_go
    def test_a_new_daemon_answers_the_handshake_of_a_peer_that_restarts(self):
        for mode in ("native", "tc"):
            with self.subTest(mode=mode), Topology() as topology:
                pair = self.prepare(topology, mode, WireguardGo, initiator="right")
                pair.left.kill()
                pair.left.start()
                self.restart_peer(pair)
                expect_ping(pair.right.netns, pair.inner[4][0], 5, wait=5)
                expect_ping(pair.left.netns, pair.inner[6][1], 5)

    @require_wireguard_go
    def test_a_new_daemon_begins_a_handshake_when_its_peer_forgot_the_session(self):
        with Topology() as topology:
            pair = self.prepare(topology, "auto", WireguardGo, initiator="left")
            handshake = pair.peer_of_left().latest_handshake
            pair.left.kill()
            pair.left.start()
            wait_until(lambda: time.time() > handshake + 1, "a later handshake has another time")
            self.restart_peer(pair)
            prober = Prober(pair.left.netns, pair.right.netns, pair.inner[4][1], 0.1)
            prober.answers_again(NOTICED_AFTER)
            prober.stop(drain=0.5)
            self.assertGreater(pair.peer_of_left().latest_handshake, handshake)
            expect_ping(pair.right.netns, pair.inner[4][0], 5)

    def restart_peer(self, pair: Pair) -> None:
        """wireguard-go dies unheard and comes back without a session."""
        pair.right.kill(pair.names[1])
        pair.right.up(pair.configs[1])


if __name__ == "__main__":
    main()
