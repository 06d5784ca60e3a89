# SPDX-License-Identifier: MIT
"""The Debian package in a clean Debian with systemd: installed, used, upgraded under traffic, removed. Whatever the
daemon's unit takes from it, it must not miss.

    machine: wgxdp@a, eth0 ─────────── eth0, wgxdp: b
"""

import re
import shutil
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "netns"))

from machine import Machine, make_package  # noqa: E402
from support import MIB, Pair, Prober, Topology, Wgxdp, expect_ping, main, pin_other_abi, wait_until  # noqa: E402
from support.host import run  # noqa: E402

OVERRIDDEN = ("bogus-mail-host",)  # nobody publishes it yet


@unittest.skipUnless(shutil.which("mmdebstrap"), "mmdebstrap is missing: tools/setup --package installs it")
class Package(unittest.TestCase):
    def setUp(self):
        self.topology = self.enterContext(Topology())
        self.package = make_package(self.topology.directory / "package")

    def boot(self) -> tuple[Machine, Pair]:
        left, right = self.topology.underlay()
        machine = Machine(self.topology, left, self.package)
        machine.install(self.package)
        return machine, Pair(self.topology, machine, Wgxdp(self.topology, right), psk=True)

    def test_is_installed_used_upgraded_under_traffic_and_removed(self):
        machine, pair = self.boot()
        self.assertEqual(machine.systemctl("is-active", "wgxdpd", check=False), "inactive")
        pair.up()
        pair.first_ping()
        for family in (4, 6):
            pair.transfer(family, 10 * MIB)
        self.use(machine, pair.names[0])
        self.upgrade(machine, pair)
        self.upgrade_across_abi_versions(machine, pair)
        self.remove(machine, pair.names[0])

    def use(self, machine: Machine, tunnel: str) -> None:
        self.assertEqual(machine.systemctl("is-active", "wgxdpd", f"wgxdp@{tunnel}"), "active\nactive")
        self.assertIn("mode: native", machine.run("wgxdp", "show"))
        self.assertNotIn("problem", machine.run("wgxdp", "doctor"))
        self.assertEqual(machine.run("stat", "-c", "%a %U", f"/run/wireguard/{tunnel}.sock", "/run/wgxdp/default.sock",
                                     "/etc/wgxdp"), "600 root\n600 root\n700 root")
        self.assertEqual(machine.run("sh", "-c", "systemd-analyze verify --man=no /lib/systemd/system/wgxdp*"), "")
        complaints = re.findall(r".*(?:warning|error): .*", machine.log())
        self.assertEqual(complaints, [], "what the unit takes away is missed")

    def upgrade(self, machine: Machine, pair: Pair) -> None:
        probers = [Prober(pair.left.netns, pair.right.netns, pair.inner[4][1], 0.02),
                   Prober(pair.right.netns, pair.left.netns, pair.inner[6][0], 0.02)]
        earlier = machine.systemctl("show", "--property=MainPID", "wgxdpd")
        machine.install(self.package)
        self.assertNotEqual(machine.systemctl("show", "--property=MainPID", "wgxdpd"), earlier)
        for prober in probers:
            prober.answers_again()
            self.assertEqual(prober.stop(), [], f"lost of {prober.sent}")
        self.assertEqual(machine.systemctl("is-active", "wgxdpd", f"wgxdp@{pair.names[0]}"), "active\nactive")
        self.assertIn("its tunnels go on", machine.log())
        pair.transfer(4, MIB)

    def upgrade_across_abi_versions(self, machine: Machine, pair: Pair) -> None:
        """The new daemon cannot go on with the tunnels: those of units are made anew. One that is nobody's is left."""
        main_pid = lambda: machine.systemctl("show", "--property=MainPID", "wgxdpd")  # noqa: E731
        earlier = main_pid()
        pin_other_abi(machine.path("/sys/fs/bpf/wgxdp/default"))
        machine.run("wgxdp", "wgother")
        machine.install(self.package)
        self.assertEqual(main_pid(), earlier)
        machine.run("ip", "link", "delete", "wgother")
        wait_until(lambda: machine.run("wgxdp", "show", "interfaces") == pair.names[0], "the daemon has seen it go")
        machine.install(self.package)
        self.assertNotEqual(main_pid(), earlier)
        self.assertEqual(machine.systemctl("is-active", "wgxdpd", f"wgxdp@{pair.names[0]}"), "active\nactive")
        expect_ping(machine.netns, pair.inner[4][1], 5, wait=10)

    def remove(self, machine: Machine, tunnel: str) -> None:
        machine.run("dpkg", "--remove", "wgxdp")
        self.assertFalse(machine.netns.has_device(tunnel))
        wait_until(lambda: machine.run("pgrep", "wgxdpd", check=False) == "", "the daemon has ended")
        self.assertIn(f"{tunnel}.conf", machine.run("ls", "/etc/wgxdp"))

    @unittest.skipUnless(shutil.which("lintian"), "lintian is missing: tools/setup --package installs it")
    def test_lintian_has_no_complaint(self):
        complaints = run(["lintian", str(self.package)], check=False).stdout.splitlines()
        self.assertEqual([line for line in complaints if not any(tag in line for tag in OVERRIDDEN)], [])


if __name__ == "__main__":
    main()
