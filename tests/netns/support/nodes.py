# SPDX-License-Identifier: MIT
"""What the two kinds of nodes have in common: a tunnel's configuration, keys, and what a node says of its peers."""

from dataclasses import dataclass, field
from typing import Protocol

from .host import CheckFailed, run
from .topology import Netns


def generate_key() -> str:
    return run(["wg", "genkey"]).stdout.strip()


def preshared_key() -> str:
    return run(["wg", "genpsk"]).stdout.strip()


def public_key(private: str) -> str:
    return run(["wg", "pubkey"], stdin=private + "\n").stdout.strip()


@dataclass
class PeerConfig:
    """A [Peer] section."""

    public_key: str
    allowed_ips: list[str]
    endpoint: str | None = None
    preshared_key: str | None = None
    persistent_keepalive: int | None = None
    more: dict[str, str] = field(default_factory=dict)  # keys that wg(8) does not know

    def lines(self) -> list[str]:
        fields = {"PublicKey": self.public_key, "PresharedKey": self.preshared_key,
                  "AllowedIPs": ", ".join(self.allowed_ips) or None, "Endpoint": self.endpoint,
                  "PersistentKeepalive": self.persistent_keepalive, **self.more}
        return ["[Peer]"] + [f"{name} = {value}" for name, value in fields.items() if value is not None]


@dataclass
class TunnelConfig:
    """A configuration file; `text` is wg-quick's format, `setconf` the part of it that wg(8) knows."""

    name: str
    private_key: str
    listen_port: int
    addresses: list[str]
    peers: list[PeerConfig] = field(default_factory=list)
    mtu: int = 1420
    fwmark: int = 0
    table: str | None = None

    @property
    def public_key(self) -> str:
        return public_key(self.private_key)

    def setconf(self) -> str:
        return self._render([])

    def text(self) -> str:
        return self._render([*(f"Address = {address}" for address in self.addresses), f"MTU = {self.mtu}",
                             *([f"Table = {self.table}"] if self.table else [])])

    def _render(self, more: list[str]) -> str:
        lines = ["[Interface]", f"PrivateKey = {self.private_key}", f"ListenPort = {self.listen_port}", *more]
        lines += [f"FwMark = {self.fwmark:#x}"] if self.fwmark else []
        for peer in self.peers:
            lines += ["", *peer.lines()]
        return "\n".join(lines) + "\n"


@dataclass
class PeerStatus:
    """What a node says of one peer."""

    public_key: str
    endpoint: str | None
    allowed_ips: frozenset[str]
    latest_handshake: int
    rx_bytes: int
    tx_bytes: int
    persistent_keepalive: int
    has_preshared_key: bool
    path: str = ""


class Node(Protocol):
    """One end of a tunnel, whatever runs it."""

    netns: Netns

    def up(self, config: TunnelConfig) -> None:
        """Makes the interface of this configuration."""

    def peers(self, tunnel: str) -> list[PeerStatus]:
        """What the node says of the tunnel's peers."""


def only_peer(node: Node, tunnel: str) -> PeerStatus:
    """The one peer of a tunnel that has one."""
    peers = node.peers(tunnel)
    if len(peers) != 1:
        raise CheckFailed(f"{tunnel} has {len(peers)} peers, expected 1")
    return peers[0]
