# SPDX-License-Identifier: MIT
"""A wgxdp node among two honest peers and an attacker, and the proof that what they send does no harm."""

import base64
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from .host import CheckFailed, wait_until
from .nodes import TunnelConfig, generate_key
from .noise_peer import SINK_PORT, NoisePeer, drain
from .pair import OUTER, endpoint
from .topology import Topology
from .traffic import family_of
from .wgxdp import Wgxdp

PORT = 51820
ATTACKER = {4: "10.9.0.66", 6: "fd09::66"}
BATCH = 100  # fewer than a veth's queue holds
NO_MESSAGE = bytes(4)  # of type 0: counted as bad_type by the daemon, after everything that came to its socket before


class HostileCases:
    """Base of cases that are run for each receive mode. Alice and Mallory are peers; both can be made to lie. The
    attacker has no key; Mallory's address is his.

        c: wg0 ┄┄┄ a: wg0x  wgxdp, eth0 ─────────── eth0, alice (.2), mallory and the attacker (.66): b
    """

    mode: str | None = None
    outer = 4

    @classmethod
    def setUpClass(cls):
        cls.topology = cls.enterClassContext(Topology())
        cls.a, cls.b = cls.topology.underlay()
        cls.c = cls.topology.netns("c")  # wg0's: in there IP counts inner packets only
        cls.topology.addresses(cls.b, "eth0", f"{ATTACKER[4]}/24", f"{ATTACKER[6]}/64")
        cls.prepare_underlay()
        cls.node = Wgxdp(cls.topology, cls.a)
        if cls.mode:
            cls.node.attach("eth0", cls.mode)
        cls.gateway = {4: "10.7.0.1", 6: "fd07::1"}
        cls.config = TunnelConfig(cls.topology.unique("a"), generate_key(), PORT,
                                  [f"{cls.gateway[4]}/24", f"{cls.gateway[6]}/64"])
        cls.node.up(cls.config)
        cls.a.ip("link", "set", cls.config.name, "netns", cls.c.name)
        cls.c.ip("link", "set", cls.config.name, "up")
        cls.topology.addresses(cls.c, cls.config.name, *cls.config.addresses)
        cls.address = OUTER[cls.outer][0]
        cls.pid = cls.node.pid

    @classmethod
    def prepare_underlay(cls):
        """What must be so before the node is there."""

    def setUp(self):
        self._markers = 0
        self.alice = self.peer(2, OUTER[self.outer][1], PORT)
        self.mallory = self.peer(3, ATTACKER[self.outer], PORT)
        self.attacker = self.opened(self.b, (ATTACKER[self.outer], 0))
        self.sinks = [self.opened(self.c, (anyone, SINK_PORT)) for anyone in ("0.0.0.0", "::")]

    def tearDown(self):
        self.assertEqual(self.node.pid, self.pid, "the daemon is another one")

    def opened(self, netns, address: tuple[str, int]) -> socket.socket:
        made = netns.socket(family_of(address[0]), socket.SOCK_DGRAM)
        self.addCleanup(made.close)
        if made.family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(address)
        return made

    def peer(self, host: int, outer: str, port: int, tunnel: TunnelConfig | None = None) -> NoisePeer:
        """A new peer of the node, at an address and port of b, with inner addresses of this host number."""
        tunnel = tunnel or self.config
        peer = NoisePeer(self.b, (outer, port), (self.address, tunnel.listen_port), base64.b64decode(tunnel.public_key),
                         {4: f"10.7.0.{host}", 6: f"fd07::{host}"}, self.gateway)
        self.addCleanup(peer.close)
        self.set_peer(peer.public, tunnel, endpoint=endpoint(outer, port),
                      allowed_ips=[f"{peer.inner[4]}/32", f"{peer.inner[6]}/128"])
        return peer

    def remove_peer(self, peer: NoisePeer) -> None:
        self.node.rpc("peer.remove", tunnel=self.config.name, public_key=base64.b64encode(peer.public).decode())

    def set_peer(self, public: bytes, tunnel: TunnelConfig, **fields) -> None:
        """Adds a peer for the time of one test."""
        key = {"tunnel": tunnel.name, "public_key": base64.b64encode(public).decode()}
        self.node.rpc("peer.set", **key, **fields)
        self.addCleanup(self.node.rpc, "peer.remove", **key)

    def connect(self, *peers: NoisePeer) -> None:
        """Sessions that both ends know of."""
        for peer in peers:
            peer.connect()
            peer.ping()
            self.known(peer)

    def known(self, peer: NoisePeer) -> None:
        """Waits until the node's daemon knows of the session that a packet has confirmed to its programs."""
        wait_until(lambda: self.status(peer).latest_handshake >= peer.session.begun, "the handshake is complete")

    def send_all(self, peer: NoisePeer, messages: list[bytes], by: socket.socket | None = None) -> None:
        """Sends any number of messages, none faster than the node handles them."""
        for first in range(0, len(messages), BATCH):
            peer.send(*messages[first:first + BATCH], by=by)
            self.handled()

    # --- what must not change ---

    def status(self, peer: NoisePeer):
        key = base64.b64encode(peer.public).decode()
        return next(status for status in self.node.peers(self.config.name) if status.public_key == key)

    def delivered(self) -> int:
        """Inner packets that have come out of wg0, whatever became of them."""
        return self.c.counter("IpInReceives") + self.c.counter("Ip6InReceives")

    def trace(self, authentic: bool) -> dict:
        """Everything by which a packet could show that it was taken. authentic: it is counted as received."""
        peers = {peer.public_key: (peer.endpoint, peer.latest_handshake, peer.tx_bytes,
                                   None if authentic else peer.rx_bytes)
                 for peer in self.node.peers(self.config.name)}
        return {"peers": peers, "delivered": self.delivered()}

    def drops_since(self, before: dict[str, int]) -> dict[str, int]:
        now = self.node.losses()
        counts = {reason: now[reason] - before.get(reason, 0) for reason in now}
        return {reason: count for reason, count in counts.items() if count}

    def handled(self) -> None:
        """Returns when the daemon has handled all that was sent to it before."""
        before = self.node.drops().get("bad_type", 0)
        self._markers += 1
        self.alice.send(NO_MESSAGE, by=self.attacker)
        wait_until(lambda: self.node.drops().get("bad_type", 0) > before, "the daemon reads its socket")

    @contextmanager
    def harmless(self, *peers: NoisePeer, authentic: bool = False, **drops: int) -> Iterator[None]:
        """What is sent inside is dropped for these reasons, as often as given; it changes nothing, nobody hears of it,
        and these peers (by default Alice) still have their sessions."""
        try:
            self.handled()
            losses, trace, markers = self.node.losses(), self.trace(authentic), self._markers
            yield
            self.handled()
            drops["bad_type"] = drops.get("bad_type", 0) + self._markers - markers
            try:
                wait_until(lambda: self.drops_since(losses) == drops, "drops", 5)
            except CheckFailed:
                self.assertEqual(self.drops_since(losses), drops)
            self.assertEqual(self.trace(authentic), trace)
            self.check_silence()
            for peer in peers or (self.alice,):
                peer.ping()
        except BaseException:
            self.topology.explain()
            raise

    def check_silence(self) -> None:
        for who, hearing in (("the attacker", self.attacker), ("alice", self.alice.socket),
                             ("mallory", self.mallory.socket), *(("the sink", sink) for sink in self.sinks)):
            self.assertEqual(drain(hearing), [], f"heard by {who}")

    def check_delivered(self, *payloads: bytes) -> None:
        """These inner datagrams arrive, in whatever order, and nothing else."""
        heard: list[bytes] = []

        def arrived() -> bool:
            for sink in self.sinks:
                heard.extend(drain(sink))
            return len(heard) >= len(payloads)
        wait_until(arrived, f"{len(payloads)} datagrams are delivered")
        self.assertEqual(sorted(heard), sorted(payloads))


def for_each_mode(cases: type, base: type) -> dict[str, type]:
    """The test classes of these cases: by native XDP, by TC (on an IPv6 underlay), and without a NIC attached."""
    modes = {"Native": ("native", 4), "Tc": ("tc", 6), "SlowPath": (None, 4)}
    return {f"{cases.__name__}{name}": type(f"{cases.__name__}{name}", (cases, base),
                                            {"mode": mode, "outer": outer, "__module__": cases.__module__})
            for name, (mode, outer) in modes.items()}
