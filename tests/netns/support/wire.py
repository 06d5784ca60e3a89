# SPDX-License-Identifier: MIT
"""On the wire: what a NIC sends, and a relay that changes ports like a NAT that forgets."""

import ctypes
import ipaddress
import select
import socket
import struct
import threading
import time
from dataclasses import dataclass

from .topology import Netns
from .traffic import checksum, family_of

ETH_P_ALL = 3
PACKET_OUTGOING = 4
TRANSPORT_DATA = 4
KEEPALIVE_SIZE = 32
DS_FIELD = {socket.AF_INET: (socket.IPPROTO_IP, socket.IP_TOS),
            socket.AF_INET6: (socket.IPPROTO_IPV6, socket.IPV6_TCLASS)}
SO_ATTACH_FILTER = 26  # which Python does not name


@dataclass
class Datagram:
    """A UDP datagram that left a NIC."""

    time: float
    source_port: int
    destination_port: int
    payload: bytes

    @property
    def is_keepalive(self) -> bool:
        return self.payload[:4] == bytes([TRANSPORT_DATA, 0, 0, 0]) and len(self.payload) == KEEPALIVE_SIZE


def parse_udp(frame: bytes) -> tuple[int, int, bytes] | None:
    """Source port, destination port and payload of an unfragmented UDP datagram without extension headers."""
    kind = frame[12:14]
    if kind == b"\x08\x00" and frame[23] == socket.IPPROTO_UDP:
        start = 14 + (frame[14] & 15) * 4
    elif kind == b"\x86\xdd" and frame[20] == socket.IPPROTO_UDP:
        start = 14 + 40
    else:
        return None
    length = int.from_bytes(frame[start + 4:start + 6], "big")
    ports = (int.from_bytes(frame[start + at:start + at + 2], "big") for at in (0, 2))
    return *ports, frame[start + 8:start + length]


def udp_packet(source: str, destination: str, port: int, payload: bytes) -> tuple[bytes, bytes]:
    """A crafted UDP datagram: its ethertype, and the IP packet."""
    addresses = ipaddress.ip_address(source).packed + ipaddress.ip_address(destination).packed
    length = 8 + len(payload)
    header = struct.pack("!HHH", port, port, length)
    pseudo = addresses + struct.pack("!II", length, socket.IPPROTO_UDP)
    udp = header + struct.pack("!H", checksum(pseudo + header + payload) or 0xFFFF) + payload
    if len(addresses) == 32:
        return b"\x86\xdd", struct.pack("!IHBB", 6 << 28, length, socket.IPPROTO_UDP, 64) + addresses + udp
    start = struct.pack("!BBHHHBB", 0x45, 0, 20 + length, 1, 0, 64, socket.IPPROTO_UDP)
    return b"\x08\x00", start + struct.pack("!H", checksum(start + addresses)) + addresses + udp


def is_summed(packet: bytes) -> bool:
    """Whether the checksums of an IP packet with TCP or UDP in it, and without extension headers, are right."""
    if packet[0] >> 4 == 4:
        start, protocol, addresses = (packet[0] & 15) * 4, packet[9], packet[12:20]
        segment = packet[start:int.from_bytes(packet[2:4], "big")]
    else:
        start, protocol, addresses = 40, packet[6], packet[8:40]
        segment = packet[start:start + int.from_bytes(packet[4:6], "big")]
    is_header_right = len(addresses) == 32 or checksum(packet[:start]) == 0
    return is_header_right and checksum(addresses + struct.pack("!II", len(segment), protocol) + segment) == 0


def attach_filter(receiver: socket.socket, *code: tuple[int, int, int, int]) -> None:
    """A classic BPF program: operation, jump if true, jump if false, constant."""
    filters = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *each) for each in code))
    receiver.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("@HP", len(code), ctypes.addressof(filters)))


def refuse_mark(receiver: socket.socket, mark: int) -> None:
    """The socket receives no packet with this fwmark any more."""
    # A = skb->mark (SKF_AD_OFF + SKF_AD_MARK); A == mark ? return 0 : return everything
    attach_filter(receiver, (0x20, 0, 0, 0xFFFFF000 + 20), (0x15, 0, 1, mark), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF))


def refuse_other_ports(receiver: socket.socket, port: int) -> None:
    """The socket receives only what comes from this port, over IPv4 without options."""
    # A = the half word at 34; A == port ? return everything : return 0
    attach_filter(receiver, (0x28, 0, 0, 34), (0x15, 0, 1, port), (0x06, 0, 0, 0xFFFFFFFF), (0x06, 0, 0, 0))


class Capture:
    """Everything that leaves a NIC while this is open."""

    def __init__(self, netns: Netns, device: str, *, without_mark: int | None = None, source_port: int | None = None,
                 arriving: bool = False):
        """without_mark: only what does not carry this fwmark. source_port: only what comes from it, over IPv4.
        arriving: what arrives instead. (Of no use where wgxdp receives natively: a tap sees decrypted packets.)"""
        self._frames: list[tuple[float, bytes]] = []
        self._socket = netns.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        if without_mark is not None:
            refuse_mark(self._socket, without_mark)
        if source_port is not None:
            refuse_other_ports(self._socket, source_port)
        self._arriving = arriving
        self._socket.bind((device, ETH_P_ALL))
        self._socket.setblocking(False)
        self._reading = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._collect, daemon=True)
        self._thread.start()

    def _collect(self) -> None:
        while not self._stopping.is_set():
            if select.select([self._socket], [], [], 0.05)[0]:
                self._read()

    def _read(self) -> None:
        with self._reading:
            while True:
                try:
                    frame, address = self._socket.recvfrom(1 << 16)
                except BlockingIOError:
                    return
                if (address[2] == PACKET_OUTGOING) != self._arriving:
                    self._frames.append((time.monotonic(), frame))

    @property
    def frames(self) -> list[tuple[float, bytes]]:
        """All so far, and when each was read; the thread may not have come to the newest yet."""
        self._read()
        return list(self._frames)

    def datagrams(self, port: int) -> list[Datagram]:
        """The UDP datagrams to or from a port so far."""
        found = []
        for when, frame in self.frames:
            parsed = parse_udp(frame)
            if parsed and port in parsed[:2]:
                found.append(Datagram(when, *parsed))
        return found

    def keepalives(self, port: int) -> list[Datagram]:
        return [datagram for datagram in self.datagrams(port) if datagram.is_keepalive]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stopping.set()
        self._thread.join()
        self._socket.close()


class Relay:
    """Carries datagrams between whoever sends to `listen` and `target`, as a NAT in between does."""

    def __init__(self, netns: Netns, listen: tuple[str, int], target: tuple[str, int]):
        self._netns, self._target = netns, target
        self._inside = netns.socket(family_of(listen[0]), socket.SOCK_DGRAM)
        self._inside.bind(listen)
        self._outside = self._open()
        self._forgotten: list[socket.socket] = []
        self._client: tuple | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def _open(self) -> socket.socket:
        outside = self._netns.socket(family_of(self._target[0]), socket.SOCK_DGRAM)
        outside.connect(self._target)
        return outside

    @property
    def port(self) -> int:
        """The port that the target sees."""
        return self._outside.getsockname()[1]

    def rebind(self) -> None:
        """The target sees another port from now on, and what it sends to the old one is lost."""
        self._forgotten.append(self._outside)
        self._outside = self._open()
        self._forgotten[-1].shutdown(socket.SHUT_RDWR)

    def mark(self, ds: int) -> None:
        """Everything is carried with this DS field from now on, both ways."""
        for carrier in (self._inside, self._outside):
            carrier.setsockopt(*DS_FIELD[carrier.family], ds)

    def _carry(self) -> None:
        while not self._stopping.is_set():
            outside = self._outside
            for ready in select.select([self._inside, outside], [], [], 0.02)[0]:
                try:
                    if ready is self._inside:
                        payload, self._client = ready.recvfrom(1 << 16)
                        self._outside.send(payload)
                    elif self._client and (payload := outside.recv(1 << 16)):
                        self._inside.sendto(payload, self._client)
                except OSError:
                    continue  # the target's port is closed for the moment: a lost datagram

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stopping.set()
        self._thread.join()
        for carrier in (self._inside, self._outside, *self._forgotten):
            carrier.close()
