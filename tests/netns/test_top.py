# SPDX-License-Identifier: MIT
"""`wgxdp top` at a terminal: it draws what traffic does, knows its keys, and outlives a daemon.

    a: wgxdp, eth0 ─────────── eth0, wgxdp: b
"""

import json
import re
import subprocess
import unittest

from support import Pair, Topology, Wgxdp, generate_key, main, public_key
from support.host import executable
from support.terminal import Terminal


class Top(unittest.TestCase):
    def setUp(self):
        self.topology = self.enterContext(Topology())
        self.a, self.b = self.topology.underlay()
        self.node = Wgxdp(self.topology, self.a)
        self.pair = Pair(self.topology, self.node, Wgxdp(self.topology, self.b))
        self.pair.up()
        self.pair.first_ping()

    def command(self, *arguments: str) -> list[str]:
        return self.a.command(executable("wgxdp"), "--instance", self.node.instance, "top", *arguments)

    def start(self) -> Terminal:
        terminal = Terminal(self.command())
        self.topology.callback(terminal.close)
        return terminal

    def ping(self) -> None:
        """Traffic that goes on until the scenario ends."""
        self.topology.process(self.a, "ping", "-q", "-i", "0.05", "-s", "1000", self.pair.inner[4][1],
                              stdout=subprocess.DEVNULL)

    def test_shows_the_peer_and_its_rates(self):
        terminal = self.start()
        terminal.wait_for("TUNNEL .*PEER .*RECEIVED .*SENT .*HANDSHAKE")
        terminal.wait_for(f"{self.pair.names[0]}.*{re.escape(self.pair.configs[1].public_key[:8])}")
        self.ping()
        terminal.wait_for(r"\d+\.\d\d KiB/s")
        terminal.press("q")
        self.assertEqual(terminal.wait_for_end(), 0)

    def test_keys_change_the_order(self):
        terminal = self.start()
        for key, name in (("t", "sent"), ("h", "handshake"), ("p", "peer"), ("r", "received")):
            terminal.press(key)
            terminal.wait_for(f"by {name}: keys")
        terminal.press("q")
        self.assertEqual(terminal.wait_for_end(), 0)

    def test_keys_scroll(self):
        self.node.rpc("tunnel.set", name=self.pair.names[0],
                      peers=[{"public_key": public_key(generate_key())} for _ in range(60)])
        terminal = self.start()
        page = int(terminal.wait_for("0 above, (\\d+) below").group(1))
        for key, above in (("j", 1), ("\x1b[6~", 61 - page + 1), ("\x1b[5~", 1), ("k", 0), ("\x1b[4~", page),
                           ("j", page), ("\x1b[1~", 0)):
            terminal.press(key)
            terminal.wait_for(f"\\b{above} above, {page - above} below")
        terminal.press("q")
        self.assertEqual(terminal.wait_for_end(), 0)

    def test_says_when_the_daemon_is_away_and_goes_on_with_the_next(self):
        terminal = self.start()
        terminal.wait_for("RECEIVED")
        self.node.kill()
        terminal.wait_for("no daemon runs")
        self.node.start()
        self.ping()
        terminal.wait_for(r"\d+\.\d\d KiB/s")
        terminal.press("q")
        self.assertEqual(terminal.wait_for_end(), 0)

    def test_an_interrupt_puts_the_terminal_back(self):
        terminal = self.start()
        terminal.wait_for("RECEIVED")
        terminal.press("\x03")
        self.assertNotEqual(terminal.wait_for_end(), 0)

    def test_without_a_terminal_it_measures_once_for_scripts(self):
        self.ping()
        (peer,) = json.loads(self.node.cli("top", "--json").stdout)["peers"]
        self.assertEqual(peer["tunnel"], self.pair.names[0])
        self.assertGreater(peer["rx_rate"], 0)
        self.assertGreaterEqual(peer["handshake_age"], 0)
        refused = self.node.cli("top", check=False, stdin="")
        self.assertEqual((refused.returncode, refused.stderr),
                         (1, "wgxdp: there is no terminal to draw on: see wgxdp top --json\n"))


if __name__ == "__main__":
    main()
