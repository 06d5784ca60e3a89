# SPDX-License-Identifier: MIT
"""`wgxdp doctor` finds what was broken on purpose, says what helps, and its status tells scripts.

    a: wgxdp, eth0 ─────────── eth0, wgxdp: b
"""

import json
import subprocess
import unittest

from support import Pair, Topology, Wgxdp, main
from support.host import executable


class Doctor(unittest.TestCase):
    def setUp(self):
        self.topology = self.enterContext(Topology())
        self.a, self.b = self.topology.underlay()
        self.node = Wgxdp(self.topology, self.a)

    def findings(self, *before: str) -> dict[str, list[dict]]:
        """By topic; `before` is a command that runs it. The status must fit."""
        command = [*before, executable("wgxdp"), "--instance", self.node.instance, "doctor", "--json"]
        result: subprocess.CompletedProcess = self.a.run(*command, check=False)
        said = json.loads(result.stdout)
        problems = [finding for finding in said["findings"] if finding["state"] == "problem"]
        self.assertEqual(said["problems"], len(problems))
        self.assertEqual(result.returncode, 1 if problems else 0)
        self.assertEqual(bool(result.stderr), bool(problems))
        found: dict[str, list[dict]] = {}
        for finding in said["findings"]:
            found.setdefault(finding["topic"], []).append(finding)
        return found

    def one(self, found: dict[str, list[dict]], topic: str, state: str, words: str) -> dict:
        """The one finding of this topic in which these words are."""
        (finding,) = (finding for finding in found[topic] if words in finding["what"])
        self.assertEqual(finding["state"], state)
        return finding

    def test_a_healthy_machine_has_no_problems_with_and_without_a_daemon(self):
        found = self.findings()
        self.assertEqual({finding["state"] for all in found.values() for finding in all} - {"ok", "note"}, set())
        for topic in ("kernel", "btf", "jit", "bpffs", "bpf types", "program wg_rx", "program wg_tx",
                      "program wg_deliver", "program wg_cookie", "program wg_counter", "program wg_rx, jumbo",
                      "program wg_tx, jumbo", "nic eth0"):
            self.assertEqual(found[topic][0]["state"], "ok", found[topic])
        self.one(found, f"daemon {self.node.instance}", "note", "no daemon runs")
        pair = Pair(self.topology, self.node, Wgxdp(self.topology, self.b))
        pair.up()
        self.node.attach("eth0", "native")
        found = self.findings()
        self.one(found, "nic eth0", "ok", "attached, native XDP")
        self.one(found, f"daemon {self.node.instance}", "ok", f"pid {self.node.pid}, 1 tunnels")
        self.assertFalse([topic for topic in found if pair.names[0] in topic], "a tunnel is no NIC")
        text = self.node.cli("doctor").stdout
        self.assertIn("ok      nic eth0: veth: attached, native XDP\n", text)

    def test_a_daemon_that_died_under_its_tunnels_is_a_problem(self):
        self.node.attach("eth0", "tc")
        self.one(self.findings(), "nic eth0", "note", "attached by TC, slower than native XDP: asked for")
        self.node.kill()
        finding = self.one(self.findings(), f"daemon {self.node.instance}", "problem", "without handshakes")
        self.assertEqual(finding["advice"], f"wgxdpd --instance {self.node.instance}")
        self.node.start()
        self.one(self.findings(), f"daemon {self.node.instance}", "ok", "runs")

    def test_nics_that_cannot_be_native_say_why(self):
        self.a.ip("link", "add", "br0", "up", "type", "bridge")
        self.a.ip("link", "set", "eth0", "master", "br0")
        found = self.findings()
        self.one(found, "nic eth0", "note", "it is a port of br0")
        tells = self.a.run("genl", "ctrl", "get", "name", "netdev", check=False).returncode == 0  # from 6.3 on
        self.one(found, "nic br0", *(("note", "its driver has no XDP") if tells else
                                     ("ok", "native XDP shows when it is attached: this kernel does not tell")))

    def test_settings_that_are_in_the_way_come_with_what_helps(self):
        self.a.sysctl("net.ipv4.conf.eth0.rp_filter", 1)
        self.a.run("ethtool", "-K", "eth0", "gro", "off")
        found = self.findings()
        strict = self.one(found, "nic eth0", "note", "rp_filter is strict")
        self.one(found, "nic eth0", "note", "GRO is off")
        self.one(found, "forwarding ipv4", "ok", "off: ")
        self.a.run(*strict["advice"].split())
        self.a.sysctl("net.ipv4.ip_forward", 1)
        found = self.findings()
        self.assertFalse([finding for finding in found["nic eth0"] if "rp_filter" in finding["what"]])
        self.one(found, "forwarding ipv4", "ok", "on")

    def test_without_a_bpf_file_system_or_the_right_to_load_programs_it_says_so(self):
        found = self.findings("unshare", "--mount", "sh", "-c", 'umount /sys/fs/bpf; exec "$@"', "sh")
        self.assertEqual(self.one(found, "bpffs", "note", "mounts one of its own")["advice"],
                         "mount -t bpf bpf /sys/fs/bpf")
        found = self.findings("setpriv", "--bounding-set=-sys_admin,-bpf,-net_admin")
        self.one(found, "program wg_rx", "problem", "Operation not permitted")


if __name__ == "__main__":
    main()
