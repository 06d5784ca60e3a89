# SPDX-License-Identifier: MIT
"""The Tab key after `wgxdp` in bash and zsh, at a terminal.

    a: wgxdp, eth0 ─────────── eth0: b
"""

import os
import re
import shutil
import unittest
from pathlib import Path

from support import PeerConfig, Topology, TunnelConfig, Wgxdp, generate_key, main, public_key
from support.host import BUILD
from support.terminal import Terminal

COMPLETIONS = Path(__file__).resolve().parents[2] / "tools/completions"
BASH = Path("/usr/share/bash-completion/bash_completion")


class Completion(unittest.TestCase):
    def setUp(self):
        self.topology = self.enterContext(Topology())
        self.a, _ = self.topology.underlay()
        self.node = Wgxdp(self.topology, self.a)
        self.key = public_key(generate_key())
        self.tunnel = self.topology.unique("t")
        self.node.up(TunnelConfig(self.tunnel, generate_key(), 51820, [], [PeerConfig(self.key, [])]))

    def shell(self, *command: str) -> Terminal:
        environment = ["env", f"PATH={BUILD}:{os.environ['PATH']}", f"WGXDP_INSTANCE={self.node.instance}", "PS1=$ ",
                       f"ZDOTDIR={self.topology.directory}"]
        terminal = Terminal(self.a.command(*environment, *command))
        self.topology.callback(terminal.close)
        return terminal

    def check(self, terminal: Terminal) -> None:
        def completed(typed: str, expected: str) -> None:
            terminal.press(f"wgxdp {typed}\t")
            terminal.wait_for(rf"\$ wgxdp {re.escape(expected)}\n")
            terminal.press("\x15")  # throws the line away
            terminal.wait_for(r"\$\s*\Z")

        completed("sh", "show")
        completed(f"show {self.tunnel[:3]}", f"show {self.tunnel}")
        completed(f"show {self.tunnel} late", f"show {self.tunnel} latest-handshakes")
        completed("show --sh", "show --show-keys")
        completed("attach eth", "attach eth0")
        completed("attach eth0 --mode n", "attach eth0 --mode native")
        completed(f"peer remove {self.tunnel} {self.key[:6]}", f"peer remove {self.tunnel} {self.key}")
        place = self.topology.directory / "keys"
        place.mkdir()
        (place / "a preshared.key").touch()
        words = f"peer add {self.tunnel} x --preshared-key {place}/a"
        completed(words, rf"{words}\ preshared.key")

    @unittest.skipUnless(BASH.exists(), "bash-completion is missing: tools/setup installs it")
    def test_bash(self):
        rc = self.topology.directory / "bashrc"
        rc.write_text(f"PS1='$ '; . {BASH}; . {COMPLETIONS / 'wgxdp.bash'}\n")
        terminal = self.shell("bash", "--rcfile", str(rc), "-i")
        terminal.wait_for(r"\$")
        self.check(terminal)

    @unittest.skipUnless(shutil.which("zsh"), "zsh is missing: tools/setup installs it")
    def test_zsh(self):
        (self.topology.directory / ".zshrc").write_text(
            f"PS1='$ '; fpath=({COMPLETIONS} $fpath); autoload -U compinit; compinit -u -D\n")
        terminal = self.shell("zsh", "-d", "-i")
        terminal.wait_for(r"\$")
        self.check(terminal)


if __name__ == "__main__":
    main()
