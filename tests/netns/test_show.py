# SPDX-License-Identifier: MIT
"""`wgxdp show` and wg(8)'s own `wg show` say the same of the same tunnels, byte by byte.

    a: wgxdp, eth0 ─────────── eth0, wgxdp: b
"""

import json
import re
import unittest

from support import Pair, PeerConfig, Topology, Wgxdp, generate_key, main, public_key, wait_until
from support.host import executable

FIELDS = ("public-key", "private-key", "listen-port", "fwmark", "peers", "preshared-keys", "endpoints", "allowed-ips",
          "latest-handshakes", "transfer", "persistent-keepalive", "dump")
OURS = re.compile(r"  (\x1b\[1m)?path(\x1b\[0m)?: ")  # the line that wg(8) does not have


def comparable(text: str) -> str:
    """Without repeated resets, which no terminal shows, and our own lines."""
    lines = re.sub(r"(\x1b\[0m)+", "\x1b[0m", text.removeprefix("\x1b[0m")).splitlines()
    return "\n".join(line.removeprefix("\x1b[0m") for line in lines if not OURS.match(line))


class Show(unittest.TestCase):
    def setUp(self):
        self.topology = self.enterContext(Topology())
        self.a, self.b = self.topology.underlay()
        self.node, other = Wgxdp(self.topology, self.a), Wgxdp(self.topology, self.b)
        self.pair = Pair(self.topology, self.node, other, psk=True)
        config = self.pair.configs[0]
        config.fwmark = 0xca6c
        config.peers[0].persistent_keepalive = 25
        config.peers.append(PeerConfig(public_key(generate_key()), []))  # never heard of, nothing allowed
        self.pair.up()
        self.pair.first_ping()
        self.name = self.pair.names[0]

    def both(self, *arguments: str, **environment: str) -> tuple[str, str]:
        """What wg and wgxdp print; asked again when something happened in between."""
        variables = [f"{name}={value}" for name, value in environment.items()]
        ours = [executable("wgxdp"), "--instance", self.node.instance]

        def ask() -> tuple[str, str] | None:
            first, middle, last = (self.a.run("env", *variables, *tool, "show", *arguments).stdout
                                   for tool in (["wg"], ours, ["wg"]))
            return (first, middle) if first == last else None

        return wait_until(ask, "wg(8) says the same twice")

    def test_one_tunnel_reads_the_same(self):
        for environment in ({}, {"WG_COLOR_MODE": "always"}, {"WG_HIDE_KEYS": "never"},
                            {"WG_HIDE_KEYS": "always", "WG_COLOR_MODE": "never"}):
            with self.subTest(environment):
                theirs, ours = self.both(self.name, **environment)
                self.assertIn("latest handshake", theirs)
                self.assertEqual(comparable(ours), comparable(theirs))
                self.assertEqual("\x1b" in ours, environment.get("WG_COLOR_MODE") == "always")

    def test_every_field_is_the_same(self):
        for field in FIELDS:
            with self.subTest(field):
                theirs, ours = self.both(self.name, field)
                self.assertEqual(ours, theirs)
                everything = self.node.cli("show", "all", field).stdout.splitlines()
                self.assertEqual(everything, [f"{self.name}\t{line}" for line in theirs.splitlines()])

    def test_fields_as_json_name_what_they_hold(self):
        rows = json.loads(self.node.cli("show", self.name, "transfer", "--json").stdout)
        peers = {peer.public_key: peer for peer in self.node.peers(self.name)}
        self.assertEqual({row["public_key"] for row in rows}, set(peers))
        for row in rows:
            self.assertEqual(set(row), {"tunnel", "public_key", "rx_bytes", "tx_bytes"})
            self.assertEqual(row["tunnel"], self.name)
        self.assertEqual(json.loads(self.node.cli("show", "interfaces", "--json").stdout), [self.name])
        self.assertEqual(self.node.cli("show", "interfaces").stdout, f"{self.name}\n")


if __name__ == "__main__":
    main()
