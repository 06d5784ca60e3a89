# SPDX-License-Identifier: MIT
"""The harness can fail: each checker meets a broken path once and must say so. No wgxdp in here.

    a eth0 ─────────── eth0 b      wireguard-go at both ends
"""

import os
import socket
import threading
import unittest
from pathlib import Path

from support import (CheckFailed, Netns, Pair, Prober, Topology, Wgxdp, WireguardGo, check_traffic, expect_ping,
                     generate_key, main, ping, public_key, require_wireguard_go, tcp_transfer, udp_echo, wait_until)
from support.traffic import listen_tcp


class CorruptingProxy:
    """Carries one TCP connection and changes one bit in the middle of it."""

    def __init__(self, netns: Netns, address: str):
        self._netns = netns
        self._listener = listen_tcp(netns, address)
        self._thread = threading.Thread(target=self._carry, daemon=True)

    def lead_to(self, target: tuple[str, int]) -> tuple[str, int]:
        """Where to connect in order to reach the target."""
        self._target = target
        self._thread.start()
        return self._listener.getsockname()

    def _carry(self) -> None:
        incoming, _ = self._listener.accept()
        with incoming, self._netns.socket(socket.AF_INET, socket.SOCK_STREAM) as outgoing:
            data = bytearray()
            while part := incoming.recv(1 << 16):
                data += part
            data[len(data) // 2] ^= 1
            outgoing.connect(self._target)
            outgoing.sendall(data)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._thread.join()
        self._listener.close()


class TheHarness(unittest.TestCase):
    def setUp(self):
        self.topology = self.enterContext(Topology())
        self.a, self.b = self.topology.underlay()

    def wireguard_go_pair(self, **options) -> Pair:
        return Pair(self.topology, WireguardGo(self.topology, self.a), WireguardGo(self.topology, self.b), **options)

    @require_wireguard_go
    def test_accepts_a_pair_that_works(self):
        for number, options in enumerate(({}, {"psk": True, "outer": 6}, {"initiator": "right"})):
            with self.subTest(**options):
                pair = self.wireguard_go_pair(number=number, **options)
                pair.up()
                pair.first_ping()
                check_traffic(pair, size=4 << 20)
                self.assertGreater(pair.peer_of_left().latest_handshake, 0)
                self.assertGreater(pair.peer_of_right().rx_bytes, 8 << 20)

    @require_wireguard_go
    def test_reports_a_peer_with_the_wrong_key(self):
        pair = self.wireguard_go_pair()
        pair.configs[0].peers[0].public_key = public_key(generate_key())
        pair.up()
        with self.assertRaisesRegex(CheckFailed, "1 of 1 lost"):
            pair.first_ping()
        with self.assertRaisesRegex(CheckFailed, "no answer to 0 bytes"):
            udp_echo(self.a, self.b, pair.inner[4][1], [0])

    @require_wireguard_go
    def test_reports_preshared_keys_that_differ(self):
        pair = self.wireguard_go_pair(psk=True)
        pair.configs[1].peers[0].preshared_key = generate_key()
        pair.up()
        with self.assertRaisesRegex(CheckFailed, "1 of 1 lost"):
            pair.first_ping()

    def test_reports_a_corrupted_transfer(self):
        with CorruptingProxy(self.a, "10.9.0.1") as proxy:
            with self.assertRaisesRegex(CheckFailed, "SHA-256 differs"):
                tcp_transfer(self.a, self.b, "10.9.0.2", os.urandom(1 << 20), through=proxy.lead_to)

    def test_reports_lost_echoes_and_probes(self):
        expect_ping(self.a, "10.9.0.2")
        prober = Prober(self.a, self.b, "10.9.0.2")
        wait_until(lambda: len(prober.answered) > 10, "probes are answered")
        self.b.ip("link", "set", "eth0", "down")
        sent = prober.sent
        wait_until(lambda: prober.sent > sent + 10, "more probes are sent")
        self.assertGreaterEqual(len(prober.stop(drain=0.2)), 9)
        self.assertEqual(ping(self.a, "10.9.0.2", count=2, wait=1).received, 0)

    def test_reports_and_sweeps_what_an_instance_left_behind(self):
        node = Wgxdp(self.topology, self.a, f"{self.topology.label}-untidy")
        lock = Path("/run/wgxdp") / f"{node.instance}.lock"
        lock.parent.mkdir(exist_ok=True)
        lock.touch()
        with self.assertRaisesRegex(CheckFailed, "nothing is left of instance"):
            node.close(deadline=0.1)
        self.assertFalse(lock.exists())


if __name__ == "__main__":
    main()
