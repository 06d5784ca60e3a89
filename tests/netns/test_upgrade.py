# SPDX-License-Identifier: MIT
"""A daemon that finds what another version's has left, and cannot read it, says so and touches nothing.

    a: wgxdp, eth0 ─────────── eth0, wgxdp: b
"""

import shutil
import unittest
from pathlib import Path

from support import Pair, Topology, Wgxdp, expect_ping, main, pin_other_abi
from support.host import executable

STATUS_OTHER_ABI = 3


class Upgrade(unittest.TestCase):
    def setUp(self):
        self.topology = self.enterContext(Topology())
        a, b = self.topology.underlay()
        self.node, other = Wgxdp(self.topology, a), Wgxdp(self.topology, b)
        self.pair = Pair(self.topology, self.node, other, initiator="both")

    def start(self, *options: str):
        """A daemon that is to be refused."""
        return self.node.netns.run(executable("wgxdpd"), "--instance", self.node.instance, *options, check=False)

    def test_pins_of_another_abi_version_are_left_alone_until_somebody_deletes_them(self):
        self.node.attach("eth0")
        self.pair.up()
        self.pair.first_ping()
        self.assertEqual(self.start("--check-pins").returncode, 0)
        pins = Path(self.node.status()["pins"])
        self.node.kill()
        version = pin_other_abi(pins)
        for options in (["--check-pins"], ["--foreground"], ["--until-idle"]):
            refused = self.start(*options)
            self.assertEqual(refused.returncode, STATUS_OTHER_ABI, refused.stderr)
            self.assertIn(f"{pins}: left by a wgxdp with ABI version {version}, this one has", refused.stderr)
        expect_ping(self.node.netns, self.pair.inner[4][1], 5)
        for verb in ("up", "down"):
            refused = self.node.cli(verb, self.node.config_file(self.pair.configs[0]), check=False)
            self.assertNotEqual(refused.returncode, 0)
        expect_ping(self.node.netns, self.pair.inner[6][1], 5)
        self.node.netns.ip("link", "delete", self.pair.names[0])  # as the message says
        shutil.rmtree(pins)
        self.node.cli("attach", "eth0")
        self.node.cli("up", self.node.config_file(self.pair.configs[0]))
        expect_ping(self.node.netns, self.pair.inner[4][1], 5, wait=10)

    def test_where_nothing_is_pinned_anybody_may_begin(self):
        self.assertEqual(self.start("--check-pins").returncode, 0)


if __name__ == "__main__":
    main()
