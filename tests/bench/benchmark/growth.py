# SPDX-License-Identifier: MIT
"""What a packet costs in a tunnel with many allowed IPs, or many peers. Both ends have them all. Packets go to every
allowed IP in turn, at random: a stream to one address would find all it needs in the nearest cache."""

import base64
import json
import os
import random
import time
from collections.abc import Iterator
from ipaddress import ip_network

from support import CheckFailed, PeerConfig, Topology, TunnelConfig, Wgxdp, expect_ping
from support.host import BUILD
from support.userspace import UserspaceNode

from .machine import Busy
from .scene import Scene

PREFIX = ip_network("100.64.0.0/10")  # no scene uses it
CONFIGURE_TIMEOUT = 180
SPRAY_PORT = 7008
MOST_LOST = 0.05


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
    """Single addresses all over the prefix, the same in every run."""
    return [str(PREFIX[host]) for host in random.Random(count).sample(range(PREFIX.num_addresses), count)]


def give_allowed_ips(scene: Scene, size: int) -> float:
    """The one peer of both ends gets this many (and its IPv6 one), all at once. It is removed and added again: boringtun
    changes no peer that it has."""
    for node, config in ends(scene):
        node.netns.run("wg", "set", config.name, "peer", config.peers[0].public_key, "remove")
    for node, config in ends(scene):
        peer = config.peers[0]
        taken = add_configuration(scene, node, config.name, [
            PeerConfig(peer.public_key, [*peer.allowed_ips, *addresses(size - 1)], peer.endpoint)])
    expect_ping(scene.a, scene.address, wait=5)
    return taken


def give_peers(scene: Scene, size: int) -> float:
    """Idle peers beside the one, at both ends."""
    for node, config in ends(scene):
        taken = add_configuration(scene, node, config.name, [
            PeerConfig(base64.b64encode(os.urandom(32)).decode(), [address]) for address in addresses(size - 1)])
    return taken


GIVE = {"allowed_ips": give_allowed_ips, "peers": give_peers}


def route_prefix(scene: Scene) -> None:
    """What is sent to an address of the prefix goes into the tunnel, and ends in b."""
    scene.a.ip("route", "add", str(PREFIX), "via", scene.address, "dev", scene.pair.names[0])
    scene.b.ip("route", "add", "local", str(PREFIX), "dev", "lo")


def spray(scene: Scene, destinations: list[str], seconds: int) -> float:
    """Machine CPU a small packet, in µs."""
    with Busy() as busy:
        shown = scene.a.run(str(BUILD / "tests/packet_spray"), scene.b.path, str(SPRAY_PORT), str(seconds),
                            stdin="\n".join(destinations))
    report = json.loads(shown.stdout)
    if report["lost"] > MOST_LOST * report["received"]:
        raise CheckFailed(f"packets to {len(destinations)} addresses are lost: {report}")
    return busy.seconds / report["received"] * 1e6


def growth(scene: Scene, kind: str, sizes: tuple[int, ...], seconds: int) -> Iterator[dict[str, float]]:
    """The figures of each size in turn."""
    route_prefix(scene)
    for size in sizes:
        destinations = [scene.address]
        if size > 1:
            yield {f"{kind}_{size}_seconds": GIVE[kind](scene, size)}
            destinations += addresses(size - 1) if kind == "allowed_ips" else []
        yield {f"{kind}_{size}_cost": spray(scene, destinations, seconds),
               f"{kind}_{size}_memory": scene.memory_mb()}
