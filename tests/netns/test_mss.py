# SPDX-License-Identifier: MIT
"""TCP through the tunnel keeps to what the outer route carries, whoever connects: nothing is fragmented.

    a: wgxdp, eth0 ─── the route to b carries 1300 bytes ─── eth0, wgxdp: b, which knows of no limit
"""

import itertools
import os
import socket
import unittest
from concurrent.futures import ThreadPoolExecutor

from support import MIB, Capture, Netns, Pair, Topology, Wgxdp, main
from support.pair import OUTER
from support.traffic import STALL, family_of, listen_tcp

ROUTE_MTU = 1300
OVERHEAD = {4: 20 + 8 + 32, 6: 40 + 8 + 32}
TCP_HEADERS = {4: 20 + 20, 6: 40 + 20}
TIMESTAMPS = 12  # an option of every segment, which TCP_MAXSEG leaves out


def connect(client: Netns, server: Netns, address: str) -> tuple[socket.socket, socket.socket]:
    with listen_tcp(server, address) as listener:
        sender = client.socket(family_of(address), socket.SOCK_STREAM)
        sender.settimeout(STALL)
        sender.connect((address, listener.getsockname()[1]))
        return sender, listener.accept()[0]


def move(sender: socket.socket, receiver: socket.socket) -> None:
    """Random bytes, some hundred segments of them."""
    block = os.urandom(MIB // 4)
    receiver.settimeout(STALL)
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(sender.sendall, block)
        received = b""
        while len(received) < len(block):
            received += receiver.recv(len(block) - len(received))
        sent.result()
    if received != block:
        raise AssertionError("what arrived is not what was sent")


def segment_size(connection: socket.socket) -> int:
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)


class Mss(unittest.TestCase):
    def build(self, mode: str | None, outer: int) -> Pair:
        topology = self.enterContext(Topology())
        a, b = topology.underlay()
        for family in (4, 6):
            a.ip(f"-{family}", "route", "add", OUTER[family][1], "dev", "eth0", "mtu", str(ROUTE_MTU))
        left, right = Wgxdp(topology, a), Wgxdp(topology, b)
        for node in (left, right) if mode else ():
            node.attach("eth0", mode)
        pair = Pair(topology, left, right, outer=outer, initiator="both")
        self.capture = self.enterContext(Capture(a, "eth0"))
        pair.up()
        return pair

    def check(self, pair: Pair, client: int, inner: int, outer: int) -> None:
        """A connection from one side to the other, and data both ways."""
        nodes = (pair.left.netns, pair.right.netns)
        ends = connect(nodes[client], nodes[1 - client], pair.inner[inner][1 - client])
        most = ROUTE_MTU - OVERHEAD[outer] - TCP_HEADERS[inner] - TIMESTAMPS
        self.assertEqual([segment_size(end) for end in ends], [most, most])
        with ends[0], ends[1]:
            move(*ends)
            move(*reversed(ends))

    def fragments(self) -> list[bytes]:
        """IPv4 with more fragments to come or an offset, IPv6 with a fragment header."""
        return [frame for _, frame in self.capture.frames
                if (frame[12:14] == b"\x08\x00" and (frame[20] & 0x3F or frame[21]))
                or (frame[12:14] == b"\x86\xdd" and frame[20] == 44)]

    def test_is_lowered_to_what_the_outer_route_carries(self):
        for mode, outer in (("native", 4), ("tc", 6), (None, 4)):
            with self.subTest(mode=mode, outer=outer):
                pair = self.build(mode, outer)
                for client, inner in itertools.product((0, 1), (4, 6)):  # the first SYN waits for a session
                    self.check(pair, client, inner, outer)
                pair.left.kill()
                pair.left.start()
                self.check(pair, 0, 4, outer)
                sizes = [len(frame) for _, frame in self.capture.frames]
                self.assertGreater(sizes.count(ROUTE_MTU + 14), 100, "full segments fill the route")
                self.assertEqual(self.fragments(), [])
                self.doCleanups()


if __name__ == "__main__":
    main()
