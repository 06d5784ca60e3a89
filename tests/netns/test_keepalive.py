# SPDX-License-Identifier: MIT
"""Keepalives as the wire shows them: persistent ones, the passive one, and silence between idle peers.

    a: wgxdp, eth0 ─────────── eth0, wireguard-go: b
"""

import socket
import time
import unittest

from support import Capture, Pair, Topology, Wgxdp, WireguardGo, expect_ping, main, require_wireguard_go, wait_until

KEEPALIVE_TIMEOUT = 10


@require_wireguard_go
class Keepalive(unittest.TestCase):
    def start(self, mode: str, interval: int | None = None) -> tuple[Pair, Capture]:
        topology = self.enterContext(Topology())
        a, b = topology.underlay()
        pair = Pair(topology, Wgxdp(topology, a), WireguardGo(topology, b))
        pair.configs[0].peers[0].persistent_keepalive = interval
        pair.left.attach("eth0", mode)
        capture = self.enterContext(Capture(a, "eth0"))
        pair.up()
        return pair, capture

    def test_persistent_keepalives_open_the_session_and_follow_each_other(self):
        pair, capture = self.start("native", interval=1)
        # The first one needs a handshake, which nobody's traffic asked for.
        wait_until(lambda: len(capture.keepalives(pair.port)) >= 5, "keepalives are sent")
        times = [datagram.time for datagram in capture.keepalives(pair.port)][1:]
        for earlier, later in zip(times, times[1:]):
            self.assertAlmostEqual(later - earlier, 1, delta=0.4)
        self.assertGreater(pair.peer_of_right().latest_handshake, 0)

    def test_persistent_keepalives_rest_while_there_is_traffic(self):
        pair, capture = self.start("tc", interval=2)
        expect_ping(pair.left.netns, pair.inner[4][1], wait=5)
        before = len(capture.keepalives(pair.port))
        expect_ping(pair.left.netns, pair.inner[4][1], 40, interval=0.1)
        self.assertEqual(len(capture.keepalives(pair.port)), before)

    def test_data_is_acknowledged_once_after_ten_seconds_and_then_there_is_silence(self):
        pairs = [self.start(mode) for mode in ("native", "tc")]
        sent = [self.send_one_datagram(pair) for pair, _ in pairs]
        for (pair, capture), at in zip(pairs, sent, strict=True):
            wait_until(lambda: any(datagram.time > at + 1 for datagram in capture.keepalives(pair.port)),
                       "the passive keepalive is sent", KEEPALIVE_TIMEOUT + 3)
        # Two idle peers must not answer each other's keepalives for ever: look for as long as an answer would take.
        end = time.monotonic() + KEEPALIVE_TIMEOUT + 2
        wait_until(lambda: time.monotonic() > end, "the silence has lasted", KEEPALIVE_TIMEOUT + 3, 0.2)
        for (pair, capture), at in zip(pairs, sent, strict=True):
            times = [datagram.time - at for datagram in capture.keepalives(pair.port) if datagram.time > at + 1]
            self.assertEqual(len(times), 1, times)
            self.assertAlmostEqual(times[0], KEEPALIVE_TIMEOUT, delta=0.5)

    def send_one_datagram(self, pair: Pair) -> float:
        """From b to a socket of a that says nothing; when it arrived."""
        pair.first_ping()
        with (pair.left.netns.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent,
              pair.right.netns.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender):
            silent.bind((pair.inner[4][0], 0))
            silent.settimeout(5)
            sender.sendto(b"one way", silent.getsockname())
            silent.recv(64)
            return time.monotonic()


if __name__ == "__main__":
    main()
