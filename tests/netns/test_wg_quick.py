# SPDX-License-Identifier: MIT
"""`wgxdp INTERFACE` is to wg-quick(8) what `wireguard-go INTERFACE` is.

    a: wgxdp, eth0 ─────────── eth0, wireguard-go: b
"""

import json
import os
import signal
import socket
import subprocess
import unittest
from pathlib import Path

from support import (Pair, ProcessFailed, Topology, WireguardGo, Wgxdp, expect_ping, generate_key, kernel_wireguard,
                     main, public_key, require_wireguard_go, wait_until)
from support.host import executable, run
from support.topology import kill_and_wait

SOCKETS = Path("/var/run/wireguard")


class WgQuick(unittest.TestCase):
    def setUp(self):
        self.topology = self.enterContext(Topology())
        self.a, self.b = self.topology.underlay()
        self.node = Wgxdp(self.topology, self.a)
        self.name = self.topology.unique("w")
        self.socket = SOCKETS / f"{self.name}.sock"

    def expect_nothing_left(self) -> None:
        """Neither interface nor socket, and the daemon has ended."""
        wait_until(lambda: not self.a.has_device(self.name), f"{self.name} is gone")
        wait_until(lambda: not self.socket.exists(), f"{self.socket} is gone")
        wait_until(lambda: not self.node.leftovers(), "the daemon has ended")

    def refusal(self) -> str:
        refused = self.node.cli(self.name, check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertEqual(refused.stderr.count("\n"), 1, refused.stderr)
        return refused.stderr

    # --- the contract of IMPLEMENTATION INTERFACE ---

    def test_interface_and_socket_are_there_when_the_command_returns(self):
        self.node.make_bare(self.name)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.connect(str(self.socket))
        self.assertNotIn("UP", self.a.ip("-o", "link", "show", self.name).split(">")[0])
        self.assertEqual((SOCKETS.stat().st_mode & 0o777, self.socket.stat().st_mode & 0o777), (0o755, 0o600))
        shown = self.a.run("wg", "show", self.name, "dump").stdout.split()
        self.assertEqual((shown[0], shown[1], shown[3]), ("(none)", "(none)", "off"))
        self.a.ip("address", "add", "10.7.0.1/24", "dev", self.name)
        self.a.ip("link", "set", self.name, "mtu", "1400", "up")
        self.a.ip("route", "add", "10.8.0.0/24", "dev", self.name)

    def test_deleting_the_socket_ends_tunnel_and_daemon(self):
        self.node.make_bare(self.name)
        self.socket.unlink()
        self.expect_nothing_left()

    def test_deleting_the_interface_ends_tunnel_and_daemon(self):
        self.node.make_bare(self.name)
        self.a.ip("link", "delete", self.name)
        self.expect_nothing_left()

    def test_an_interface_can_be_made_again_at_once(self):
        self.node.make_bare(self.name)
        request = {"jsonrpc": "2.0", "id": 1, "method": "tunnel.add", "params": {"name": self.name, "bare": True}}
        pid = self.node.pid
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(10)
            connection.connect(self.node.socket_path)
            os.kill(pid, signal.SIGSTOP)  # it finds the deletion and the request together
            try:
                self.a.ip("link", "delete", self.name)
                connection.sendall(json.dumps(request).encode() + b"\n")
            finally:
                os.kill(pid, signal.SIGCONT)
            self.assertEqual(json.loads(connection.makefile().readline()).get("result"), {})
        self.a.run("wg", "show", self.name)

    def test_a_second_one_of_the_name_is_refused(self):
        self.node.make_bare(self.name)
        self.assertIn(self.name, self.refusal())
        self.a.run("wg", "show", self.name)
        self.socket.unlink()
        self.expect_nothing_left()
        self.a.ip("link", "add", self.name, "type", "veth")
        self.assertIn(self.name, self.refusal())
        self.assertFalse(self.socket.exists())

    def test_a_socket_in_use_is_refused_and_a_dead_one_replaced(self):
        SOCKETS.mkdir(mode=0o755, exist_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
            other.bind(str(self.socket))
            self.addCleanup(self.socket.unlink, missing_ok=True)
            other.listen()
            self.assertIn(f"{self.socket}: another process listens there", self.refusal())
            self.assertFalse(self.a.has_device(self.name))
            self.assertTrue(self.socket.exists())
        self.node.make_bare(self.name)
        self.a.run("wg", "show", self.name)

    def test_a_daemon_of_another_namespace_is_not_asked(self):
        self.node.make_bare(self.name)
        with self.assertRaisesRegex(ProcessFailed, "another network namespace"):
            self.b.run(executable("wgxdp"), "--instance", self.node.instance, self.topology.unique("v"))

    def test_it_works_where_sys_fs_bpf_is_hidden(self):
        run(["ip", "netns", "exec", self.a.name, executable("wgxdp"), "--instance", self.node.instance, self.name])
        key = generate_key()
        self.a.run("wg", "set", self.name, "private-key", "/dev/stdin", stdin=key)
        self.assertEqual(self.a.run("wg", "show", self.name, "public-key").stdout.strip(), public_key(key))
        self.a.ip("link", "delete", self.name)
        self.expect_nothing_left()

    # --- the daemon's own end ---

    def test_the_next_daemon_serves_the_socket_again_and_remembers_what_it_means(self):
        for number in (signal.SIGKILL, signal.SIGTERM):
            with self.subTest(number.name):
                self.node.cli(self.name)
                self.a.run("wg", "set", self.name, "fwmark", "7")
                kill_and_wait(self.node.pid, number)
                self.assertEqual(self.socket.exists(), number == signal.SIGKILL)
                self.assertTrue(self.a.has_device(self.name))
                self.node.start()
                self.assertEqual(self.a.run("wg", "show", self.name, "fwmark").stdout.strip(), "0x7")
                self.socket.unlink()
                self.expect_nothing_left()

    def test_a_tunnel_of_wgxdp_up_outlives_its_socket(self):
        pair = Pair(self.topology, self.node, Wgxdp(self.topology, self.b))
        pair.up()
        socket_path = SOCKETS / f"{pair.names[0]}.sock"
        socket_path.unlink()
        self.node.rpc("status")
        pair.first_ping()

    def test_wgxdp_up_may_use_the_name_that_a_socket_of_another_namespace_has(self):
        other = Wgxdp(self.topology, self.b)
        pair = Pair(self.topology, self.node, other, names=(self.name, self.name))
        pair.up()
        pair.first_ping()
        self.assertEqual(self.a.run("wg", "show", self.name, "public-key").stdout.strip(),
                         pair.configs[1].public_key)  # the first that came
        other.down(self.name)
        self.assertFalse(self.socket.exists())

    # --- wg-quick ---

    def wg_quick(self, verb: str, config: str) -> subprocess.CompletedProcess:
        """wg-quick in the namespace, as an administrator would call it there. Its firewall rules, which a default
        route brings, go nowhere: not every machine has nft."""
        nft = self.topology.directory / "nft"
        nft.write_text("#!/bin/sh\n")
        nft.chmod(0o755)
        environment = [f"WG_QUICK_USERSPACE_IMPLEMENTATION={executable('wgxdp')}",
                       f"WGXDP_INSTANCE={self.node.instance}", f"PATH={nft.parent}:{os.environ['PATH']}"]
        return run(["ip", "netns", "exec", self.a.name, "env", *environment, "wg-quick", verb, config])

    @require_wireguard_go
    @unittest.skipIf(kernel_wireguard(), "this kernel has WireGuard, so wg-quick asks for no other")
    def test_wg_quick_makes_a_tunnel_that_carries_traffic_and_removes_it(self):
        pair = Pair(self.topology, self.node, WireguardGo(self.topology, self.b), psk=True,
                    names=(self.name, self.topology.unique("g")))
        config = pair.configs[0]
        config.peers[0].allowed_ips.append("172.20.0.0/16")
        pair.right.up(pair.configs[1])
        path = self.node.config_file(config)
        self.wg_quick("up", path)
        for family in (4, 6):
            expect_ping(self.a, pair.inner[family][1], 3, wait=5)
            expect_ping(self.b, pair.inner[family][0], 3)
        self.assertIn("172.20.0.0/16", self.a.ip("route", "show", "dev", self.name))
        self.assertEqual(self.node.tunnel(self.name)["mtu"], config.mtu)
        stripped = self.wg_quick("strip", path).stdout
        self.a.run("wg", "syncconf", self.name, "/dev/stdin", stdin=stripped)  # systemd's reload
        expect_ping(self.a, pair.inner[4][1], 3)
        self.wg_quick("down", path)
        self.expect_nothing_left()
        self.wg_quick("up", path)
        expect_ping(self.a, pair.inner[4][1], 3, wait=5)
        self.wg_quick("down", path)
        self.expect_nothing_left()

    @require_wireguard_go
    @unittest.skipIf(kernel_wireguard(), "this kernel has WireGuard, so wg-quick asks for no other")
    def test_a_default_route_of_wg_quick_leads_into_the_tunnel_and_its_packets_out_of_it(self):
        pair = Pair(self.topology, self.node, WireguardGo(self.topology, self.b),
                    names=(self.name, self.topology.unique("g")))
        pair.configs[0].peers[0].allowed_ips = ["0.0.0.0/0", "::/0"]
        self.topology.addresses(self.b, "lo", "172.30.0.1/32", "fd30::1/128")
        pair.right.up(pair.configs[1])
        self.node.attach("eth0")
        path = self.node.config_file(pair.configs[0])
        self.wg_quick("up", path)
        self.assertEqual(self.node.tunnel(self.name)["fwmark"], 51820)
        for address in ("172.30.0.1", "fd30::1"):
            expect_ping(self.a, address, 5, wait=5)
        self.assertEqual(pair.peer_of_left().path, "bpf eth0")
        self.wg_quick("down", path)


if __name__ == "__main__":
    main()
