# SPDX-License-Identifier: MIT
"""Handshakes a second that one responder answers, and what those of strangers cost the traffic of a peer.

    a: handshake_rate, handshake_flood, eth0 ─────────── eth0, responder: b
"""

import json
import subprocess
import time

from support import CheckFailed, PeerConfig, Topology, TunnelConfig, generate_key
from support.host import BUILD
from support.pair import OUTER

from . import traffic
from .growth import add_configuration
from .implementations import Implementation
from .machine import Busy
from .scene import Scene

PORT = 51820
MOST_LOST = 0.02
FLOOD = 20_000  # initiations a second
MOST_BEHIND = 0.8  # of it, where the machine is busy


def answered(topology: Topology, implementation: Implementation, peers: int, handshakes: int) -> dict[str, float]:
    """The figures of one run: made beforehand, then as fast as the responder answers, then every answer checked."""
    a, b = topology.underlay()
    node = implementation.node(topology, b)
    config = TunnelConfig(topology.unique("r"), generate_key(), PORT, ["10.7.0.1/24"])
    node.up(config)
    driver = topology.process(a, str(BUILD / "tests/handshake_rate"), f"{OUTER[4][1]}:{PORT}", config.public_key,
                              str(peers), str(handshakes), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    keys = list(iter(lambda: driver.stdout.readline().strip(), ""))
    if len(keys) != peers:
        raise CheckFailed(f"handshake_rate printed {len(keys)} keys, expected {peers}")
    add_configuration(topology, node, config.name, [
        PeerConfig(key, [f"10.8.{number >> 8}.{number & 255}/32"]) for number, key in enumerate(keys)])
    with Busy() as busy:
        driver.stdin.write("begin\n")
        driver.stdin.flush()
        driver.stdout.readline()
    report = json.loads(driver.stdout.readline())
    driver.stdin.close()
    if report["authentic"] != report["answered"] or report["lost"] > MOST_LOST * report["answered"]:
        raise CheckFailed(f"initiations were not answered, or not by the responder: {report}")
    return {"handshakes": report["answered"] / report["seconds"],
            "handshake_cpu": busy.seconds / report["answered"] * 1e6}


def flooded(scene: Scene, seconds: int) -> dict[str, float]:
    """TCP from a to b before, beside and after a flood of initiations to b, each with a good mac1."""
    def gbits() -> float:
        return traffic.tcp(scene, 1, seconds).gbits

    before = gbits()
    responder = scene.pair.configs[1]
    flood = scene.process(scene.a, str(BUILD / "tests/handshake_flood"), f"{OUTER[4][1]}:{responder.listen_port}",
                          responder.public_key, str(FLOOD), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    flood.stdout.readline()
    began = time.monotonic()
    beside = gbits()
    flood.stdin.close()
    sent = json.loads(flood.stdout.readline())["sent"]
    if sent < MOST_BEHIND * FLOOD * (time.monotonic() - began):
        raise CheckFailed(f"only {sent} initiations were sent")
    calm = (before + gbits()) / 2
    return {"tcp_calm": calm, "tcp_flooded": beside, "flood_left": 100 * beside / calm}
