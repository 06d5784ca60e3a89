# SPDX-License-Identifier: MIT
"""A node that is not wgxdp: its interfaces are configured by ip(8) and wg(8)."""

from .nodes import PeerStatus, TunnelConfig
from .topology import Netns, Topology


class WgNode:
    """Another implementation, in one namespace. Who inherits says its name and how an interface is made."""

    implementation = ""

    def __init__(self, topology: Topology, netns: Netns):
        self.netns = netns
        self._topology = topology
        self._configs: dict[str, TunnelConfig] = {}
        topology.describe_with(self.describe)

    def make(self, tunnel: str) -> None:
        """Makes the interface, down and without a key."""
        raise NotImplementedError

    def up(self, config: TunnelConfig) -> None:
        self.make(config.name)
        self._configs[config.name] = config
        self.configure(config)
        self._topology.addresses(self.netns, config.name, *config.addresses)
        self.netns.ip("link", "set", config.name, "mtu", str(config.mtu), "up")
        for peer in config.peers:
            for prefix in peer.allowed_ips:
                self.netns.ip("route", "replace", prefix, "dev", config.name)

    def configure(self, config: TunnelConfig) -> None:
        """wg setconf: replaces keys, port and peers of a running interface."""
        path = self._topology.directory / f"{config.name}.setconf"
        path.write_text(config.setconf())
        path.chmod(0o600)
        self.netns.run("wg", "setconf", config.name, str(path))

    def set(self, tunnel: str, *arguments: str) -> None:
        """`wg set TUNNEL ARGUMENTS`."""
        self.netns.run("wg", "set", tunnel, *arguments)

    def peers(self, tunnel: str) -> list[PeerStatus]:
        peers = []
        for line in self.netns.run("wg", "show", tunnel, "dump").stdout.splitlines()[1:]:
            key, psk, endpoint, allowed, handshake, rx, tx, keepalive = line.split("\t")
            peers.append(PeerStatus(
                public_key=key, endpoint=None if endpoint == "(none)" else endpoint,
                allowed_ips=frozenset(allowed.split(",")), latest_handshake=int(handshake), rx_bytes=int(rx),
                tx_bytes=int(tx), persistent_keepalive=0 if keepalive == "off" else int(keepalive),
                has_preshared_key=psk != "(none)"))
        return peers

    def describe(self) -> str:
        parts = [f"--- {self.implementation} in {self.netns.name}"]
        for tunnel in self._configs:
            shown = self.netns.run("wg", "show", tunnel, check=False)
            parts.append(shown.stdout + shown.stderr)
        return "\n".join(parts)
