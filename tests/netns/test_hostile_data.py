# SPDX-License-Identifier: MIT
"""Data messages that are replayed, forged, cut, late, misaddressed or lying: each is dropped for its reason, and
leaves everything as it was. (Who is who: support/hostile.py)"""

import os
import random
import socket
import struct
import unittest
from collections import Counter

from support import TunnelConfig, generate_key, main, wait_until
from support.hostile import ATTACKER, PORT, HostileCases, for_each_mode
from support.noise import TRANSPORT_DATA, set_index, with_bytes
from support.pair import endpoint
from support.wire import checksum, udp_packet

WINDOW = 8128
FORGED_LENGTHS = (*range(201), *range(1400, 1501))
JUMBO_LENGTHS = (9000, 65000, 65507)


def reason(message: bytes) -> str:
    """Why a data message that is not authentic is dropped."""
    return "bad_type" if len(message) < 4 else "bad_length" if len(message) < 32 else "bad_tag"


class Data(HostileCases):
    def setUp(self):
        super().setUp()
        self.connect(self.alice, self.mallory)

    def check_still_taken(self, message: bytes, payload: bytes) -> None:
        """What the bad ones were made from arrives when the honest one sends it: its counter was not burnt."""
        self.alice.send(message)
        self.check_delivered(payload)

    def test_honest_packets_are_delivered(self):
        """The control: by what all other cases see that nothing happened."""
        before, received = self.delivered(), self.status(self.alice).rx_bytes
        self.alice.send(*(self.alice.session.seal(self.alice.datagram(b"honest", family)) for family in (4, 6)))
        self.check_delivered(b"honest", b"honest")
        self.assertEqual(self.delivered(), before + 2)
        self.assertGreater(self.status(self.alice).rx_bytes, received)

    def test_packets_that_are_not_padded_are_delivered(self):
        """As boringtun sends them. The shortest are the last fragments of a packet."""
        payloads = [b"+" * (8 + length) for length in range(1, 17)]
        for payload in payloads:
            first, last = fragments(self.alice.datagram(payload), 16)
            self.alice.send(*(self.alice.session.seal(packet, padding=1) for packet in (first, last)))
        self.check_delivered(*payloads)

    # --- replayed, late ---

    def test_replayed_packets_are_dropped_whoever_sends_them(self):
        sealed = [self.alice.session.seal(self.alice.datagram(b"once")) for _ in range(3)]
        self.alice.send(*sealed)
        self.check_delivered(*[b"once"] * 3)
        keepalive = self.alice.session.seal()
        self.alice.send(keepalive)
        for by in (None, self.attacker, self.mallory.socket):
            with self.harmless(replayed=4):
                self.alice.send(*sealed, keepalive, by=by)

    def test_late_packets_are_taken_once_and_only_within_the_window(self):
        session = self.alice.session
        top = session.counter + 300 + WINDOW
        self.alice.send(session.seal(counter=top))  # empty: the node owes no answer ten seconds later
        session.counter = top + 1
        within = list(range(top - WINDOW, top))
        random.Random(1).shuffle(within)
        late = [session.seal(counter=counter) for counter in within]
        self.handled()
        received = self.status(self.alice).rx_bytes
        self.send_all(self.alice, late)
        wait_until(lambda: self.status(self.alice).rx_bytes == received + WINDOW * 32, "every late one is taken")
        with self.harmless(replayed=WINDOW):
            self.send_all(self.alice, late)
        oldest = session.counter - 1 - WINDOW
        beyond = [session.seal(self.alice.datagram(), counter=oldest - back) for back in range(1, 301)]
        with self.harmless(too_old=len(beyond)):
            self.send_all(self.alice, beyond)

    def test_counters_beyond_the_limit_are_dropped(self):
        limit = 2**64 - 1 - WINDOW - 1
        with self.harmless(counter_limit=3):
            self.alice.send(*(self.alice.session.seal(self.alice.datagram(), counter=counter)
                              for counter in (limit, limit + 1, 2**64 - 1)))

    # --- forged, cut ---

    def test_forged_packets_of_every_length_are_dropped(self):
        for by in (self.alice.socket, self.attacker):
            header = struct.pack("<IIQ", TRANSPORT_DATA, self.alice.session.remote_index, 1 << 40)
            forged = [(header + os.urandom(length))[:length] for length in FORGED_LENGTHS]
            with self.harmless(**Counter(map(reason, forged))):
                self.send_all(self.alice, forged, by=by)

    def test_a_packet_with_any_byte_changed_is_dropped(self):
        sealed = self.alice.session.seal(self.alice.datagram(b"changed"))
        changed = [with_bytes(sealed, at, bytes([sealed[at] ^ 0x80])) for at in range(8, len(sealed))]
        with self.harmless(bad_tag=len(changed)):
            self.send_all(self.alice, changed, by=self.attacker)
        self.check_still_taken(sealed, b"changed")

    def test_truncated_packets_are_dropped(self):
        sealed = self.alice.session.seal(self.alice.datagram(b"whole"))
        cut = [sealed[:length] for length in range(len(sealed))]
        with self.harmless(**Counter(map(reason, cut))):
            self.send_all(self.alice, cut)
        self.check_still_taken(sealed, b"whole")

    def test_jumbo_and_empty_datagrams_are_dropped(self):
        jumbos = [struct.pack("<IIQ", kind, self.alice.session.remote_index, 1 << 40) + bytes(length - 16)
                  for kind in range(6) for length in JUMBO_LENGTHS]
        each = len(JUMBO_LENGTHS)
        with self.harmless(bad_type=2 * each, bad_length=3 * each, bad_tag=each):
            for jumbo in jumbos:
                self.send_all(self.alice, [jumbo], by=self.attacker)
        with self.harmless(bad_type=5):
            self.alice.send(*[b""] * 5)

    def test_reserved_bytes_must_be_zero(self):
        sealed = self.alice.session.seal(self.alice.datagram(b"reserved"))
        wrong = [with_bytes(sealed, at, b"\1") for at in (1, 2, 3)]
        with self.harmless(bad_type=2 * len(wrong)):
            self.alice.send(*wrong)
            self.alice.send(*wrong, by=self.attacker)
        self.check_still_taken(sealed, b"reserved")

    # --- misaddressed ---

    def test_wrong_indices_reach_no_session(self):
        session, packet = self.alice.session, self.alice.datagram(b"indexed")
        sealed = session.seal(packet)
        unknown = [session.remote_index ^ 1 << bit for bit in range(32)] + [0, 2**32 - 1, session.local_index]
        with self.harmless(unknown_index=len(unknown)):
            self.send_all(self.alice, [set_index(sealed, 4, index) for index in unknown])
        with self.harmless(self.alice, self.mallory, bad_tag=1):
            self.alice.send(set_index(sealed, 4, self.mallory.session.remote_index))
        self.check_still_taken(sealed, b"indexed")

    def test_packets_of_another_tunnel_reach_no_session(self):
        other = TunnelConfig(self.topology.unique("o"), generate_key(), PORT + 1, ["10.6.0.1/24"])
        self.node.up(other)
        self.addCleanup(self.node.down, other.name)
        carol = self.peer(4, ATTACKER[self.outer], PORT + 1, other)
        carol.connect()
        with self.harmless(unknown_index=2):
            self.alice.send(carol.session.seal(carol.datagram()))
            carol.send(self.alice.session.seal(self.alice.datagram()))

    def test_packets_of_a_session_that_is_gone_are_dropped(self):
        first = self.alice.session
        self.connect(self.alice)
        self.alice.send(first.seal(self.alice.datagram(b"previous")))
        self.check_delivered(b"previous")
        self.connect(self.alice)
        with self.harmless(unknown_index=1):
            self.alice.send(first.seal(self.alice.datagram()))

    def test_packets_of_a_peer_that_is_gone_are_dropped(self):
        self.remove_peer(self.mallory)
        with self.harmless(unknown_index=2):
            self.mallory.send(self.mallory.session.seal(self.mallory.datagram()), self.mallory.session.seal())

    # --- lying inside ---

    def test_inner_headers_that_lie_are_dropped(self):
        v4, v6 = self.alice.datagram(bytes(36), 4), self.alice.datagram(bytes(32), 6)  # 64 and 80 bytes: no padding
        lengths = [with_bytes(v4, 2, struct.pack("!H", total)) for total in (0, 1, 19, len(v4) + 1, 1500, 65535)]
        lengths += [with_bytes(v6, 4, struct.pack("!H", rest)) for rest in (len(v6) - 39, 1400, 65535)]
        lengths += [v4[:1], v4[:16], v6[:32]]
        versions = [with_bytes(packet, 0, bytes([version << 4 | packet[0] & 15]))
                    for packet in (v4, v6) for version in range(16) if version not in (4, 6)]
        with self.harmless(authentic=True, inner_length=len(lengths), inner_version=len(versions)):
            self.alice.send(*map(self.alice.session.seal, (*lengths, *versions)))

    def test_inner_sources_must_be_the_peers_own(self):
        sources = {4: ("10.7.0.3", "10.7.0.77", "10.7.0.1", "0.0.0.0", "127.0.0.1", "255.255.255.255"),
                   6: ("fd07::3", "fd07::77", "fd07::1", "::", "::1", "::ffff:10.7.0.2", "ff02::1")}
        lies = [self.alice.datagram(family=family, source=source) for family in sources for source in sources[family]]
        with self.harmless(self.alice, self.mallory, authentic=True, inner_source=len(lies)):
            self.alice.send(*map(self.alice.session.seal, lies))

    # --- lying outside ---

    def test_outer_lengths_that_lie_are_dropped(self):
        """Authentic messages in frames whose headers promise what is not there. The stack drops them uncounted, except
        those whose UDP length cuts off the end."""
        target, source = self.address, self.alice.socket.getsockname()[0]
        udp = 14 + (40 if self.outer == 6 else 20)
        macs = self.a.mac("eth0") + self.b.mac("eth0")
        with self.b.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
            raw.bind(("eth0", 0))

            def send(change) -> None:
                kind, packet = udp_packet(source, target, PORT, self.alice.session.seal(self.alice.datagram()))
                raw.send(change(bytearray(macs + kind + packet)))

            with self.harmless(bad_length=1, bad_tag=1):
                for length in (0, 7, 8 + 31, 1400, 65535):
                    send(lambda frame: with_udp_length(frame, udp, length))  # noqa: B023
                send(lambda frame: with_udp_length(frame, udp, len(frame) - udp - 16))
                send(lambda frame: with_ip_length(frame, self.outer, 16))
                send(lambda frame: with_ip_length(frame, self.outer, 1000))
                for length in range(14, udp + 8 + 32):
                    send(lambda frame: frame[:length])  # noqa: B023

    # --- roaming ---

    def test_only_authentic_new_packets_move_an_endpoint(self):
        there = endpoint(*self.attacker.getsockname()[:2])
        home = self.status(self.alice).endpoint
        self.assertNotEqual(there, home)
        sealed = self.alice.session.seal(self.alice.datagram(b"moving"))
        with self.harmless(bad_tag=1, unknown_index=1):
            self.alice.send(with_bytes(sealed, 20, b"xx"), set_index(sealed, 4, 0), by=self.attacker)
        self.check_moves(sealed, self.attacker, there)
        self.check_delivered(b"moving")
        self.check_moves(self.alice.session.seal(), self.alice.socket, home)
        with self.harmless(replayed=1):
            self.alice.send(sealed, by=self.attacker)

    def test_an_authentic_packet_moves_an_endpoint_though_its_inside_lies(self):
        there = endpoint(*self.attacker.getsockname()[:2])
        self.check_moves(self.alice.session.seal(b"\x50" + bytes(31)), self.attacker, there)

    def check_moves(self, message: bytes, by: socket.socket, expected: str) -> None:
        self.alice.send(message, by=by)
        wait_until(lambda: self.status(self.alice).endpoint == expected, f"alice is at {expected}")


def with_udp_length(frame: bytearray, udp: int, length: int) -> bytes:
    """The frame with another UDP length, and the checksum that goes with it."""
    frame[udp + 4:udp + 8] = struct.pack("!HH", length, 0)
    addresses = frame[22:54] if udp == 54 else frame[26:34]
    pseudo = bytes(addresses) + struct.pack("!II", length, socket.IPPROTO_UDP)
    frame[udp + 6:udp + 8] = struct.pack("!H", checksum(pseudo + bytes(frame[udp:udp + length])) or 0xFFFF)
    return bytes(frame)


def with_ip_length(frame: bytearray, outer: int, more: int) -> bytes:
    """The frame with an IP length that promises more bytes."""
    at = 14 + (4 if outer == 6 else 2)
    frame[at:at + 2] = struct.pack("!H", int.from_bytes(frame[at:at + 2], "big") + more)
    if outer == 4:
        frame[24:26] = bytes(2)
        frame[24:26] = struct.pack("!H", checksum(bytes(frame[14:34])))
    return bytes(frame)


def fragments(packet: bytes, first: int) -> tuple[bytes, bytes]:
    """The IPv4 packet in two, the first with so many bytes behind its header."""
    def fragment(start: int, end: int, more: int) -> bytes:
        header = packet[:2] + struct.pack("!HHH", 20 + end - start, len(packet), more << 13 | start // 8) + packet[8:10]
        return header + struct.pack("!H", checksum(header + packet[12:20])) + packet[12:20] + packet[20:][start:end]
    return fragment(0, first, 1), fragment(first, len(packet) - 20, 0)


globals().update(for_each_mode(Data, unittest.TestCase))

if __name__ == "__main__":
    main()
