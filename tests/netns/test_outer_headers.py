# SPDX-License-Identifier: MIT
"""The headers around WireGuard's messages, as they leave and as they arrive: DS field, hop limit, fragmentation,
padding, checksum and ports, whether BPF or the daemon sends. (Who is who: support/hostile.py)"""

import itertools
import select
import socket
import struct
import unittest

from support import Capture, main, wait_until
from support.host import on_one_cpu
from support.hostile import PORT, HostileCases, for_each_mode
from support.noise import INITIATION, RESPONSE, TRANSPORT_DATA, message_type
from support.noise_peer import SINK_PORT
from support.wire import DS_FIELD, ETH_P_ALL, checksum

HANDSHAKE_DS = 0x88  # AF41
ETHERTYPE = {4: 0x0800, 6: 0x86DD}
HOP_LIMIT = {4: 42, 6: 43}
MTU = 1420
NOT_ECT, ECT_1, ECT_0, CE = range(4)


def family_of_packet(packet: bytes) -> int:
    return packet[0] >> 4


def ds_of(packet: bytes) -> int:
    return packet[1] if family_of_packet(packet) == 4 else (packet[0] << 4 | packet[1] >> 4) & 0xFF


def with_ds(packet: bytes, ds: int) -> bytes:
    if family_of_packet(packet) == 6:
        return bytes([0x60 | ds >> 4, (ds & 15) << 4 | packet[1] & 15]) + packet[2:]
    header = packet[:1] + bytes([ds]) + packet[2:10] + bytes(2) + packet[12:20]
    return header[:10] + struct.pack("!H", checksum(header)) + packet[12:]


def ecn_after(inner: int, outer: int) -> int:
    """The inner ECN field after the outer one has arrived: what the driver does, and RFC 6040."""
    if inner == NOT_ECT:
        return inner
    return outer if outer == CE or (outer, inner) == (ECT_1, ECT_0) else inner


class OuterHeaders(HostileCases):
    @classmethod
    def prepare_underlay(cls):
        cls.a.run("ethtool", "-K", "eth0", "tx", "off")  # or checksums are left to a NIC that is none
        cls.a.sysctl("net.ipv4.ip_default_ttl", HOP_LIMIT[4])
        cls.a.sysctl("net.ipv6.conf.eth0.hop_limit", HOP_LIMIT[6])

    def setUp(self):
        super().setUp()
        self.capture = self.enterContext(Capture(self.a, "eth0"))

    def sent(self, kind: int) -> list[bytes]:
        """The IP packets with messages of this type that have left so far."""
        header = 20 if self.outer == 4 else 40
        return [frame[14:] for _, frame in self.capture.frames
                if frame[12:14] in (b"\x08\x00", b"\x86\xdd") and frame[14 + (9 if self.outer == 4 else 6)] == 17
                and message_type(frame[14 + header + 8:]) == kind]

    def check_headers(self, packet: bytes, ds: int) -> bytes:
        """Every field but the addresses; the UDP payload."""
        self.assertEqual(ds_of(packet), ds)
        if self.outer == 4:
            self.assertEqual((packet[0], packet[8], packet[6:8]), (0x45, HOP_LIMIT[4], b"\0\0"), "DF is clear")
            self.assertEqual(checksum(packet[:20]), 0)
            addresses, udp = packet[12:20], packet[20:]
        else:
            self.assertEqual(packet[7], HOP_LIMIT[6])
            addresses, udp = packet[8:40], packet[40:]
        ports = struct.unpack("!HH", udp[:4])
        self.assertEqual(ports, (PORT, self.alice.socket.getsockname()[1]))
        self.assertNotEqual(udp[6:8], b"\0\0", "there is a checksum")
        self.assertEqual(checksum(addresses + struct.pack("!II", len(udp), socket.IPPROTO_UDP) + udp), 0)
        return udp[8:]

    def test_handshakes_are_marked_af41(self):
        self.send_inner([(4, 40, 0)], staged=True)
        self.alice.connect()
        for kind in (INITIATION, RESPONSE):
            wait_until(lambda: self.sent(kind), "the message has left")  # noqa: B023
            self.assertEqual(len(self.sent(kind)), 1)
            self.check_headers(self.sent(kind)[0], HANDSHAKE_DS)

    def test_data_carries_the_inner_ecn_and_no_dscp(self):
        marks = {NOT_ECT: NOT_ECT, ECT_1: ECT_1, ECT_0: ECT_0, CE: ECT_0}
        cases = [(family, 40, dscp | ecn) for family in (4, 6) for ecn in marks for dscp in (0, 0xB8)]
        for staged in (False, True):
            for (_, _, ds), packet in zip(cases, self.send_inner(cases, staged), strict=True):
                with self.subTest(staged=staged, inner=ds):
                    message = self.check_headers(packet, marks[ds & 3])
                    self.assertEqual(ds_of(self.alice.session.open(message)), ds)

    def test_data_is_padded_to_16_bytes_but_not_beyond_the_mtu(self):
        cases = [(family, size, 0) for family in (4, 6) for size in (0, 1, 3, 4, 15, 100, 1348, 1349, 1371, 1372)]
        for staged in (False, True):
            for (family, size, _), packet in zip(cases, self.send_inner(cases, staged), strict=True):
                with self.subTest(staged=staged, family=family, size=size):
                    length = size + (28 if family == 4 else 48)
                    opened = self.alice.session.open(self.check_headers(packet, 0))
                    self.assertEqual(len(opened), min(MTU, (length + 15) // 16 * 16))
                    self.assertEqual(opened[length:], bytes(len(opened) - length))

    def test_the_stack_finds_the_outer_headers(self):
        """Qdiscs that mark congestion, bonds and filters look at a packet's protocol and network header. So does a tap
        that leaves link headers out."""
        with self.a.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL)) as tap:
            tap.bind(("eth0", ETH_P_ALL))
            sent = self.send_inner([(family, 100, 0) for family in (4, 6)], staged=False)
            tap.setblocking(False)
            seen = set()
            while select.select([tap], [], [], 0)[0]:
                packet, (_, protocol, *_) = tap.recvfrom(1 << 16)
                seen.add((protocol, packet))
        self.assertLessEqual({(ETHERTYPE[self.outer], packet) for packet in sent}, seen)

    def send_inner(self, cases: list[tuple[int, int, int]], staged: bool) -> list[bytes]:
        """Sends Alice datagrams of these families, sizes and DS fields; the packets that have carried them. staged:
        they wait for a handshake, so that it is the daemon who sends them (and BPF those that come late)."""
        if staged:
            self.alice = self.peer(4, self.alice.socket.getsockname()[0], PORT + 1)
        else:
            self.connect(self.alice)
        for number, (family, size, ds) in enumerate(cases, start=1):
            kind = socket.AF_INET if family == 4 else socket.AF_INET6
            with on_one_cpu(), self.c.socket(kind, socket.SOCK_DGRAM) as sender:
                sender.setsockopt(*DS_FIELD[kind], ds)
                sender.sendto(bytes(size), (self.alice.inner[family], SINK_PORT))
            if not staged:  # one by one: while the next hop is not resolved the daemon sends, and BPF could overtake
                wait_until(lambda: len(self.carriers()) >= number, "it leaves")  # noqa: B023
        if staged:
            self.alice.accept()
            wait_until(lambda: len(self.carriers()) >= len(cases), "the packets leave")
        return [packet for _, packet in sorted(self.carriers(), key=lambda carrier: cases.index(carrier[0]))]

    def carriers(self) -> list[tuple[tuple[int, int, int], bytes]]:
        """What has carried UDP in Alice's session so far: family, size and DS field of each datagram, and the packet."""
        start, found = (20 if self.outer == 4 else 40) + 8, []
        for packet in self.sent(TRANSPORT_DATA):
            inner = self.alice.session.open(packet[start:])
            if not inner:
                continue
            family, header, protocol = (4, 20, 9) if family_of_packet(inner) == 4 else (6, 40, 6)
            if inner[protocol] == socket.IPPROTO_UDP:
                size = int.from_bytes(inner[header + 4:header + 6], "big") - 8
                found.append(((family, size, ds_of(inner)), packet))
        return found

    def test_the_outer_ecn_field_reaches_inner_packets_as_with_the_driver(self):
        self.connect(self.alice)
        tap = self.c.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
        self.addCleanup(tap.close)
        tap.bind((self.config.name, 3))
        tap.settimeout(3)
        for family, inner, outer in itertools.product((4, 6), range(4), range(4)):
            with self.subTest(family=family, inner=inner, outer=outer):
                self.alice.socket.setsockopt(*DS_FIELD[self.alice.socket.family], outer)
                sent = with_ds(self.alice.datagram(b"marked", family), 0xB8 | inner)
                self.alice.send(self.alice.session.seal(sent))
                self.assertEqual(self.arrived(tap), with_ds(sent, 0xB8 | ecn_after(inner, outer)))

    @staticmethod
    def arrived(tap: socket.socket) -> bytes:
        """The next packet that wg0 has not sent itself, as router solicitations are."""
        while True:
            packet, (_, _, kind, *_) = tap.recvfrom(2048)
            if kind != socket.PACKET_OUTGOING:
                return packet


globals().update(for_each_mode(OuterHeaders, unittest.TestCase))

if __name__ == "__main__":
    main()
