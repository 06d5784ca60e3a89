# SPDX-License-Identifier: MIT
"""`wgxdp up`, `down`, `reload` and `save` do what wg-quick does, with the same files.

    a: wgxdp, eth0 ─────────── eth0, wgxdp: b
"""

import json
import os
import shutil
import signal
import subprocess
import unittest
from pathlib import Path

from support import Pair, Topology, Wgxdp, expect_ping, generate_key, kernel_wireguard, main, public_key, wait_until
from support.host import executable, run

FAR = {4: "172.30.0.1", 6: "fd30::1"}


class UpDown(unittest.TestCase):
    def setUp(self):
        self.topology = self.enterContext(Topology())
        self.a, self.b = self.topology.underlay()
        self.node, self.other = Wgxdp(self.topology, self.a), Wgxdp(self.topology, self.b)
        self.pair = Pair(self.topology, self.node, self.other)
        self.config = self.pair.configs[0]
        self.name = self.config.name
        self.log = self.topology.directory / "log"
        self.fakes = self.topology.directory / "fakes"
        self.fakes.mkdir()
        for program in ("nft", "resolvconf"):
            self.fake(program)
        self.topology.addresses(self.b, "lo", f"{FAR[4]}/32", f"{FAR[6]}/128")

    # --- what the scenarios are made of ---

    def fake(self, program: str, more: str = "") -> None:
        """A program that writes down how it was called and what it was told; not every machine has it, and none
        shall be changed."""
        path = self.fakes / program
        path.write_text(f'#!/bin/sh\nexec >> {self.log}\necho "{program} $*"\n{more}\n'
                        'case "$*" in "-f -"|-a*) cat ;; "-f /"*) cat "$2" ;; esac\n')
        path.chmod(0o755)

    def logged(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def file(self, *more: str, drop: tuple[str, ...] = ()) -> str:
        """The configuration's file with more lines in [Interface], and without those of these keys."""
        lines = [line for line in self.config.text().splitlines() if line.split(" = ")[0] not in drop]
        path = Path(self.node.config_file(self.config))
        path.write_text("\n".join([lines[0], "Attach = no", *more, *lines[1:]]) + "\n")
        return str(path)

    def wgxdp(self, verb: str, path: str, *options: str, check: bool = True) -> subprocess.CompletedProcess:
        """`wgxdp VERB PATH` with the fake programs first in PATH."""
        done = self.a.run("env", f"PATH={self.fakes}:{os.environ['PATH']}", executable("wgxdp"), "--instance",
                          self.node.instance, verb, path, *options, check=check)
        if Path(self.node.socket_path).exists():
            self.node._remember()
        return done

    def up(self, *more: str, drop: tuple[str, ...] = ()) -> str:
        path = self.file(*more, drop=drop)
        self.addCleanup(self.down_if_up, path)
        self.wgxdp("up", path)
        return path

    def down_if_up(self, path: str) -> None:
        if self.a.has_device(self.name):
            self.wgxdp("down", path)

    def network(self) -> dict[str, list[str]]:
        """All that the kernel has of rules, routes and addresses, but for the underlay's, which may still be settling."""
        commands = {f"{family} {what}": ["ip", "-o", family, *what.split()]
                    for family in ("-4", "-6") for what in ("rule show", "route show table all", "address show")}
        return {what: [line for line in self.a.run(*command, check=False).stdout.splitlines() if "eth0" not in line]
                for what, command in commands.items()}

    def expect_nothing_left(self, before: dict[str, list[str]]) -> None:
        wait_until(lambda: not self.node.leftovers(), "the daemon has ended")
        self.assertEqual(self.network(), before)

    def default_routes(self, *families: int) -> None:
        self.config.peers[0].allowed_ips = [{4: "0.0.0.0/0", 6: "::/0"}[family] for family in families]

    # --- hooks ---

    def test_hooks_run_in_order_with_the_name(self):
        hook = f"echo {{}} %i $(ip -o link show %i 2>&- | grep -c mtu) >> {self.log}"
        keys = ("PreUp", "PostUp", "PreDown", "PostDown")
        path = self.up(*(f"{key} = {hook.format(f'{key}{number}')}" for number in (1, 2) for key in keys))
        self.wgxdp("down", path)
        there = {"PreUp": 0, "PostUp": 1, "PreDown": 1, "PostDown": 0}
        self.assertEqual([line for line in self.logged() if line.startswith("P")],
                         [f"{key}{number} {self.name} {there[key]}" for key in keys for number in (1, 2)])

    def test_json_is_all_that_is_printed(self):
        path = self.file("PostUp = echo hello")
        self.addCleanup(self.down_if_up, path)
        self.assertEqual(json.loads(self.wgxdp("up", path, "--json").stdout), {})
        again = self.wgxdp("up", path, "--json", check=False)
        self.assertEqual((again.returncode, again.stdout), (1, ""))
        self.assertEqual(json.loads(again.stderr.splitlines()[-1]), {"error": f"`{self.name}' already exists"})

    def test_a_hook_may_bring_the_key(self):
        key = self.topology.directory / "key"
        key.write_text(self.config.private_key)
        self.other.up(self.pair.configs[1])
        self.up(f"PostUp = wg set %i private-key <(cat {key})", drop=("PrivateKey",))
        expect_ping(self.a, self.pair.inner[4][1], 3, wait=5)

    def test_what_a_failed_step_leaves_is_nothing(self):
        before = self.network()
        self.default_routes(4, 6)
        failing = self.topology.directory / "failing"
        failing.write_text("exit 3\n")
        for what, lines in (("a hook", [f"PostUp = sh {failing}; true"]), ("DNS", ["DNS = 10.9.0.2"])):
            with self.subTest(what):
                self.fake("resolvconf", "case \"$*\" in -a*) exit 1 ;; esac")
                self.log.unlink(missing_ok=True)
                refused = self.wgxdp("up", self.file(*lines), check=False)
                self.assertEqual(refused.returncode, 1)
                self.assertFalse(self.a.has_device(self.name))
                self.expect_nothing_left(before)
                self.assertEqual(any(line.startswith("resolvconf -d") for line in self.logged()), what == "DNS")

    def test_an_interrupted_up_is_undone(self):
        before = self.network()
        fifo = self.topology.directory / "fifo"
        os.mkfifo(fifo)
        path = self.file(f"PostUp = exec cat {fifo}")  # a shell may survive what its children are interrupted by

        def reader() -> int | None:
            """The end that lets the hook end, once it reads."""
            try:
                return os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:
                return None

        for what, kill in (("from the terminal, the hook too", lambda pid: os.killpg(pid, signal.SIGINT)),
                           ("by a supervisor", lambda pid: os.kill(pid, signal.SIGTERM))):
            with self.subTest(what):
                process = self.topology.process(
                    self.a, "env", f"PATH={self.fakes}:{os.environ['PATH']}", executable("wgxdp"), "--instance",
                    self.node.instance, "up", path, stderr=subprocess.DEVNULL)
                hook = wait_until(reader, "the hook runs", 30)
                self.node._remember()
                kill(process.pid)
                os.close(hook)
                self.assertEqual(process.wait(30), 1)
                self.assertFalse(self.a.has_device(self.name))
                self.expect_nothing_left(before)

    # --- DNS, MTU, routes ---

    def test_name_servers_are_handed_to_resolvconf_and_taken_back(self):
        path = self.up("DNS = 10.9.0.2, fd09::2 example.org", "DNS = corp.example")
        self.assertEqual(self.logged(), [f"resolvconf -a {self.name} -m 0 -x", "nameserver 10.9.0.2",
                                         "nameserver fd09::2", "search example.org corp.example"])
        self.wgxdp("down", path)
        self.assertIn(f"resolvconf -d {self.name} -f", self.logged())

    @unittest.skipIf(shutil.which("resolvconf"), "this machine has resolvconf, which comes first")
    def test_name_servers_are_handed_to_systemd_resolved_and_taken_back(self):
        (self.fakes / "resolvconf").unlink()
        servers, resolvectl = self.topology.directory / "servers", self.fakes / "resolvectl"
        resolvectl.write_text(f"""#!/bin/sh
echo "resolvectl $*" >> {self.log}
ip link show "$2" > /dev/null || exit 1  # it knows no interface that is gone
case "$1 $#" in
"dns 2") echo "Link 7 ($2): $(cat {servers})" ;;
"dns "*) echo "$3" > {servers} ;;
revert*) rm {servers} ;;
esac
""")
        resolvectl.chmod(0o755)
        path = self.up("DNS = 10.9.0.2, example.org")
        self.assertEqual(self.logged(), [f"resolvectl dns {self.name} 10.9.0.2",
                                         f"resolvectl domain {self.name} ~. example.org"])
        self.assertTrue(servers.exists())
        self.wgxdp("down", path)
        self.assertFalse(servers.exists())

    def test_the_mtu_is_that_of_the_route_to_the_peer(self):
        self.a.ip("route", "add", "10.9.0.2", "dev", "eth0", "mtu", "1400")
        self.up(drop=("MTU",))
        self.assertEqual(self.node.tunnel(self.name)["mtu"], 1400 - 80)

    def test_table_says_where_routes_go(self):
        self.config.peers[0].allowed_ips.append("172.30.0.0/16")
        for table, expected in (("off", ""), ("77", "table 77 "), ("auto", ""), ("main", "")):
            with self.subTest(table):
                path = self.up(f"Table = {table}")
                found = [line for line in self.network()["-4 route show table all"]
                         if line.startswith("172.30.0.0/16")]
                self.assertEqual(found, [] if table == "off" else
                                 [f"172.30.0.0/16 dev {self.name} {expected}proto 87 scope link "])
                self.wgxdp("down", path)

    def test_holes_in_allowed_ips_are_not_routed(self):
        self.config.peers[0].allowed_ips.append("172.30.0.0/30, !172.30.0.1")
        self.other.up(self.pair.configs[1])
        self.up()
        self.assertEqual(set(self.node.peers(self.name)[0].allowed_ips) - {"10.7.0.2/32", "fd07::2/128"},
                         {"172.30.0.0/32", "172.30.0.2/31"})
        expect_ping(self.a, self.pair.inner[4][1], 3, wait=5)
        self.assertNotIn(self.name, self.a.run("ip", "route", "get", FAR[4], check=False).stdout)
        self.topology.addresses(self.b, "lo", "172.30.0.2/32")
        self.a.ip("route", "add", "172.30.0.0/24", "via", "10.9.0.2")
        for address, is_tunnelled in ((FAR[4], False), ("172.30.0.2", True)):
            before = self.node.peers(self.name)[0].tx_bytes
            self.a.run("ping", "-c", "1", "-W", "20", "-s", "1000", address)
            self.assertEqual(self.node.peers(self.name)[0].tx_bytes - before >= 1000, is_tunnelled, address)

    # --- default routes ---

    def wg_quick(self, verb: str, path: str) -> None:
        environment = [f"WG_QUICK_USERSPACE_IMPLEMENTATION={executable('wgxdp')}",
                       f"WGXDP_INSTANCE={self.node.instance}", f"PATH={self.fakes}:{os.environ['PATH']}"]
        run(["ip", "netns", "exec", self.a.name, "env", *environment, "wg-quick", verb, path])
        if verb == "up":
            self.node._remember()

    def rules_and_routes(self) -> dict[str, list[str]]:
        """Without those of link-local addresses, which are the kernel's and random, and without our routes' mark."""
        return {what: [line.replace("proto 87 ", "") for line in lines if "fe80" not in line and "ff00" not in line]
                for what, lines in self.network().items() if "address" not in what}

    @unittest.skipIf(kernel_wireguard(), "this kernel has WireGuard, so wg-quick asks for no other")
    def test_a_default_route_is_made_as_by_wg_quick(self):
        before = self.network()
        self.default_routes(4, 6)
        self.config.peers[0].allowed_ips.append("172.30.0.0/16")
        path = self.file("DNS = 10.9.0.2 example.org")
        states, told = [], []
        for make in (self.wgxdp, self.wg_quick):
            make("up", path)
            states.append(self.rules_and_routes())
            told.append({line.strip() for line in self.logged()
                         if not line.startswith(("nft ", "delete table"))})
            make("down", path)
            self.expect_nothing_left(before)
            self.log.unlink()
            Path(path).write_text(Path(path).read_text().replace("Attach = no\n", ""))  # wg(8) does not know it
        self.assertEqual(states[0], states[1])
        self.assertIn("32765:\tnot from all fwmark 0xca6c lookup 51820", states[0]["-6 rule show"])
        self.assertEqual(told[0], told[1])
        self.assertIn(f"add rule ip wg-quick-{self.name} postmangle meta l4proto udp mark 51820 ct mark set mark",
                      told[0])

    def test_a_default_route_leads_into_the_tunnel_and_its_packets_out_of_it(self):
        self.default_routes(4, 6)
        self.other.up(self.pair.configs[1])
        path = self.up()
        self.assertEqual(self.node.tunnel(self.name)["fwmark"], 51820)
        for address in FAR.values():
            expect_ping(self.a, address, 3, wait=5)
        expect_ping(self.a, "10.9.0.2", 1)  # the main table's own routes stay
        self.wgxdp("down", path)

    @unittest.skipUnless(shutil.which("nft"), "this machine has no nft")
    def test_the_firewall_is_one_that_nft_takes(self):
        (self.fakes / "nft").unlink()
        self.default_routes(4, 6)
        self.other.up(self.pair.configs[1])
        path = self.up()
        for family, address in (("ip", "10.7.0.1"), ("ip6", "fd07::1")):
            rules = self.a.run("nft", "list", "table", family, f"wg-quick-{self.name}").stdout
            self.assertIn(f'iifname != "{self.name}" {family} daddr {address} fib saddr type != local drop', rules)
        for address in FAR.values():
            expect_ping(self.a, address, 3, wait=5)
        self.wgxdp("down", path)
        self.assertEqual(self.a.run("nft", "list", "tables").stdout, "")

    @unittest.skipIf(shutil.which("nft"), "this machine has nft")
    def test_a_default_route_needs_its_firewall(self):
        before = self.network()
        self.default_routes(4)
        refused = self.node.cli("up", self.file(), check=False)
        self.assertIn("nft is not in PATH", refused.stderr)
        self.expect_nothing_left(before)

    # --- save ---

    def test_a_tunnel_is_saved_on_its_way_down(self):
        path = self.up("SaveConfig = true", "PostUp = true %i", "DNS = 10.9.0.2 example.org")
        peer = public_key(generate_key())
        self.node.cli("peer", "add", self.name, peer, "--allowed-ips", "172.20.0.0/16", "--persistent-keepalive", "9")
        self.a.ip("address", "add", "10.7.5.1/24", "dev", self.name)
        Path(path).chmod(0o644)
        before = sorted(Path(path).parent.iterdir())
        self.wgxdp("save", path)
        self.assertEqual(sorted(Path(path).parent.iterdir()), before)
        first = Path(path).read_text()
        self.assertIn("PostUp = true %i\n", first)
        self.wgxdp("down", path)
        self.assertEqual(Path(path).read_text(), first)
        self.assertEqual(Path(path).stat().st_mode & 0o777, 0o600)
        self.wgxdp("up", path)
        self.assertEqual({each.public_key: each.allowed_ips for each in self.node.peers(self.name)}[peer],
                         {"172.20.0.0/16"})
        self.assertIn("10.7.5.1/24", self.a.ip("address", "show", "dev", self.name))


if __name__ == "__main__":
    main()
