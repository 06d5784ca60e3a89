# SPDX-License-Identifier: MIT
"""wgxdp to the kernel driver over 1500-byte frames: as initiator and as responder, with and without a preshared key, in
all families; what both write into outer and inner headers, and what wg(8) shows of both.

    a: wgxdp, eth0 ─────────── eth0, the kernel driver: b
    a: wgxdp, eth0 ── relay: r ── eth0, the kernel driver: b
"""

import itertools
import socket
import unittest
from collections import Counter
from collections.abc import Callable

from support import (MIB, Capture, KernelWireguard, Netns, Node, Pair, Relay, Topology, Wgxdp, check_fast_path, main,
                     require_kernel_wireguard, tcp_transfer, udp_echo, wait_until)
from support.interop import InteropCases
from support.noise import TRANSPORT_DATA, message_type
from support.traffic import SLOWNESS, family_of
from support.wire import DS_FIELD, is_summed

SIZE = 2 * MIB
NOT_ECT, ECT_1, ECT_0, CE = range(4)
DSCP = 0xB8
SENT_ECN = {NOT_ECT: NOT_ECT, ECT_1: ECT_1, ECT_0: ECT_0, CE: ECT_0}  # inner: outer
SHOW_TOS = {socket.AF_INET: (socket.IPPROTO_IP, socket.IP_RECVTOS),
            socket.AF_INET6: (socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS)}


class Marked:
    """Datagrams of a chosen DS field to an address, and the DS field with which they arrive."""

    def __init__(self, sender: Netns, receiver: Netns, address: str):
        family = family_of(address)
        self.source, self.sink = (netns.socket(family, socket.SOCK_DGRAM) for netns in (sender, receiver))
        self.sink.bind((address, 0))
        self.sink.settimeout(5)
        self.sink.setsockopt(*SHOW_TOS[family], 1)
        self._option = DS_FIELD[family]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.source.close()
        self.sink.close()

    def send(self, ds: int) -> int:
        self.source.setsockopt(*self._option, ds)
        self.source.sendto(b"marked", self.sink.getsockname())
        _, ancillary, _, _ = self.sink.recvmsg(64, 64)
        return ancillary[0][2][0]


def ds_of(frame: bytes) -> int:
    return frame[15] if frame[12:14] == b"\x08\x00" else (frame[14] << 4 | frame[15] >> 4) & 0xFF


@require_kernel_wireguard
class WgxdpAndTheKernelDriver(InteropCases, unittest.TestCase):
    peer = KernelWireguard

    def test_traffic_takes_the_native_path_whoever_began(self):
        self.check_whoever_began("native", (4, 6))

    def test_traffic_takes_the_tc_path_whoever_began(self):
        self.check_whoever_began("tc", (6, 4))

    def check_whoever_began(self, mode: str, outers: tuple[int, int]) -> None:
        """outers: the outer family when we begin, and when the driver does; inside there are both."""
        for initiator, outer in zip(("left", "right"), outers, strict=True):
            psk = outer == 6
            with self.subTest(initiator=initiator, psk=psk, outer=outer):
                self.check(mode, initiator, psk, outer)

    def connected(self, topology: Topology, mode: str, outer: int) -> Pair:
        a, b = topology.underlay()
        node = Wgxdp(topology, a)
        pair = Pair(topology, node, KernelWireguard(topology, b), outer=outer)
        node.attach("eth0", mode)
        pair.up()
        pair.first_ping()
        return pair

    def test_datagrams_of_every_size_arrive(self):
        for mode, outer in (("native", 4), ("tc", 6)):
            with self.subTest(mode=mode, outer=outer), Topology() as topology:
                pair = self.connected(topology, mode, outer)
                with check_fast_path(pair.left, size=0):
                    for family in (4, 6):
                        udp_echo(pair.right.netns, pair.left.netns, pair.inner[family][0], range(1501))

    def test_inner_checksums_are_whole(self):
        """Before the driver tells its stack that it need not look: of what wg0's offloads have put off, too."""
        for mode, outer in (("native", 4), ("tc", 6)):
            with self.subTest(mode=mode, outer=outer), Topology() as topology:
                pair = self.connected(topology, mode, outer)
                a, b = pair.left.netns, pair.right.netns
                b.run("ethtool", "-K", pair.names[1], "gro", "off")  # which would put together, and sum up anew
                for family in (4, 6):
                    there = pair.inner[family][1]
                    with Capture(b, pair.names[1], arriving=True) as capture:
                        tcp_transfer(a, b, there, bytes(SIZE))
                        udp_echo(a, b, there, (0, 1, 2, 3, 999, 1000, 1372))
                        arrived = [frame for _, frame in capture.frames]
                    self.assertEqual([frame.hex() for frame in arrived if not is_summed(frame)], [])
                    protocols = Counter(frame[9] if family == 4 else frame[6] for frame in arrived)
                    self.assertGreater(protocols[socket.IPPROTO_TCP], SIZE // SLOWNESS // 1420)
                    self.assertEqual(protocols[socket.IPPROTO_UDP], 7)

    def test_wg_shows_the_same_of_both(self):
        with Topology() as topology:
            a, b = topology.underlay()
            pair = Pair(topology, Wgxdp(topology, a), KernelWireguard(topology, b), psk=True)
            pair.configs[1].peers[0].persistent_keepalive = 25
            pair.up()
            pair.first_ping()

            def dump(netns: Netns, side: int) -> list[list[str]]:
                return [line.split("\t") for line in
                        netns.run("wg", "show", pair.names[side], "dump").stdout.splitlines()]

            (ours, our_peer), (theirs, their_peer) = dump(a, 0), dump(b, 1)
            self.assertEqual((len(ours), len(our_peer)), (len(theirs), len(their_peer)))
            self.assertEqual((ours[1], theirs[1]), (their_peer[0], our_peer[0]), "public keys")
            self.assertEqual(our_peer[1], their_peer[1], "preshared key")
            self.assertEqual((our_peer[2], their_peer[2]), ("10.9.0.2:51820", "10.9.0.1:51820"), "endpoints")
            self.assertLessEqual(abs(int(our_peer[4]) - int(their_peer[4])), 1, "handshakes")
            self.assertEqual((our_peer[7], their_peer[7]), ("off", "25"))
            self.assertEqual(our_peer[3], f"{pair.inner[4][1]}/32,{pair.inner[6][1]}/128", "allowed IPs")

    # --- headers ---

    def test_outer_headers_of_data_are_the_drivers(self):
        """For each inner DS field: outer DS field, TTL, flags, and checksums that are right, of both ends."""
        for outer in (4, 6):
            with self.subTest(outer=outer), Topology() as topology:
                a, b = topology.underlay()
                for netns in (a, b):
                    netns.run("ethtool", "-K", "eth0", "tx", "off")  # or checksums are left to a NIC that is none
                node = Wgxdp(topology, a)
                pair = Pair(topology, node, KernelWireguard(topology, b), outer=outer)
                node.attach("eth0")
                pair.up()
                pair.first_ping()
                for family in (4, 6):
                    for dscp, ecn in itertools.product((0, DSCP), range(4)):
                        headers = [self.header(pair, side, family, dscp | ecn) for side in (0, 1)]
                        with self.subTest(family=family, ds=dscp | ecn):
                            self.assertEqual(headers[0], headers[1])
                            self.assertEqual(headers[0]["ds"], SENT_ECN[ecn])

    def header(self, pair: Pair, side: int, family: int, ds: int) -> dict[str, int]:
        """What carries a datagram of this inner DS field from this side."""
        sender, receiver = (pair.left.netns, pair.right.netns)[::1 if side == 0 else -1]
        with (Capture(sender, "eth0") as capture, Marked(sender, receiver, pair.inner[family][1 - side]) as marked):
            self.assertEqual(marked.send(ds), ds)
            data = wait_until(lambda: [frame for _, frame in capture.frames if self.carries_data(frame)], "it leaves")
        frame, is_v4 = data[0], data[0][12:14] == b"\x08\x00"
        self.assertTrue(is_summed(frame[14:]), frame.hex())
        return {"ds": ds_of(frame), "ttl": frame[22] if is_v4 else frame[21], "length": len(frame),
                "fragment": int.from_bytes(frame[20:22], "big") if is_v4 else 0}

    @staticmethod
    def carries_data(frame: bytes) -> bool:
        start = 14 + (20 if frame[12:14] == b"\x08\x00" else 40)
        return message_type(frame[start + 8:]) == TRANSPORT_DATA and len(frame) > start + 8 + 32

    def test_the_outer_ecn_field_reaches_the_inner_packet_as_with_the_driver(self):
        """The relay marks; each end receives what the other one receives of the same."""
        for mode, near, far in (("native", "10.9.0.{}", "10.8.0.{}"), ("tc", "fd09::{}", "fd08::{}")):
            with self.subTest(mode=mode), Topology() as topology:
                self.check_marks(topology, mode, near.format, far.format)

    def check_marks(self, topology: Topology, mode: str, near: Callable[[int], str], far: Callable[[int], str]) -> None:
        """near, far: addresses of our side's network and of the driver's."""
        a, r, b = (topology.netns(name) for name in ("a", "r", "b"))
        topology.link(a, "eth0", r, "left")
        topology.link(r, "right", b, "eth0")
        length = 24 if mode == "native" else 64
        for netns, device, address in ((a, "eth0", near(1)), (r, "left", near(254)),
                                       (r, "right", far(254)), (b, "eth0", far(2))):
            topology.addresses(netns, device, f"{address}/{length}")
        node: Node = Wgxdp(topology, a)
        pair = Pair(topology, node, KernelWireguard(topology, b), outer_addresses=("", near(254)))
        node.attach("eth0", mode)
        with Relay(r, (near(254), pair.port), (far(2), pair.port)) as relay:
            pair.up()
            pair.first_ping()
            for family, outer, inner in itertools.product((4, 6), range(4), range(4)):
                relay.mark(outer)
                arrived = []
                for sender, receiver, side in ((a, b, 1), (b, a, 0)):
                    with Marked(sender, receiver, pair.inner[family][side]) as marked:
                        arrived.append(marked.send(DSCP | inner))
                with self.subTest(family=family, outer=outer, inner=inner):
                    self.assertEqual(arrived[0], arrived[1], "by the driver, by wgxdp")
                    self.assertEqual(arrived[0] & 0xFC, DSCP)


if __name__ == "__main__":
    main()
