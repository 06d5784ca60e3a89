# SPDX-License-Identifier: MIT
"""Whatever a container sends into its tunnel, nothing of it reaches the IP stack of the birth namespace in the clear
(rule 4), and nothing is forwarded from there.

    c: wg0 ┄┄┄ a: wg0x  wgxdp, eth0 ─────────── eth0: b
"""

import socket
import struct
import time
import unittest

from support import Pair, Topology, Wgxdp, WireguardGo, expect_ping, main, require_wireguard_go, wait_until
from support.wire import udp_packet

PORT = 7007
PAYLOAD = b"not for the birth namespace"
REPEAT = 20
BROADCAST = b"\xff" * 6
MULTICAST_V4 = bytes.fromhex("01005e000001")
MULTICAST_V6 = bytes.fromhex("333300000001")


class Listener:
    """UDP sockets on every address of a namespace, which hear what the IP stack is given."""

    def __init__(self, netns):
        self._sockets = []
        for family, anyone in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
            made = netns.socket(family, socket.SOCK_DGRAM)
            if family == socket.AF_INET6:
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            made.bind((anyone, PORT))
            made.setblocking(False)
            self._sockets.append(made)

    def heard(self) -> list[bytes]:
        found = []
        for listening in self._sockets:
            try:
                while True:
                    found.append(listening.recv(2048))
            except BlockingIOError:
                pass
        return found

    def close(self) -> None:
        for listening in self._sockets:
            listening.close()


def arp_request(sender: bytes, wanted: str) -> bytes:
    return struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + sender + socket.inet_aton("10.7.0.1") + bytes(6) \
        + socket.inet_aton(wanted)


def hostile_frames(wg0: bytes, wg0x: bytes) -> dict[str, bytes]:
    """What a container might try, by name. 10.9.0.1 and fd09::1 are the birth namespace's own addresses, 10.9.0.2 and
    fd09::2 its neighbour's."""
    def udp(to: bytes, source: str, destination: str) -> bytes:
        kind, packet = udp_packet(source, destination, PORT, PAYLOAD)
        return to + wg0 + kind + packet

    frames = {
        "IPv4 to wg0x's MAC": udp(wg0x, "10.7.0.1", "10.9.0.1"),
        "IPv6 to wg0x's MAC": udp(wg0x, "fd07::1", "fd09::1"),
        "IPv4 to be forwarded": udp(wg0x, "10.7.0.1", "10.9.0.2"),
        "IPv6 to be forwarded": udp(wg0x, "fd07::1", "fd09::2"),
        "IPv4 in a broadcast frame": udp(BROADCAST, "10.7.0.1", "10.9.0.1"),
        "IPv4 broadcast": udp(BROADCAST, "10.7.0.1", "255.255.255.255"),
        "IPv4 multicast": udp(MULTICAST_V4, "10.7.0.1", "224.0.0.1"),
        "IPv6 multicast": udp(MULTICAST_V6, "fd07::1", "ff02::1"),
        "ARP broadcast": BROADCAST + wg0 + b"\x08\x06" + arp_request(wg0, "10.9.0.1"),
        "ARP to wg0x's MAC": wg0x + wg0 + b"\x08\x06" + arp_request(wg0, "10.9.0.1"),
        "an unknown ethertype": wg0x + wg0 + b"\x88\xb5" + PAYLOAD,
    }
    plain = frames["IPv4 to wg0x's MAC"]
    frames["IPv4 behind a VLAN tag"] = plain[:12] + b"\x81\x00\x00\x01" + plain[12:]
    return frames


@require_wireguard_go
class Isolation(unittest.TestCase):
    def prepare(self, mode: str, allowed: tuple[str, ...] = (), endpoint: str | None = None) -> None:
        """A tunnel of a whose wg0 is in c, and listeners in a and b."""
        self.topology = self.enterContext(Topology())
        self.a, self.b = self.topology.underlay()
        self.node = Wgxdp(self.topology, self.a)
        self.pair = Pair(self.topology, self.node, WireguardGo(self.topology, self.b))
        peer = self.pair.configs[0].peers[0]
        peer.allowed_ips += allowed
        peer.endpoint = endpoint or peer.endpoint
        self.pair.configs[0].table = "off"  # a route of a would not come along
        self.node.attach("eth0", mode)
        self.pair.up()
        self.name = self.pair.names[0]
        self.wg0, self.wg0x = self.a.mac(self.name), self.a.mac(f"{self.name}x")
        self.c = self.topology.netns("c")
        self.a.ip("link", "set", self.name, "netns", self.c.name)
        self.c.ip("link", "set", self.name, "up")
        self.topology.addresses(self.c, self.name, *self.pair.configs[0].addresses)
        for setting in ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"):
            self.a.sysctl(setting, 1)
        self.listeners = {"the birth namespace": Listener(self.a), "its neighbour": Listener(self.b)}
        for listener in self.listeners.values():
            self.addCleanup(listener.close)

    def check_listener_hears(self) -> None:
        """The control: the same packet by the underlay does arrive."""
        expect_ping(self.b, "10.9.0.1")
        kind, packet = udp_packet("10.9.0.2", "10.9.0.1", PORT, PAYLOAD)
        self.send(self.b, "eth0", self.a.mac("eth0") + self.b.mac("eth0") + kind + packet, 1)
        wait_until(self.listeners["the birth namespace"].heard, "the listener hears what does arrive")

    def send(self, netns, device: str, frame: bytes, repeat: int) -> None:
        with netns.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
            raw.bind((device, 0))
            for _ in range(repeat):
                raw.send(frame)

    def send_hostile_frames(self) -> None:
        """All of them; none may be heard."""
        for name, frame in hostile_frames(self.wg0, self.wg0x).items():
            with self.subTest(name):
                self.send(self.c, self.name, frame, REPEAT)
                self.drained()
                for where, listener in self.listeners.items():
                    self.assertEqual(listener.heard(), [], f"{name} reached {where}")

    def drained(self) -> None:
        """Waits until what was sent has been handled: wg_tx's run count stands still."""
        def stands_still() -> bool:
            before = self.node.runs()["wg_tx"]
            time.sleep(0.02)
            return self.node.runs()["wg_tx"] == before
        wait_until(stands_still, "wg_tx has seen every frame")

    def test_packets_without_a_peer_stay_out_of_the_birth_namespace(self):
        for mode in ("native", "tc"):
            with self.subTest(mode=mode):
                self.prepare(mode)
                self.check_listener_hears()
                before = self.a.counter("IpInReceives"), self.a.counter("IpForwDatagrams")
                self.send_hostile_frames()
                self.assertEqual((self.a.counter("IpInReceives"), self.a.counter("IpForwDatagrams")), before)
                self.assertEqual(self.a.ip("neighbour", "show", "dev", f"{self.name}x").strip(), "")
                self.assertEqual(self.a.ip("address", "show", "dev", f"{self.name}x").count("inet"), 0)
                self.doCleanups()

    def test_packets_that_wait_for_a_handshake_stay_out_of_the_birth_namespace(self):
        self.prepare("auto", ("0.0.0.0/0", "::/0"), endpoint="10.9.0.99:51820")
        self.check_listener_hears()
        self.send_hostile_frames()

    def test_packets_of_a_running_session_stay_out_of_the_birth_namespace(self):
        self.prepare("auto", ("0.0.0.0/0", "::/0"))
        self.check_listener_hears()
        del self.listeners["its neighbour"]  # it is the peer: it may hear what the tunnel brings
        expect_ping(self.c, self.pair.inner[4][1], wait=5)
        self.send_hostile_frames()
        expect_ping(self.c, self.pair.inner[6][1], 5)


if __name__ == "__main__":
    main()
