# SPDX-License-Identifier: MIT
"""What a packet costs in a tunnel with many allowed IPs, or many peers. Both ends have them all; one flow is measured."""

import base64
import os
import random
import time
from collections.abc import Iterator
from ipaddress import ip_address

from support import PeerConfig, Topology, TunnelConfig, Wgxdp, expect_ping
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


def ends(scene: Scene) -> list[tuple[UserspaceNode | Wgxdp, TunnelConfig]]:
    return list(zip((scene.pair.left, scene.pair.right), scene.pair.configs, strict=True))


def addresses(count: int) -> list[str]:
    """Single addresses all over the /10, the same in every run."""
    return [f"{ip_address(FIRST + host)}/32" for host in random.Random(count).sample(range(HOSTS), count)]


def give_allowed_ips(scene: Scene, size: int) -> float:
    """The one peer of both ends gets this many (and its IPv6 one), all at once. It is removed and added again: boringtun
    changes no peer that it has."""
    for node, config in ends(scene):
        node.netns.run("wg", "set", config.name, "peer", config.peers[0].public_key, "remove")
    for node, config in ends(scene):
        peer = config.peers[0]
        taken = add_configuration(scene, node, config.name, [
            PeerConfig(peer.public_key, peer.allowed_ips + addresses(size - 1), peer.endpoint)])
    expect_ping(scene.a, scene.address, wait=5)
    return taken


def give_peers(scene: Scene, size: int) -> float:
    """Idle peers beside the one, at both ends."""
    for node, config in ends(scene):
        taken = add_configuration(scene, node, config.name, [
            PeerConfig(base64.b64encode(os.urandom(32)).decode(), [address]) for address in addresses(size - 1)])
    return taken


GIVE = {"allowed_ips": give_allowed_ips, "peers": give_peers}


def growth(scene: Scene, kind: str, sizes: tuple[int, ...], seconds: int) -> Iterator[dict[str, float]]:
    """The figures of each size in turn."""
    for size in sizes:
        if size > 1:
            yield {f"{kind}_{size}_seconds": GIVE[kind](scene, size)}
        yield {f"{kind}_{size}_cost": tcp(scene, 1, seconds).cpu_per_packet_us,
               f"{kind}_{size}_memory": scene.memory_mb()}
