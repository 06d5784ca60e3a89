# SPDX-License-Identifier: MIT
"""Two ends of a tunnel over one underlay, and what must be true of any such pair."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address

from .host import CheckFailed
from .nodes import Node, PeerConfig, PeerStatus, TunnelConfig, generate_key, only_peer, preshared_key
from .topology import Topology
from .traffic import SLOWNESS, expect_ping, tcp_transfer, udp_echo
from .wgxdp import SLOW_PATH_PROGRAMS, Wgxdp

OUTER = {4: ("10.9.0.1", "10.9.0.2"), 6: ("fd09::1", "fd09::2")}
MIB = 1 << 20
# Handshakes' first packets and keepalives are the daemon's; anything beyond means that traffic took the slow path.
SLOW_PACKETS_ALLOWED = 20


def endpoint(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


class Pair:
    """A tunnel between two nodes. `number` tells several pairs in the same namespaces apart."""

    def __init__(self, topology: Topology, left: Node, right: Node, *, outer: int = 4, psk: bool = False,
                 initiator: str = "left", number: int = 0, outer_addresses: tuple[str, str] | None = None,
                 names: tuple[str, str] | None = None):
        """initiator: left, right or both; who is not one does not know the other's endpoint beforehand."""
        self.left, self.right, self.initiator = left, right, initiator
        self.inner = {4: tuple(f"10.7.{number}.{host}" for host in (1, 2)),
                      6: tuple(str(ip_address(f"fd07:{number}::{host}")) for host in (1, 2))}
        self.port = 51820 + number
        self.outer = outer_addresses or OUTER[outer]
        keys = generate_key(), generate_key()
        shared = preshared_key() if psk else None
        names = names or (topology.unique(f"a{number}"), topology.unique(f"b{number}"))
        self.configs = tuple(
            TunnelConfig(names[side], keys[side], self.port,
                         [f"{self.inner[4][side]}/24", f"{self.inner[6][side]}/64"])
            for side in (0, 1))
        for side, other in ((0, 1), (1, 0)):
            knows = initiator in ("both", ("left", "right")[side])
            self.configs[side].peers.append(PeerConfig(
                self.configs[other].public_key, [f"{self.inner[4][other]}/32", f"{self.inner[6][other]}/128"],
                endpoint(self.outer[other], self.port) if knows else None, shared))

    @property
    def names(self) -> tuple[str, str]:
        return self.configs[0].name, self.configs[1].name

    def up(self) -> None:
        """Makes both interfaces, the responder's first."""
        sides = [(self.right, self.configs[1]), (self.left, self.configs[0])]
        for node, config in reversed(sides) if self.initiator == "right" else sides:
            node.up(config)

    def peer_of_left(self) -> PeerStatus:
        """What the left node says of the right one."""
        return only_peer(self.left, self.names[0])

    def peer_of_right(self) -> PeerStatus:
        return only_peer(self.right, self.names[1])

    def first_ping(self) -> None:
        """One echo from the initiator right away: it waits for the handshake and is not lost. Then the way back."""
        sides = [(self.left, 1), (self.right, 0)]
        for family in (4, 6):
            for node, other in reversed(sides) if self.initiator == "right" else sides:
                expect_ping(node.netns, self.inner[family][other], count=1, wait=5)

    def transfer(self, family: int, size: int) -> None:
        """Random bytes by TCP from left to right, then back."""
        block = os.urandom(size)
        left, right = self.inner[family]
        tcp_transfer(self.left.netns, self.right.netns, right, block)
        tcp_transfer(self.right.netns, self.left.netns, left, block)


def check_traffic(pair: Pair, size: int = 50 * MIB) -> None:
    """Both inner families: TCP with a digest both ways, UDP of every length there and back."""
    for family in (4, 6):
        pair.transfer(family, size)
        udp_echo(pair.left.netns, pair.right.netns, pair.inner[family][1])


@contextmanager
def check_fast_path(*nodes: Wgxdp, size: int, nic: str = "eth0") -> Iterator[dict[str, dict[str, int]]]:
    """Around traffic of at least `size` bytes each way: the programs must have carried it, and dropped nothing. Fills
    in how often each node's programs ran, by instance."""
    before = [node.runs() for node in nodes]
    report: dict[str, dict[str, int]] = {}
    yield report
    packets = size // SLOWNESS // 1420
    for node, earlier in zip(nodes, before, strict=True):
        ran = {name: runs - earlier.get(name, 0) for name, runs in node.runs().items()}
        report[node.instance] = ran
        native = node.nics()[nic]["mode"] == "native"
        for program in ("wg_tx", "wg_rx_xdp" if native else "wg_rx_tc"):
            if ran[program] < packets:
                raise CheckFailed(f"{node.instance}: {program} ran {ran[program]} times for {packets} packets: {ran}")
        slow = sum(runs for name, runs in ran.items() if name.startswith(SLOW_PATH_PROGRAMS))
        if slow > SLOW_PACKETS_ALLOWED:
            raise CheckFailed(f"{node.instance}: {slow} packets took the slow path: {ran}")
        if node.losses():
            raise CheckFailed(f"{node.instance} dropped packets: {node.losses()}")
