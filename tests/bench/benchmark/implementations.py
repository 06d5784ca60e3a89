# SPDX-License-Identifier: MIT
"""Who is compared. Another implementation, or another way to start one, is a line of the table at the end."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from support import Boringtun, Netns, Topology, Wgxdp, WireguardGo
from support.host import boringtun, wireguard_go
from support.memory import map_bytes, resident_bytes
from support.userspace import UserspaceNode

REFERENCE = "wireguard-go"  # ratios are to this one
PEERS = ("wireguard-go", "boringtun")  # and to the best of these


@dataclass(frozen=True)
class Implementation:
    """node: one end in a namespace; None where there is no tunnel. scale: handshakes and growth are measured, too; not
    again for another way to run the same."""

    name: str
    node: Callable[[Topology, Netns], UserspaceNode | Wgxdp] | None
    scale: bool = True
    missing: Callable[[], str | None] = lambda: None


def attached_by_tc(topology: Topology, netns: Netns) -> Wgxdp:
    node = Wgxdp(topology, netns)
    node.attach("eth0", "tc")
    return node


def without_prefetch(topology: Topology, netns: Netns) -> Wgxdp:
    node = Wgxdp(topology, netns, attach=True)
    node.start("--no-prefetch")
    return node


def memory(node: UserspaceNode | Wgxdp, tunnel: str) -> int:
    """Bytes that one end takes: its process, and its maps in the kernel."""
    if isinstance(node, Wgxdp):
        return resident_bytes(node.pid) + map_bytes(Path(node.status()["pins"]))
    return resident_bytes(node.pid(tunnel))


IMPLEMENTATIONS = (
    Implementation("veth", None, scale=False),
    Implementation("wireguard-go", WireguardGo,
                   missing=lambda: None if wireguard_go() else "wireguard-go is missing: run tools/setup"),
    Implementation("boringtun", Boringtun,
                   missing=lambda: None if boringtun() else "boringtun is missing: tools/setup says why"),
    Implementation("wgxdp", lambda topology, netns: Wgxdp(topology, netns, attach=True)),
    Implementation("wgxdp-inline", without_prefetch, scale=False),
    Implementation("wgxdp-tc", attached_by_tc, scale=False),
)
