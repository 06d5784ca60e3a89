# SPDX-License-Identifier: MIT
"""Whoever is killed in the middle of `wgxdp up`, `reload` or `down`, or finds its daemon killed: `wgxdp down` takes away
all there is, and `up` works again.

    a: wgxdp, eth0
"""

import os
import shutil
import signal
import unittest
from pathlib import Path

from support import Netns, PeerConfig, Topology, TunnelConfig, Wgxdp, generate_key, main, public_key, wait_until
from support.host import executable

STEPS = 40  # more than any command has
# What changes something; wgxdp asks more often than it acts.
ACTS = {"ip": "*' add '*|*' delete '*|*' set '*", "nft": "'-f -'", "sysctl": "*", "resolvconf": "*"}


@unittest.skipUnless(shutil.which("nft"), "this machine has no nft")
class Interrupted(unittest.TestCase):
    def setUp(self):
        self.topology = self.enterContext(Topology())
        self.a, _ = self.topology.underlay()
        self.node = Wgxdp(self.topology, self.a)
        self.node.attach("eth0", "tc")  # it keeps the daemon, which is slow to start
        self.steps, self.dns = self.topology.directory / "steps", self.topology.directory / "dns"
        self.fakes = self.topology.directory / "fakes"
        self.fakes.mkdir()
        for program in ACTS:
            self.wrap(program)
        peer = PeerConfig(public_key(generate_key()), ["0.0.0.0/0", "::/0"], "10.9.0.2:51820")
        self.config = TunnelConfig(self.topology.unique("a"), generate_key(), 51820, ["10.7.0.1/24", "fd07::1/64"], [peer])
        self.path = Path(self.node.config_file(self.config))

    # --- what the scenarios are made of ---

    def wrap(self, program: str) -> None:
        """The program, or a resolvconf that changes one file of ours. When the steps are used up, it sends its caller
        the signal beside their number; SIGKILL comes before the step, others while it is done."""
        real = f'exec {shutil.which(program)} "$@"'
        if program == "resolvconf":
            real = f'case "$1" in -a) cat > {self.dns} ;; -d) rm -f {self.dns} ;; esac'
        path = self.fakes / program
        path.write_text(f"""#!/bin/sh
case "$*" in {ACTS[program]})
    read left signal < {self.steps}
    echo $((left - 1)) $signal > {self.steps}
    if [ $left = 1 ]; then
        kill -s $signal $PPID
        [ $signal = KILL ] && exit
    fi ;;
esac
{real}
""")
        path.chmod(0o755)

    def write(self, *more: str) -> None:
        self.path.write_text(self.config.text().replace("[Interface]", "\n".join(
            ["[Interface]", "Attach = no", *more]), 1))

    def wgxdp(self, verb: str, steps: int = 0, how: str = "KILL") -> int:
        """The status of `wgxdp VERB`, which ends before, or at, that step."""
        self.steps.write_text(f"{steps} {how}\n")
        done = self.a.run("env", f"PATH={self.fakes}:{os.environ['PATH']}", executable("wgxdp"), "--instance",
                          self.node.instance, verb, str(self.path), check=False)
        self.said = done.stderr
        return done.returncode

    def must(self, verb: str) -> None:
        self.assertEqual(self.wgxdp(verb), 0, self.said)

    def state(self) -> list[str]:
        """All that the kernel has of it; not what the underlay's routes and addresses still are settling to."""
        commands = [["ip", "-o", family, *what.split()] for family in ("-4", "-6")
                    for what in ("rule show", "route show table all", "address show")] + [["nft", "list", "ruleset"]]
        lines = [line for command in commands for line in self.a.run(*command, check=False).stdout.splitlines()]
        return [line for line in lines if "eth0" not in line] + (["DNS"] if self.dns.exists() else [])

    def check_each_step(self, verb: str, prepare, how: str = "KILL", status: int = -signal.SIGKILL) -> None:
        """The verb ends at its first step, its second, and so on; each time all can be taken away afterwards."""
        self.write("DNS = 10.9.0.2")
        before = self.state()
        for step in range(1, STEPS):
            prepare()
            ended = self.wgxdp(verb, step, how)
            reached_end = ended == 0
            if not reached_end:
                self.assertEqual(ended, status, self.said)
            if how != "KILL" and not reached_end:
                self.assertEqual(self.state(), before, f"{verb} has undone nothing of {step} steps: {self.said}")
            if self.a.has_device(self.config.name):
                self.must("down")
            self.assertEqual(self.state(), before, f"{verb} was killed at step {step}, then down: {self.said}")
            if reached_end:
                self.assertGreater(step, 5)
                return
        self.fail(f"{verb} has more than {STEPS} steps")

    # --- scenarios ---

    def test_a_killed_up_is_taken_down(self):
        self.check_each_step("up", lambda: None)

    def test_an_up_that_is_asked_to_end_undoes_all(self):
        self.check_each_step("up", lambda: None, "TERM", 1)

    def test_a_killed_down_is_ended_by_the_next(self):
        self.check_each_step("down", lambda: self.must("up"))

    def test_a_killed_reload_is_taken_down(self):
        def prepare():
            """Everything that was is another thing in the file."""
            self.config.addresses = ["10.7.0.1/24", "fd07::1/64"]
            self.config.peers[0].allowed_ips = ["0.0.0.0/0", "::/0"]
            self.write("DNS = 10.9.0.2")
            self.must("up")
            self.config.addresses = ["10.8.0.1/24"]
            self.config.peers[0].allowed_ips = ["172.30.0.0/16"] if self.goes else ["0.0.0.0/0", "172.30.0.0/16"]
            self.write("DNS = 10.9.0.3", *([] if self.goes else ["FwMark = 0x77"]))

        for self.goes in (False, True):
            with self.subTest("the default route goes" if self.goes else "the mark is another"):
                self.check_each_step("reload", prepare)

    def test_what_a_killed_daemon_left_is_taken_down(self):
        self.write("DNS = 10.9.0.2")
        before = self.state()
        self.must("up")
        self.node.kill()
        self.must("down")
        self.assertEqual(self.state(), before)
        self.assertFalse(self.a.has_device(self.config.name))
        self.node.detach("eth0")
        wait_until(lambda: not self.node.leftovers(), "its pins are gone")


if __name__ == "__main__":
    main()
