# SPDX-License-Identifier: MIT
"""What the pinned maps show to people, and that writing them under traffic loses nothing (design.md, rules 1 and 2).

    a: wgxdp, eth0 ─────────── eth0, wgxdp: b
"""

import base64
import json
import unittest
from pathlib import Path

from support import MIB, Pair, Topology, Wgxdp, main
from support.host import run
from support.traffic import Prober

SECRET_MAPS = {"keypair_secrets", "peer_secrets", "tunnel_secrets"}
# keystream; ring buffers; huge arrays
UNSHOWN = SECRET_MAPS | {"inline_slots", "ring_slots", "events", "keystream_bell", "peer_activity", "peer_versions"}
REPUBLICATIONS = 300


def numbers(value) -> list[int]:
    """All the numbers of a dumped element, in order."""
    if isinstance(value, dict):
        return [number for part in value.values() for number in numbers(part)]
    if isinstance(value, list):
        return [number for part in value for number in numbers(part)]
    return [value] if isinstance(value, int) else []


def dump(pin: Path) -> list[dict]:
    elements = json.loads(run(["bpftool", "-j", "map", "dump", "pinned", str(pin)]).stdout)
    return [element.get("formatted", element) for element in elements]


class Maps(unittest.TestCase):
    def prepare(self, topology: Topology) -> Pair:
        left, right = (Wgxdp(topology, netns) for netns in topology.underlay())
        pair = Pair(topology, left, right, psk=True, initiator="both")
        for node in (left, right):
            node.attach("eth0")
        pair.up()
        pair.first_ping()
        return pair

    def test_keys_stand_in_maps_of_their_own(self):
        with Topology() as topology:
            pair = self.prepare(topology)
            pins = Path(pair.left.status()["pins"])
            session = [numbers(element["value"]) for element in dump(pins / "keypair_secrets")]
            self.assertTrue(session)
            words = {word for element in session for word in element if word > 0xffff}
            self.assertGreater(len(words), 8)
            tunnel = pair.left.tunnel(pair.names[0], include=["private_key", "preshared_key"])
            keys = [base64.b64decode(key) for key in (tunnel["private_key"], tunnel["peers"][0]["preshared_key"])]
            shown = 0
            for pin in pins.iterdir():
                if pin.name in UNSHOWN or pin.name.startswith("nic_"):
                    continue
                for element in dump(pin):
                    found = numbers(element.get("value", element))
                    self.assertFalse(words & set(found), pin.name)
                    octets = bytes(number & 0xff for number in found)
                    for key in keys:
                        self.assertNotIn(key, octets, pin.name)
                    shown += 1
            self.assertGreater(shown, 5)

    def test_elements_have_types_that_people_can_read(self):
        with Topology() as topology:
            pair = self.prepare(topology)
            pins = Path(pair.left.status()["pins"])
            peer = max(dump(pins / "peers"), key=lambda element: element["key"])  # older versions await erasure
            self.assertEqual(peer["value"]["endpoint"]["address"][:4], [10, 9, 0, 2])
            self.assertEqual(peer["value"]["route"]["kind"], "WG_ROUTE_DIRECT")
            (tunnel,) = dump(pins / "tunnels")
            self.assertEqual(tunnel["value"]["mtu"], 1420)

    def test_a_peer_that_is_published_again_and_again_loses_nothing(self):
        with Topology() as topology:
            pair = self.prepare(topology)
            prober = Prober(pair.left.netns, pair.right.netns, pair.inner[4][1], 0.002)
            key = pair.configs[0].peers[0].public_key
            for number in range(REPUBLICATIONS):
                pair.left.rpc("peer.set", tunnel=pair.names[0], public_key=key,
                              persistent_keepalive=1000 + number % 2)
            self.assertEqual(prober.stop(), [])
            pair.transfer(4, 10 * MIB)
            self.assertEqual(pair.left.losses(), {})


if __name__ == "__main__":
    main()
