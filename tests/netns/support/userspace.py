# SPDX-License-Identifier: MIT
"""A node that runs WireGuard in user space: one process an interface, configured by wg(8)."""

import signal
import socket
import subprocess
from pathlib import Path

from .host import wait_until
from .nodes import PeerStatus, TunnelConfig
from .topology import Netns, Topology, end_process


def socket_of(tunnel: str) -> Path:
    """Where wg(8) asks the tunnel's process."""
    return Path(f"/var/run/wireguard/{tunnel}.sock")


def is_served(tunnel: str) -> bool:
    """Whether somebody listens on the tunnel's socket: one that is only bound yet would be removed by wg(8)."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(str(socket_of(tunnel))) == 0


class UserspaceNode:
    """Another implementation, in one namespace. Who inherits says its name and how it is started."""

    implementation = ""

    def __init__(self, topology: Topology, netns: Netns):
        self.netns = netns
        self._topology = topology
        self._configs: dict[str, TunnelConfig] = {}
        self._processes: dict[str, subprocess.Popen] = {}
        topology.describe_with(self.describe)

    def command(self, tunnel: str) -> list[str]:
        """What makes the interface and serves it until it is ended."""
        raise NotImplementedError

    def up(self, config: TunnelConfig) -> None:
        self._topology.callback(socket_of(config.name).unlink, missing_ok=True)  # one that does not end properly
        with open(self._topology.directory / f"{config.name}.log", "a", encoding="utf-8") as log:
            self._processes[config.name] = self._topology.process(
                self.netns, *self.command(config.name), stdout=log, stderr=subprocess.STDOUT)
        self._configs[config.name] = config
        wait_until(lambda: is_served(config.name), f"{self.implementation} serves {config.name}")
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

    def pid(self, tunnel: str) -> int:
        """Of the process that serves the interface."""
        return self._processes[tunnel].pid

    def down(self, tunnel: str) -> None:
        """Ends the process; the interface goes with it."""
        end_process(self._processes.pop(tunnel))
        wait_until(lambda: not self.netns.has_device(tunnel), f"{tunnel} is gone")

    def kill(self, tunnel: str) -> None:
        """Ends the process without a warning: its peers hear nothing."""
        process = self._processes.pop(tunnel)
        process.send_signal(signal.SIGKILL)
        process.wait()
        wait_until(lambda: not self.netns.has_device(tunnel), f"{tunnel} is gone")
        socket_of(tunnel).unlink(missing_ok=True)

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
        for tunnel in self._processes:
            shown = self.netns.run("wg", "show", tunnel, check=False)
            parts.append(shown.stdout + shown.stderr)
            parts.append((self._topology.directory / f"{tunnel}.log").read_text())
        return "\n".join(parts)
