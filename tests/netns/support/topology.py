# SPDX-License-Identifier: MIT
"""Network namespaces and the veth pairs between them, with everything that was made undone at the end."""

import ctypes
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

from .bpf import RunCounts
from .host import CheckFailed, run, wait_until

T = TypeVar("T")
_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)

# 1500-byte frames as on a real wire: nothing crosses the veth as a super-packet, the receiver's GRO merges.
WIRE = ["tso", "off", "gso", "off", "tx-udp-segmentation", "off", "gro", "on"]


class Netns:
    """A network namespace. Commands enter it with nsenter: `ip netns exec` would hide /sys/fs/bpf."""

    def __init__(self, name: str):
        self.name = name
        self.path = f"/run/netns/{name}"
        run(["ip", "netns", "add", name])
        self.ip("link", "set", "lo", "up")

    def close(self) -> None:
        run(["ip", "netns", "del", self.name])

    def command(self, *arguments: str) -> list[str]:
        """The arguments, prefixed so that they run in here."""
        return ["nsenter", f"--net={self.path}", *arguments]

    def run(self, *arguments: str, **options) -> subprocess.CompletedProcess:
        return run(self.command(*arguments), **options)

    def ip(self, *arguments: str) -> str:
        return self.run("ip", *arguments).stdout

    def call(self, function: Callable[[], T]) -> T:
        """Calls the function on a thread that has entered the namespace."""
        outcome: dict = {}

        def enter_and_call():
            try:
                with open(self.path, "rb") as handle:
                    if _libc.setns(handle.fileno(), _CLONE_NEWNET) != 0:
                        raise OSError(ctypes.get_errno(), f"setns {self.path}")
                outcome["value"] = function()
            except BaseException as error:  # carried to the caller's thread
                outcome["error"] = error

        thread = threading.Thread(target=enter_and_call)
        thread.start()
        thread.join()
        if "error" in outcome:
            raise outcome["error"]
        return outcome["value"]

    def socket(self, family: int, kind: int, protocol: int = 0) -> socket.socket:
        """A socket of this namespace; it stays one whoever uses it."""
        return self.call(lambda: socket.socket(family, kind, protocol))

    def ifindex(self, device: str) -> int:
        return self.call(lambda: socket.if_nametoindex(device))

    def has_device(self, device: str) -> bool:
        return self.run("ip", "link", "show", device, check=False).returncode == 0

    def sysctl(self, name: str, value: int) -> None:
        """A net.* setting of this namespace."""
        path = Path("/proc/sys") / name.replace(".", "/")
        self.call(lambda: path.write_text(f"{value}\n", encoding="ascii"))

    def counter(self, name: str) -> int:
        """One of the IP stack's counters, as nstat(8) calls them."""
        return json.loads(self.run("nstat", "-asz", "--json", name).stdout)["kernel"][name]

    def mac(self, device: str) -> bytes:
        words = self.ip("-o", "link", "show", device).split()
        return bytes.fromhex(words[words.index("link/ether") + 1].replace(":", ""))

    def feature(self, device: str, name: str) -> bool:
        """Whether an offload of the device is on, by its long name (ethtool -k)."""
        for line in self.run("ethtool", "-k", device).stdout.splitlines():
            if line.startswith(f"{name}:"):
                return line.split()[1] == "on"
        raise CheckFailed(f"{device} has no feature {name}")


class Topology(ExitStack):
    """Everything one scenario made. Leaving it closes nodes, processes and namespaces in reverse order, and fails
    when one of them left something behind."""

    _numbers = itertools.count()

    def __init__(self, label: str | None = None, offloads: str = "wire", count_runs: bool = True):
        """count_runs: programs' runs are counted meanwhile (bpf.RunCounts), which costs time in each of them."""
        super().__init__()
        self._tag = f"{os.getpid():x}n{next(self._numbers):x}"
        self.label = label or f"wgt{self._tag}"
        self.offloads = offloads
        self._describers: list[Callable[[], str]] = []
        self.directory = Path(tempfile.mkdtemp(prefix="wgxdp-"))
        self.callback(shutil.rmtree, self.directory)
        if count_runs:
            self.callback(RunCounts().close)

    def __exit__(self, kind, error, trace):
        if error is not None and not isinstance(error, (KeyboardInterrupt, SystemExit)):
            self.explain()
        return super().__exit__(kind, error, trace)

    def explain(self) -> None:
        """Says on stderr what every node looks like: what a failed test wants to know."""
        for describe in self._describers:
            try:
                print(describe(), file=sys.stderr)
            except Exception as failure:  # a broken node must not hide the error that matters
                print(f"cannot be described: {failure}", file=sys.stderr)

    def describe_with(self, describe: Callable[[], str]) -> None:
        self._describers.append(describe)

    def unique(self, name: str) -> str:
        """An interface name that no other scenario on this machine has: wg(8)'s sockets share one directory."""
        return f"t{self._tag}{name}"

    def netns(self, name: str) -> Netns:
        made = Netns(f"{self.label}-{name}")
        self.callback(made.close)
        return made

    def link(self, left: Netns, left_device: str, right: Netns, right_device: str, mtu: int = 1500) -> None:
        """A veth pair between two namespaces, up, with this topology's offloads."""
        # in there: before 6.8 a device of this name where the request is made would be in the way
        left.ip("link", "add", left_device, "mtu", str(mtu), "type", "veth",
                "peer", "name", right_device, "mtu", str(mtu), "netns", right.name)
        for netns, device, link_local in ((left, left_device, "fe80::1/64"), (right, right_device, "fe80::2/64")):
            netns.ip("link", "set", device, "addrgenmode", "none")
            self.addresses(netns, device, link_local)  # without waiting for duplicate address detection
            if self.offloads == "wire":
                netns.run("ethtool", "-K", device, *WIRE)
            netns.ip("link", "set", device, "up")

    def addresses(self, netns: Netns, device: str, *addresses: str) -> None:
        for address in addresses:
            netns.ip("address", "add", address, "dev", device, *(["nodad"] if ":" in address else []))

    def underlay(self, mtu: int = 1500) -> tuple[Netns, Netns]:
        """Namespaces a and b, eth0 to eth0: 10.9.0.1 and .2, fd09::1 and ::2."""
        left, right = self.netns("a"), self.netns("b")
        self.link(left, "eth0", right, "eth0", mtu)
        for number, netns in ((1, left), (2, right)):
            self.addresses(netns, "eth0", f"10.9.0.{number}/24", f"fd09::{number}/64")
        return left, right

    def process(self, netns: Netns, *arguments: str, **options) -> subprocess.Popen:
        """A process in a namespace, ended with the topology."""
        options = {"stdin": subprocess.DEVNULL, "start_new_session": True, "text": True} | options
        process = subprocess.Popen(netns.command(*arguments), **options)
        self.callback(end_process, process)
        return process


def end_process(process: subprocess.Popen) -> None:
    """Ends a child, politely first."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()
    for pipe in (process.stdout, process.stderr):
        if pipe:
            pipe.close()


def kill_and_wait(pid: int, number: int = signal.SIGKILL) -> None:
    """Ends a process that is not our child."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
    wait_until(lambda: not process_runs(pid), f"process {pid} ends")


def process_runs(pid: int) -> bool:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return False
    state, threads = fields[0], int(fields[17])
    return state != "Z" or threads > 1  # which still have its sockets open, though the first is dead
