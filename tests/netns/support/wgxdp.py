# SPDX-License-Identifier: MIT
"""A node that runs wgxdp: one instance of the daemon in one namespace, asked by command line and JSON socket."""

import json
import shutil
import socket
import subprocess
from pathlib import Path

from .host import CheckFailed, ProcessFailed, executable, run, wait_until
from .nodes import PeerStatus, TunnelConfig
from .topology import Netns, Topology, kill_and_wait, process_runs

# The programs by which the slow path takes and accepts counters: their runs are its packets. (Names of programs
# are cut to 15 letters.)
SLOW_PATH_PROGRAMS = ("wg_take_counter", "wg_accept_count")


class RpcError(Exception):
    """The daemon refused a request."""

    def __init__(self, error: dict):
        super().__init__(f"{error['code']}: {error['message']}")
        self.code: int = error["code"]
        self.message: str = error["message"]


class Wgxdp:
    """A daemon instance and what was done with it."""

    def __init__(self, topology: Topology, netns: Netns, instance: str | None = None, attach: bool = False):
        """attach: let tunnels attach the NICs they use; most scenarios want to say themselves which path is taken."""
        self.netns = netns
        self.instance = instance or f"{topology.label}-{netns.name.rsplit('-', 1)[-1]}"
        self.socket_path = f"/run/wgxdp/{self.instance}.sock"
        self._directory = topology.directory / self.instance
        self._directory.mkdir(mode=0o700)
        self._attach = attach
        self._tunnels: list[str] = []
        self._nics: list[str] = []
        self._pid: int | None = None
        self._pins: Path | None = None
        topology.callback(self.close)
        topology.describe_with(self.describe)

    # --- requests ---

    def cli(self, *arguments: str, check: bool = True, stdin: str | None = None) -> subprocess.CompletedProcess:
        """`wgxdp --instance THIS ARGUMENTS` in the node's namespace."""
        result = self.netns.run(executable("wgxdp"), "--instance", self.instance, *arguments, check=check, stdin=stdin)
        if Path(self.socket_path).exists():
            self._remember()
        return result

    def raw(self, line: bytes) -> bytes:
        """One line to the JSON socket; what comes back until its newline, or b"" if the daemon closes."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(60)  # as a command has
            connection.connect(self.socket_path)
            connection.sendall(line + b"\n")
            answer = b""
            while not answer.endswith(b"\n"):
                part = connection.recv(1 << 16)
                if not part:
                    break
                answer += part
            return answer

    def answer(self, line: bytes):
        """What a line is answered with."""
        return json.loads(self.raw(line))

    def rpc(self, method: str, **params):
        """A JSON-RPC request; its result, or RpcError."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = self.answer(json.dumps(request).encode())
        if "error" in answer:
            raise RpcError(answer["error"])
        return answer["result"]

    def attach(self, device: str, mode: str = "auto") -> None:
        self.cli("attach", device, "--mode", mode)
        self._nics.append(device)

    def detach(self, device: str) -> None:
        self.cli("detach", device)
        self._nics.remove(device)

    def config_file(self, config: TunnelConfig) -> str:
        """The configuration as a file that names the interface."""
        path = self._directory / f"{config.name}.conf"
        path.write_text(config.text())
        path.chmod(0o600)
        return str(path)

    def up(self, config: TunnelConfig) -> None:
        path = Path(self.config_file(config))
        if not self._attach:
            path.write_text(config.text().replace("[Interface]", "[Interface]\nAttach = no", 1))
        self.cli("up", str(path))
        self._tunnels.append(config.name)

    def make_bare(self, tunnel: str) -> None:
        """What `wireguard-go TUNNEL` does."""
        self.cli(tunnel)
        self._tunnels.append(tunnel)

    def down(self, tunnel: str) -> None:
        self.cli("down", tunnel)
        self._tunnels.remove(tunnel)

    # --- answers ---

    def tunnel(self, name: str, **params) -> dict:
        found = self.rpc("tunnel.list", name=name, **params)
        if len(found) != 1:
            raise CheckFailed(f"tunnel.list name={name}: {len(found)} tunnels")
        return found[0]

    def peers(self, tunnel: str) -> list[PeerStatus]:
        fields = PeerStatus.__dataclass_fields__
        status = []
        for peer in self.rpc("peer.list", tunnel=tunnel):
            known = {name: value for name, value in peer.items() if name in fields}
            known["allowed_ips"] = frozenset(known["allowed_ips"])
            known["endpoint"] = known.get("endpoint") or None
            status.append(PeerStatus(**known))
        return status

    def nics(self) -> dict[str, dict]:
        return {nic["name"]: nic for nic in self.rpc("nic.list")}

    def status(self) -> dict:
        return self.rpc("status")

    def runs(self) -> dict[str, int]:
        """How often each program has run while somebody counted (bpf.RunCounts)."""
        return {program["name"]: program["runs"] for program in self.status()["programs"]}

    def drops(self) -> dict[str, int]:
        """Dropped packets by reason, those of the programs and of the daemon."""
        status = self.status()
        counts = {reason: drops["total"] for reason, drops in status["drops"].items()}
        for reason, number in status["daemon_drops"].items():
            counts[reason] = counts.get(reason, 0) + number
        return {reason: number for reason, number in counts.items() if number}

    def losses(self) -> dict[str, int]:
        """Drops that a scenario with nothing but good traffic must not have. The interface's own multicast (MLD) has
        no peer to go to."""
        return {reason: number for reason, number in self.drops().items() if reason != "no_peer"}

    def remembered(self) -> str:
        """What the next daemon will find written down of peers."""
        path = Path(f"/run/wgxdp/{self.instance}.peers")
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def link_pins(self) -> dict[str, int]:
        """The pinned links of NICs with native XDP: another inode is another attachment."""
        return {pin.name: pin.stat().st_ino for pin in self._pins.glob("nic_*")}

    # --- the daemon's own life ---

    @property
    def pid(self) -> int:
        return self.status()["pid"]

    def kill(self) -> None:
        """Kills the daemon without a warning; its tunnels and NICs stay."""
        kill_and_wait(self.pid)

    def start(self, *options: str) -> None:
        """Starts a daemon as the command line does, with more options; it adopts what an earlier one left."""
        self.netns.run(executable("wgxdpd"), "--instance", self.instance, "--until-idle", *options)
        self._remember()

    def _remember(self) -> None:
        try:
            status = self.status()
        except (OSError, ValueError):
            return  # it was just ending, or never answered: close() says so
        self._pid, self._pins = status["pid"], Path(status["pins"])

    def describe(self) -> str:
        """Everything about the node, for a failed test."""
        parts = [f"--- wgxdp {self.instance} in {self.netns.name}"]
        for command in (["show"], ["drops"]):
            result = self.cli(*command, check=False)
            parts.append(f"$ wgxdp {' '.join(command)}\n{result.stdout}{result.stderr}")
        parts.append(json.dumps({"status": self.status(), "nics": self.nics()}, indent=1))
        return "\n".join(parts)

    def leftovers(self) -> list[str]:
        """What is still there of this instance."""
        places = [Path("/sys/fs/bpf/wgxdp") / self.instance, Path(self.socket_path)]
        places += [self._pins] if self._pins else []
        places += sorted(Path("/run/wgxdp").glob(f"{self.instance}.*"))
        found = {str(place): None for place in places if place.exists()}
        if self._pid and process_runs(self._pid):
            found[f"process {self._pid}"] = None
        return list(found)

    def close(self, deadline: float = 15) -> None:
        """Takes everything down as a user would, and fails when something is left; then it is swept away."""
        try:
            if Path(self.socket_path).exists():
                self._remember()
                there = {tunnel["name"] for tunnel in self.rpc("tunnel.list")}
                for tunnel in list(self._tunnels):
                    if tunnel in there:  # one whose interface was deleted with its namespace is gone already
                        self._down_or_gone(tunnel)
                for device in list(self._nics):
                    self.detach(device)
            wait_until(lambda: not self.leftovers(), f"nothing is left of instance {self.instance}", deadline)
        except Exception as error:
            error.add_note(f"left behind: {', '.join(self.leftovers()) or 'nothing'}")
            self._sweep()
            raise

    def _down_or_gone(self, tunnel: str) -> None:
        """The daemon may notice this moment that its interface was deleted."""
        try:
            self.down(tunnel)
        except ProcessFailed as failure:
            if "there is no tunnel" not in str(failure):
                raise

    def _sweep(self) -> None:
        if self._pid:
            kill_and_wait(self._pid)
        if self._pins and self._pins.exists():
            shutil.rmtree(self._pins, ignore_errors=True)
        for place in Path("/run/wgxdp").glob(f"{self.instance}.*"):
            if place.is_dir():
                run(["umount", str(place)], check=False)
                place.rmdir()
            else:
                place.unlink(missing_ok=True)
