# SPDX-License-Identifier: MIT
"""Handshakes a second that one responder answers.

    a: handshake_rate, eth0 ─────────── eth0, responder: b
"""

import json
import subprocess

from support import CheckFailed, PeerConfig, Topology, TunnelConfig, generate_key
from support.host import BUILD
from support.pair import OUTER

from .growth import add_configuration
from .implementations import Implementation
from .machine import Busy

PORT = 51820
MOST_LOST = 0.02


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
