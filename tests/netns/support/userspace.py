# SPDX-License-Identifier: MIT
"""A node that runs WireGuard in user space: one process an interface, configured by wg(8)."""

import signal
import socket
import subprocess
from pathlib import Path

from .host import wait_until
from .nodes import TunnelConfig
from .topology import Netns, Topology, end_process
from .wg_node import WgNode


def socket_of(tunnel: str) -> Path:
    """Where wg(8) asks the tunnel's process."""
    return Path(f"/var/run/wireguard/{tunnel}.sock")


def is_served(tunnel: str) -> bool:
    """Whether somebody listens on the tunnel's socket: one that is only bound yet would be removed by wg(8)."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(str(socket_of(tunnel))) == 0


class UserspaceNode(WgNode):
    """Another implementation, in one namespace. Who inherits says its name and how it is started."""

    def __init__(self, topology: Topology, netns: Netns):
        super().__init__(topology, netns)
        self._processes: dict[str, subprocess.Popen] = {}

    def command(self, tunnel: str) -> list[str]:
        """What makes the interface and serves it until it is ended."""
        raise NotImplementedError

    def make(self, tunnel: str) -> None:
        self._topology.callback(socket_of(tunnel).unlink, missing_ok=True)  # one that does not end properly
        with open(self._log(tunnel), "a", encoding="utf-8") as log:
            self._processes[tunnel] = self._topology.process(
                self.netns, *self.command(tunnel), stdout=log, stderr=subprocess.STDOUT)
        wait_until(lambda: is_served(tunnel), f"{self.implementation} serves {tunnel}")

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

    def describe(self) -> str:
        return "\n".join([super().describe(), *(self._log(tunnel).read_text() for tunnel in self._processes)])

    def _log(self, tunnel: str) -> Path:
        return self._topology.directory / f"{tunnel}.log"
