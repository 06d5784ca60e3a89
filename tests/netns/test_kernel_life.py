# SPDX-License-Identifier: MIT
"""What a tunnel between wgxdp and the kernel driver goes through: either end roams, restarts, moves to another namespace,
hands a prefix to another peer, keeps alive, and is under load.

    a: wgxdp, eth0 ─────────── eth0, the kernel driver: b
"""

import base64
import socket
import threading
import unittest
from collections.abc import Iterator
from contextlib import contextmanager

from support import (Capture, CheckFailed, KernelWireguard, Netns, Node, Pair, Topology, Wgxdp, expect_ping, main, ping,
                     require_kernel_wireguard, wait_until)
from support.noise import COOKIE_REPLY, INITIATION, Noise, message_type

NOTICED_AFTER = 45  # data unanswered for 15 s, a handshake, and one that has to be tried again
KEEPALIVE = 32
MAC2 = 16  # bytes, the last ones of an initiation
BURST = 1500  # handshakes at once: 512 of them that wait are load
ATTEMPTS = 8
PREFIX = "10.50.0.1"
SINK_PORT = 7007


@require_kernel_wireguard
class KernelLife(unittest.TestCase):
    def setUp(self):
        self.topology = self.enterContext(Topology())
        self.a, self.b = self.topology.underlay()
        self.node, self.driver = Wgxdp(self.topology, self.a), KernelWireguard(self.topology, self.b)
        self.node.attach("eth0")

    def connected(self, **options) -> Pair:
        pair = Pair(self.topology, self.node, self.driver, **options)
        pair.up()
        pair.first_ping()
        return pair

    def check_both_ways(self, pair: Pair) -> None:
        for family in (4, 6):
            expect_ping(pair.left.netns, pair.inner[family][1], 3, wait=5)
            expect_ping(pair.right.netns, pair.inner[family][0], 3, wait=5)

    def answered(self, netns: Netns, address: str) -> None:
        """Waits until an echo comes back, as long as it takes to find that a session was forgotten."""
        wait_until(lambda: ping(netns, address, wait=1).lost == 0, f"{address} answers", NOTICED_AFTER)

    # --- roaming ---

    def test_each_end_follows_the_other_to_a_new_address_and_port(self):
        pair = self.connected()
        for node, side, status, new in ((self.driver, 1, pair.peer_of_left, "10.9.0.77"),
                                        (self.node, 0, pair.peer_of_right, "10.9.0.66")):
            node.netns.ip("address", "del", f"10.9.0.{side + 1}/24", "dev", "eth0")
            node.netns.ip("address", "add", f"{new}/24", "dev", "eth0")
            self.answered(node.netns, pair.inner[4][1 - side])
            wait_until(lambda: status().endpoint == f"{new}:51820", f"{new} is followed")  # noqa: B023
            self.check_both_ways(pair)
            node.netns.run("wg", "set", pair.names[side], "listen-port", "40404")
            self.answered(node.netns, pair.inner[4][1 - side])
            wait_until(lambda: status().endpoint == f"{new}:40404", "the port is followed")  # noqa: B023
            self.check_both_ways(pair)

    # --- restarts ---

    def test_either_end_may_forget_the_session(self):
        pair = self.connected(initiator="both")
        self.driver.kill(pair.names[1])
        self.driver.up(pair.configs[1])
        expect_ping(self.b, pair.inner[4][0], 3, wait=10)  # who forgot begins
        self.check_both_ways(pair)
        self.node.down(pair.names[0])
        self.node.up(pair.configs[0])
        expect_ping(self.a, pair.inner[4][1], 3, wait=10)
        self.check_both_ways(pair)
        self.driver.kill(pair.names[1])
        self.driver.up(pair.configs[1])
        self.answered(self.a, pair.inner[4][1])  # who did not forget begins
        self.node.down(pair.names[0])
        self.node.up(pair.configs[0])
        self.answered(self.b, pair.inner[4][0])

    def test_a_session_outlives_our_daemon(self):
        pair = self.connected()
        handshake = pair.peer_of_right().latest_handshake
        self.node.kill()
        self.check_both_ways(pair)
        self.node.start()
        self.check_both_ways(pair)
        self.assertEqual(pair.peer_of_right().latest_handshake, handshake)

    def test_both_interfaces_may_live_in_other_namespaces(self):
        pair = self.connected(initiator="both")
        homes = []
        for node, side in ((self.driver, 1), (self.node, 0)):
            home = self.topology.netns(f"home{side}")
            node.netns.ip("link", "set", pair.names[side], "netns", home.name)
            self.topology.addresses(home, pair.names[side], *pair.configs[side].addresses)
            home.ip("link", "set", pair.names[side], "up")
            homes.append(home)
        for family in (4, 6):
            expect_ping(homes[0], pair.inner[family][0], 3, wait=10)
            expect_ping(homes[1], pair.inner[family][1], 3, wait=10)
        self.node.down(pair.names[0])

    # --- allowed IPs ---

    def test_a_prefix_moves_between_peers_at_either_end(self):
        for one, two, numbers in ((self.node, self.driver, (0, 1)), (self.driver, self.node, (2, 3))):
            with self.subTest(owner_of_both_peers=type(one).__name__):
                self.check_moving_prefix(one, two, numbers)

    def check_moving_prefix(self, one: Node, two: Node, numbers: tuple[int, int]) -> None:
        """One interface with two peers, which are two interfaces of the other node."""
        first, second = pairs = [self.pair_between(one, two, number) for number in numbers]
        config = first.configs[0]
        config.peers += second.configs[0].peers
        for pair in pairs:
            pair.configs[1].peers[0].public_key = config.public_key
            pair.configs[1].peers[0].allowed_ips = [f"{first.inner[4][0]}/32"]
            two.up(pair.configs[1])
        one.up(config)
        for pair in pairs:
            ping(one.netns, pair.inner[4][1], wait=1)  # both answers may leave by one tunnel
            wait_until(lambda: all(peer.latest_handshake for peer in two.peers(pair.names[1])),  # noqa: B023
                       "there is a session")
        one.netns.ip("route", "add", PREFIX, "dev", config.name)
        for owner, other in ((first, second), (second, first), (first, second)):
            one.netns.run("wg", "set", config.name, "peer", owner.configs[1].public_key, "allowed-ips",
                          f"{owner.inner[4][1]}/32,{PREFIX}/32")
            before = [two.peers(pair.names[1])[0].rx_bytes for pair in (owner, other)]
            with one.netns.socket(socket.AF_INET, socket.SOCK_DGRAM) as source:
                for _ in range(10):
                    source.sendto(bytes(200), (PREFIX, SINK_PORT))
            wait_until(lambda: two.peers(owner.names[1])[0].rx_bytes >= before[0] + 10 * 256,  # noqa: B023
                       "its owner receives it")
            self.assertLess(two.peers(other.names[1])[0].rx_bytes, before[1] + 256)

    def pair_between(self, one: Node, two: Node, number: int) -> Pair:
        outer = ("10.9.0.1", "10.9.0.2") if one is self.node else ("10.9.0.2", "10.9.0.1")
        return Pair(self.topology, one, two, number=number, outer_addresses=outer)

    # --- keepalives ---

    def test_keepalives_of_either_end_reach_the_other(self):
        pair = self.connected()
        for sender, side, status in ((self.b, 1, pair.peer_of_left), (self.a, 0, pair.peer_of_right)):
            peer = pair.configs[1 - side].public_key
            sender.run("wg", "set", pair.names[side], "peer", peer, "persistent-keepalive", "1")
            before = status().rx_bytes
            wait_until(lambda: status().rx_bytes >= before + 3 * KEEPALIVE, "they arrive")  # noqa: B023
            sender.run("wg", "set", pair.names[side], "peer", peer, "persistent-keepalive", "off")

    def test_data_without_an_answer_is_acknowledged_after_ten_seconds(self):
        pair = self.connected()
        for sender, receiver, side, status in ((self.a, self.b, 1, pair.peer_of_left),
                                               (self.b, self.a, 0, pair.peer_of_right)):
            with (receiver.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink,
                  sender.socket(socket.AF_INET, socket.SOCK_DGRAM) as source):
                sink.bind((pair.inner[4][side], 0))
                before = status().rx_bytes
                source.sendto(b"one way", sink.getsockname())
                wait_until(lambda: status().rx_bytes > before, "a keepalive comes", 20)  # noqa: B023
                self.assertEqual(status().rx_bytes, before + KEEPALIVE)

    # --- load ---

    @contextmanager
    def load(self, sender: Netns, address: str, key: str) -> Iterator[None]:
        """More handshakes of a stranger than this node can answer, again and again."""
        message, stop = Noise(base64.b64decode(key)).initiation(), threading.Event()
        with sender.socket(socket.AF_INET, socket.SOCK_DGRAM) as source:
            source.connect((address, 51820))

            def flood() -> None:
                while not stop.is_set():
                    for _ in range(BURST):
                        source.send(message)
                    stop.wait(0.05)

            thread = threading.Thread(target=flood)
            thread.start()
            try:
                yield
            finally:
                stop.set()
                thread.join()

    def test_we_return_the_cookies_of_a_driver_under_load(self):
        self.check_cookies("left", self.a, self.b, "10.9.0.2")

    def test_a_driver_returns_our_cookies_when_we_are_under_load(self):
        self.check_cookies("right", self.b, self.a, "10.9.0.1")

    def check_cookies(self, initiator: str, beginner: Netns, loaded: Netns, address: str) -> None:
        """The beginner is sent a cookie, and by an initiation with it his handshake is completed under the same load."""
        pair = Pair(self.topology, self.node, self.driver, initiator=initiator)
        side = 1 if initiator == "left" else 0
        node = pair.left if initiator == "left" else pair.right
        pair.up()
        with (Capture(loaded, "eth0") as capture, Capture(beginner, "eth0", source_port=pair.port) as begun,
              self.load(beginner, address, pair.configs[side].public_key),
              beginner.socket(socket.AF_INET, socket.SOCK_DGRAM) as source):

            def cookies_for_the_stranger() -> int:
                return sum(message_type(each.payload) == COOKIE_REPLY and each.destination_port != pair.port
                           for each in capture.datagrams(pair.port))

            def has_shown_a_cookie() -> bool:
                return any(message_type(each.payload) == INITIATION and any(each.payload[-MAC2:])
                           for each in begun.datagrams(pair.port))

            for _ in range(ATTEMPTS):
                before = cookies_for_the_stranger()
                wait_until(lambda: cookies_for_the_stranger() > before, "there is load", 30, 0.001)  # noqa: B023
                source.sendto(b"begin", (pair.inner[4][side], SINK_PORT))
                self.answered(beginner, pair.inner[4][side])
                if has_shown_a_cookie():
                    break
                node.down(pair.names[1 - side])  # it was let in between two bursts
                node.up(pair.configs[1 - side])
            else:
                raise CheckFailed(f"{ATTEMPTS} sessions without a cookie")
        self.check_both_ways(pair)


if __name__ == "__main__":
    main()
