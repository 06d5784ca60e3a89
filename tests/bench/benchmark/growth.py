# SPDX-License-Identifier: MIT
"""What a packet costs in a tunnel with many allowed IPs, or many peers. Both ends have them all; one flow is measured."""

import base64
import os
import random
import time
from collections.abc import Iterator
from ipaddress import ip_address

from support import PeerConfig, Topology, Wgxdp
from support.userspace import UserspaceNode

from .scene import Scene
from .traffic import tcp

FIRST = int(ip_address("100.64.0.0"))  # a /10 that no scene uses
HOSTS = 1 << 22
CONFIGURE_TIMEOUT = 180


def add_configuration(topology: Topology, node: UserspaceNode | Wgxdp, tunnel: str, peers: list[PeerConfig]) -> float:
    """`wg addconf`: the seconds that it took."""
    path = topology.directory / f"{tunnel}.addconf"
    path.write_text("\n".join(line for peer in peers for line in peer.lines()) + "\n", encoding="ascii")
    began = time.monotonic()
    node.netns.run("wg", "addconf", tunnel, str(path), timeout=CONFIGURE_TIMEOUT)
    return time.monotonic() - began


def addresses(count: int) -> list[str]:
    """Single addresses all over the /10, the same in every run."""
    return [f"{ip_address(FIRST + host)}/32" for host in random.Random(count).sample(range(HOSTS), count)]


def with_allowed_ips(peer: PeerConfig, size: int) -> list[PeerConfig]:
    """The one peer, with this many allowed IPs (and its IPv6 one)."""
    return [PeerConfig(peer.public_key, peer.allowed_ips + addresses(size - 1), peer.endpoint)]


def with_peers(_: PeerConfig, size: int) -> list[PeerConfig]:
    """Idle peers beside the one."""
    return [PeerConfig(base64.b64encode(os.urandom(32)).decode(), [address]) for address in addresses(size - 1)]


KINDS = {"allowed_ips": with_allowed_ips, "peers": with_peers}


def growth(scene: Scene, kind: str, sizes: tuple[int, ...], seconds: int) -> Iterator[dict[str, float]]:
    """The figures of each size in turn, both ends configured alike."""
    for size in sizes:
        if size > 1:
            for node, config in zip((scene.pair.left, scene.pair.right), scene.pair.configs, strict=True):
                taken = add_configuration(scene, node, config.name, KINDS[kind](config.peers[0], size))
            yield {f"{kind}_{size}_seconds": taken}
        yield {f"{kind}_{size}_cost": tcp(scene, 1, seconds).cpu_per_packet_us,
               f"{kind}_{size}_memory": scene.memory_mb()}
