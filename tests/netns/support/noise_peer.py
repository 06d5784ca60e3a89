# SPDX-License-Identifier: MIT
"""A peer that is nothing but a UDP socket and WireGuard's messages: it sends what it is told to, true or not."""

import ipaddress
import select
import socket
import struct
import time

from .host import CheckFailed
from .noise import INITIATION, RESPONSE, TRANSPORT_DATA, Noise, Session, index_at, message_type
from .topology import Netns
from .traffic import family_of
from .wire import checksum, udp_packet

SINK_PORT = 7007
INITIATION_INTERVAL = 0.1  # a node takes one in 20 ms from a peer, by its own clock


def drain(receiver: socket.socket) -> list[bytes]:
    """Every datagram that waits at a socket."""
    found = []
    while select.select([receiver], [], [], 0)[0]:
        found.append(receiver.recv(1 << 16))
    return found


def icmp_echo(source: str, destination: str, number: int) -> bytes:
    icmp = struct.pack("!BBHHH", 8, 0, 0, 7, number)
    icmp = icmp[:2] + struct.pack("!H", checksum(icmp)) + icmp[4:]
    start = struct.pack("!BBHHHBB", 0x45, 0, 20 + len(icmp), number, 0, 64, socket.IPPROTO_ICMP)
    addresses = ipaddress.ip_address(source).packed + ipaddress.ip_address(destination).packed
    return start + struct.pack("!H", checksum(start + addresses)) + addresses + icmp


class NoisePeer(Noise):
    """A peer of one node. inner and gateway: its addresses in the tunnel and the node's, by family."""

    def __init__(self, netns: Netns, outer: tuple[str, int], node: tuple[str, int], remote: bytes,
                 inner: dict[int, str], gateway: dict[int, str]):
        super().__init__(remote)
        self.inner, self.gateway = inner, gateway
        self.session: Session | None = None
        self._node, self._echoes, self._initiated = node, 0, 0.0
        self.socket = netns.socket(family_of(outer[0]), socket.SOCK_DGRAM)
        self.socket.bind(outer)

    def close(self) -> None:
        self.socket.close()

    def send(self, *messages: bytes, by: socket.socket | None = None) -> None:
        """by: the socket of somebody else who sends them."""
        for message in messages:
            (by or self.socket).sendto(message, self._node)
            if message_type(message) == INITIATION:
                self._initiated = time.monotonic()

    def receive(self, kind: int, deadline: float = 7) -> bytes:
        """The next message of this type; those of other types are lost."""
        end = time.monotonic() + deadline
        while select.select([self.socket], [], [], max(0.0, end - time.monotonic()))[0]:
            message = self.socket.recv(1 << 16)
            if message_type(message) == kind:
                return message
        raise CheckFailed(f"no message of type {kind} within {deadline} s")

    def receive_response(self) -> bytes:
        """To our last initiation; those to earlier ones are lost."""
        while index_at(response := self.receive(RESPONSE), 8) != self._index:
            pass
        return response

    def wait_for_turn(self) -> None:
        """Until the node takes another initiation from this peer."""
        time.sleep(max(0.0, self._initiated + INITIATION_INTERVAL - time.monotonic()))

    def initiate(self, **lies) -> bytes:
        """Sends an initiation, not too soon after the last; it is returned as well."""
        message = self.initiation(**lies)
        self.wait_for_turn()
        self.send(message)
        return message

    def connect(self, **lies) -> Session:
        """An honest handshake as initiator, and the keepalive that confirms it."""
        self.initiate(**lies)
        self.session = self.finish(self.receive_response())
        self.send(self.session.seal())
        return self.session

    def accept(self) -> Session:
        """An honest handshake as responder."""
        response, self.session = self.response(self.receive(INITIATION))
        self.send(response)
        return self.session

    def confirmed(self) -> None:
        """The node has taken our response: the first packet of the session. An honest responder sends none before."""
        if self.session.open(self.receive(TRANSPORT_DATA, 3)) is None:
            raise CheckFailed("what came first is not authentic")

    def ping(self) -> None:
        """One echo through the session and back; then a keepalive, as a peer with nothing to say owes for the reply."""
        self._echoes += 1
        request = icmp_echo(self.inner[4], self.gateway[4], self._echoes)
        self.send(self.session.seal(request))
        expected = struct.pack("!HH", 7, self._echoes)
        end = time.monotonic() + 3
        while time.monotonic() < end:
            packet = self.session.open(self.receive(TRANSPORT_DATA, 3))
            if packet and packet[20:21] == b"\0" and packet[24:28] == expected:
                self.send(self.session.seal())
                return
        raise CheckFailed("the session does not carry an echo")

    def datagram(self, payload: bytes = b"inner", family: int = 4, source: str | None = None) -> bytes:
        """An inner UDP packet to the node's sink."""
        return udp_packet(source or self.inner[family], self.gateway[family], SINK_PORT, payload)[1]
