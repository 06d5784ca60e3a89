# SPDX-License-Identifier: MIT
"""Traffic that checks itself: ping, TCP with a digest, UDP of every length, and probes that count each loss."""

import hashlib
import ipaddress
import math
import os
import re
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from .host import CheckFailed, wait_until
from .topology import Netns

STALL = 20  # seconds without progress that count as a broken path
CHUNK = 1 << 20
# On a machine that is slow beyond comparison (a guest without KVM): so many times less is moved.
SLOWNESS = int(os.environ.get("WGXDP_TEST_SLOWNESS", "1"))


def family_of(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET


@dataclass
class PingResult:
    sent: int
    received: int
    output: str

    @property
    def lost(self) -> int:
        return self.sent - self.received

    @property
    def average_ms(self) -> float:
        return float(re.search(r"= [\d.]+/([\d.]+)/", self.output)[1])


def ping(netns: Netns, address: str, count: int = 1, interval: float = 0.1, wait: int = 3,
         size: int | None = None) -> PingResult:
    """ping(8); the last echo is waited for `wait` seconds. Without a deadline it would be two round trips, whatever -W
    says; with one, ping sends more until `count` are answered: those do not count."""
    seconds = math.ceil((count - 1) * interval + wait)
    options = ["-n", "-c", str(count), "-i", str(interval if count > 1 else seconds), "-w", str(seconds)]
    options += ["-s", str(size)] if size is not None else []
    output = netns.run("ping", *options, address, check=False, timeout=seconds + 30)
    if "packets transmitted" not in output.stdout:
        raise CheckFailed(f"ping {address} from {netns.name}: {output.stdout}{output.stderr}")
    answered = {int(number) for number in re.findall(r"bytes from .* icmp_seq=(\d+) ", output.stdout)}
    return PingResult(count, len(answered & set(range(1, count + 1))), output.stdout)


def expect_ping(netns: Netns, address: str, count: int = 1, **options) -> None:
    """Every echo must come back."""
    result = ping(netns, address, count, **options)
    if result.lost:
        raise CheckFailed(f"ping {address} from {netns.name}: {result.lost} of {result.sent} lost\n{result.output}")


def listen_tcp(netns: Netns, address: str) -> socket.socket:
    listener = netns.socket(family_of(address), socket.SOCK_STREAM)
    listener.settimeout(STALL)
    listener.bind((address, 0))
    listener.listen()
    return listener


def receive_digest(listener: socket.socket) -> tuple[int, bytes]:
    """Takes one connection to its end: how many bytes, and their SHA-256."""
    connection, _ = listener.accept()
    with connection:
        connection.settimeout(STALL)
        digest, total, buffer = hashlib.sha256(), 0, memoryview(bytearray(CHUNK))
        while length := connection.recv_into(buffer):
            digest.update(buffer[:length])
            total += length
        return total, digest.digest()


def send_blocks(netns: Netns, address: tuple[str, int], block: bytes, repeat: int = 1) -> bytes:
    """Sends the block `repeat` times over one connection; the SHA-256 of all of it."""
    digest = hashlib.sha256()
    with netns.socket(family_of(address[0]), socket.SOCK_STREAM) as connection:
        connection.settimeout(STALL)
        connection.connect(address)
        for _ in range(repeat):
            left = memoryview(block)
            while left:
                left = left[connection.send(left):]  # sendall's timeout is that of all of it, not of standing still
            digest.update(block)
    return digest.digest()


def tcp_transfer(sender: Netns, receiver: Netns, address: str, block: bytes, repeat: int = 1,
                 through: Callable[[tuple[str, int]], tuple[str, int]] = lambda target: target) -> None:
    """Moves the block `repeat` times to `address` in the receiver and compares digests. `through` says where to connect
    when something stands between the sender and the receiver's address and port."""
    block = block[:len(block) // SLOWNESS]
    with listen_tcp(receiver, address) as listener, ThreadPoolExecutor(1) as pool:
        port = listener.getsockname()[1]
        received: Future = pool.submit(receive_digest, listener)
        try:
            expected = send_blocks(sender, through((address, port)), block, repeat)
            total, digest = received.result()
        except TimeoutError:
            raise CheckFailed(f"TCP to {address} stood still for {STALL} s") from None
    if total != len(block) * repeat:
        raise CheckFailed(f"{total} bytes arrived at {address}, expected {len(block) * repeat}")
    if digest != expected:
        raise CheckFailed(f"what arrived at {address} is not what was sent: SHA-256 differs")


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def udp_checksum(probe: socket.socket, payload: bytes) -> int:
    """What the checksum of this datagram from a connected socket is computed to; zero is sent as 0xffff (RFC 768)."""
    ends = [probe.getsockname()[:2], probe.getpeername()[:2]]
    length = 8 + len(payload)
    pseudo = b"".join(ipaddress.ip_address(address).packed for address, _ in ends)
    return checksum(pseudo + struct.pack("!IIHHHH", length, socket.IPPROTO_UDP, *(port for _, port in ends), length, 0)
                    + payload)


def random_payload(probe: socket.socket, size: int) -> bytes:
    """Random bytes whose checksum is not computed to zero. wireguard-go sends such a datagram of its own host with zero
    in the field, which IPv6 refuses: two wireguard-go lose it between them, one in 65,536."""
    while udp_checksum(probe, payload := os.urandom(size)) == 0 and size > 0:
        pass
    return payload


def udp_echo(client: Netns, server: Netns, address: str, sizes: Iterable[int] = range(0, 1501, SLOWNESS)) -> None:
    """One datagram of random bytes of every size there and back, in order; none may be lost or changed."""
    with EchoServer(server, address) as echo, client.socket(family_of(address), socket.SOCK_DGRAM) as probe:
        probe.settimeout(2)
        probe.connect((address, echo.port))
        for size in sizes:
            payload = random_payload(probe, size)
            probe.send(payload)
            try:
                answer = probe.recv(1 << 16)
            except TimeoutError:
                raise CheckFailed(f"UDP to {address}: no answer to {size} bytes") from None
            if answer != payload:
                raise CheckFailed(f"UDP to {address}: {size} bytes came back as {len(answer)} other ones")


class EchoServer:
    """Answers every datagram with itself, on a thread."""

    def __init__(self, netns: Netns, address: str):
        self._socket = netns.socket(family_of(address), socket.SOCK_DGRAM)
        self._socket.bind((address, 0))
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]
        self._wake, self._stop = os.pipe()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while self._wake not in (readable := select.select([self._socket, self._wake], [], [])[0]):
            for ready in readable:
                try:
                    payload, sender = ready.recvfrom(1 << 16)
                    ready.sendto(payload, sender)
                except OSError:
                    continue  # the client is unreachable for the moment: a lost answer, which it will count

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self._stop)
        self._thread.join()
        self._socket.close()
        os.close(self._wake)


class Prober:
    """A numbered datagram to an echo server every `interval` seconds, until stopped; knows which were lost."""

    def __init__(self, client: Netns, server: Netns, address: str, interval: float = 0.01):
        self._echo = EchoServer(server, address)
        self._socket = client.socket(family_of(address), socket.SOCK_DGRAM)
        self._socket.connect((address, self._echo.port))
        self._socket.setblocking(False)
        self._interval = interval
        self._stopping, self._drained = threading.Event(), threading.Event()
        self.answered: set[int] = set()
        self.sent = 0
        self._threads = [threading.Thread(target=target, daemon=True) for target in (self._send, self._receive)]
        for thread in self._threads:
            thread.start()

    def _send(self) -> None:
        due = time.monotonic()
        while not self._stopping.is_set():
            number, self.sent = self.sent, self.sent + 1
            try:
                self._socket.send(struct.pack("!Q", number))
            except OSError:
                pass  # no route at this moment: a lost probe
            due += self._interval
            time.sleep(max(0.0, due - time.monotonic()))

    def _receive(self) -> None:
        while not self._drained.is_set():
            if select.select([self._socket], [], [], 0.05)[0]:
                try:
                    self.answered.add(struct.unpack("!Q", self._socket.recv(64))[0])
                except OSError:
                    continue  # an ICMP error of an earlier probe: that one is lost

    @property
    def lost(self) -> list[int]:
        return [number for number in range(self.sent) if number not in self.answered]

    def answers_again(self, deadline: float = 30) -> None:
        """Waits until a probe that is sent from now on is answered."""
        first = self.sent
        wait_until(lambda: any(number >= first for number in list(self.answered)), "probes are answered", deadline)

    def stop(self, drain: float = 3) -> list[int]:
        """Ends the probes, gives the last answers time, and says which never came."""
        self._stopping.set()
        self._threads[0].join()
        end = time.monotonic() + drain
        while self.lost and time.monotonic() < end:
            time.sleep(0.02)
        self._drained.set()
        self._threads[1].join()
        self._echo.__exit__()
        self._socket.close()
        return self.lost
