# SPDX-License-Identifier: MIT
"""`wgxdp reload` makes a running tunnel what its file says now, and traffic does not notice.

    a: wgxdp, eth0 ─────────── eth0, wgxdp: b
"""

import os
import socket
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from support import (MIB, Pair, PeerConfig, Prober, Topology, Wgxdp, expect_ping, generate_key, main, preshared_key,
                     public_key, wait_until)
from support.traffic import SLOWNESS

FAR = {4: "172.30.0.1", 6: "fd30::1"}


class Reload(unittest.TestCase):
    def setUp(self):
        self.topology = self.enterContext(Topology())
        self.a, self.b = self.topology.underlay()
        self.node, self.other = Wgxdp(self.topology, self.a), Wgxdp(self.topology, self.b)
        self.node.attach("eth0")
        self.pair = Pair(self.topology, self.node, self.other)
        self.config = self.pair.configs[0]
        self.name = self.config.name
        self.pair.up()
        self.pair.first_ping()
        self.path = Path(self.node.config_file(self.config))
        nft = self.topology.directory / "nft"  # its rules go nowhere: not every machine has one
        nft.write_text("#!/bin/sh\n")
        nft.chmod(0o755)

    def write(self, *more: str) -> None:
        """The configuration's file, with more lines in [Interface]."""
        self.path.write_text(self.config.text().replace("[Interface]", "\n".join(["[Interface]", *more]), 1))

    def reload(self, *more: str, check: bool = True):
        self.write(*more)
        path = os.environ["PATH"]
        os.environ["PATH"] = f"{self.topology.directory}:{path}"
        try:
            return self.node.cli("reload", str(self.path), check=check)
        finally:
            os.environ["PATH"] = path

    def routes(self) -> set[str]:
        return {line.split()[0] for family in ("-4", "-6")
                for line in self.a.ip(family, "route", "show", "table", "all", "dev", self.name).splitlines()
                if "proto kernel" not in line}

    def state(self) -> list[str]:
        """What the kernel has, but for the underlay's own, which may still be settling."""
        commands = ("-4 rule show", "-6 rule show", "-4 route show table all", "-6 route show table all",
                    f"address show dev {self.name}", f"link show dev {self.name}")
        return [line for command in commands for line in self.a.ip("-o", *command.split()).splitlines()
                if "eth0" not in line]

    def test_traffic_does_not_notice(self):
        there = self.pair.inner[4][1]
        with ThreadPoolExecutor(1) as pool:
            prober = Prober(self.a, self.b, there, 0.01 * SLOWNESS)
            stream = pool.submit(self.pair.transfer, 4, 20 * MIB)
            before = self.pair.peer_of_left()
            for number in range(5):
                extra = PeerConfig(public_key(generate_key()), [f"172.21.{number}.0/24"], "10.9.0.2:9")
                self.config.peers[1:] = [extra]
                self.config.mtu = 1400 + number
                self.config.addresses[2:] = [f"10.8.{number}.1/24"]
                self.reload()
                self.assertEqual({peer.public_key for peer in self.node.peers(self.name)},
                                 {self.pair.configs[1].public_key, extra.public_key})
                self.assertEqual(self.routes(), {f"172.21.{number}.0/24"})
            stream.result()
            self.assertEqual(prober.stop(), [])
        after = next(peer for peer in self.node.peers(self.name) if peer.endpoint == "10.9.0.2:51820")
        self.assertEqual(after.latest_handshake, before.latest_handshake)
        self.assertGreater(after.tx_bytes, before.tx_bytes)
        self.assertEqual(self.node.tunnel(self.name)["mtu"], 1404)
        shown = self.a.ip("address", "show", "dev", self.name)
        self.assertIn("10.8.4.1/24", shown)
        self.assertNotIn("10.8.3.1/24", shown)
        self.assertEqual(self.node.losses(), {})

    def test_an_unchanged_file_changes_nothing(self):
        self.reload()
        before, status = self.state(), self.node.tunnel(self.name, include=["private_key", "preshared_key"])
        self.assertEqual(self.reload().stderr, "")
        self.assertEqual(self.state(), before)
        self.assertEqual(self.node.tunnel(self.name, include=["private_key", "preshared_key"]), status)

    def test_the_first_address_of_a_network_goes_and_the_others_stay(self):
        self.config.addresses[0] = "10.7.0.77/24"
        self.pair.configs[1].peers[0].allowed_ips.append("10.7.0.77/32")
        self.other.cli("peer", "add", self.pair.names[1], self.config.public_key, "--allowed-ips",
                       ",".join(self.pair.configs[1].peers[0].allowed_ips))
        self.reload()
        self.assertIn("10.7.0.77/24", self.a.ip("address", "show", "dev", self.name))
        self.assertNotIn("10.7.0.1/24", self.a.ip("address", "show", "dev", self.name))
        expect_ping(self.a, self.pair.inner[4][1], 3)

    def test_a_changed_key_and_port_are_applied(self):
        self.config.private_key = generate_key()
        self.config.listen_port = 4444
        self.config.peers[0].preshared_key = preshared_key()
        self.other.cli("peer", "remove", self.pair.names[1], self.other.peers(self.pair.names[1])[0].public_key)
        shared = self.topology.directory / "psk"
        shared.write_text(self.config.peers[0].preshared_key)
        self.other.cli("peer", "add", self.pair.names[1], self.config.public_key, "--endpoint", "10.9.0.1:4444",
                       "--preshared-key", str(shared), "--allowed-ips", "10.7.0.1/32,fd07::1/128")
        self.reload()
        self.assertEqual(self.node.tunnel(self.name)["listen_port"], 4444)
        expect_ping(self.a, self.pair.inner[4][1], 3, wait=10)
        self.config.peers[0].preshared_key = None
        self.reload()
        self.assertFalse(self.node.peers(self.name)[0].has_preshared_key)

    def test_a_default_route_comes_and_goes(self):
        self.topology.addresses(self.b, "lo", f"{FAR[4]}/32", f"{FAR[6]}/128")
        before = self.state()
        ours = list(self.config.peers[0].allowed_ips)
        self.config.peers[0].allowed_ips = ["0.0.0.0/0", "::/0"]
        self.reload()
        self.assertEqual(self.node.tunnel(self.name)["fwmark"], 51820)
        for address in FAR.values():
            expect_ping(self.a, address, 3, wait=5)
        self.reload("FwMark = 0x77")
        for family in ("-4", "-6"):
            rules = self.a.ip(family, "rule", "show")
            self.assertEqual((rules.count("lookup 119"), rules.count("suppress"), rules.count("51820")), (1, 1, 0))
        for address in FAR.values():
            expect_ping(self.a, address, 3)
        self.config.peers[0].allowed_ips = ours
        self.reload()
        self.assertEqual(self.state(), before)
        self.assertEqual(self.node.tunnel(self.name)["fwmark"], 0)

    def test_a_table_may_change_and_a_hooks_route_stays(self):
        self.a.ip("route", "add", "172.29.0.0/16", "dev", self.name)
        self.config.peers[0].allowed_ips.append("172.30.0.0/16")
        self.reload()
        self.assertEqual(self.routes(), {"172.29.0.0/16", "172.30.0.0/16"})
        self.reload("Table = 77")
        self.assertIn("172.30.0.0/16", self.a.ip("route", "show", "table", "77"))
        self.assertNotIn("172.30", self.a.ip("route", "show"))
        self.reload("Table = off")
        self.assertEqual(self.routes(), {"172.29.0.0/16"})

    def test_a_hooks_default_route_stays(self):
        self.config.peers[0].allowed_ips = ["0.0.0.0/0", "::/0"]
        self.a.ip("route", "add", "default", "dev", self.name, "table", "123")
        for number in range(2):
            self.config.mtu = 1400 + number
            self.reload("Table = off")
            self.assertEqual(self.routes(), {"default"})

    def test_a_hooks_rules_and_mark_stay(self):
        self.config.peers[0].allowed_ips += ["172.29.0.0/16"]
        self.a.run("wg", "set", self.name, "fwmark", "51820")
        rules = [("not", "fwmark", "51820", "table", "51820"), ("fwmark", "51820", "table", "51820")]
        for rule in rules:
            self.a.ip("rule", "add", *rule)
        before = self.a.ip("rule", "show")
        for more in ((), ("FwMark = 51820",), ("Table = off",)):
            self.reload(*more)
            self.assertEqual((self.a.ip("rule", "show"), self.node.tunnel(self.name)["fwmark"]), (before, 51820))

    def test_others_rules_for_its_table_keep_no_default_route_out(self):
        self.a.ip("rule", "add", "from", "10.5.0.0/16", "table", "51820")
        self.config.peers[0].allowed_ips = ["0.0.0.0/0"]
        self.reload()
        self.assertIn("not from all fwmark 0xca6c lookup 51820", self.a.ip("rule", "show"))
        self.config.peers[0].allowed_ips = ["10.0.0.0/8"]
        self.reload()
        self.assertNotIn("fwmark", self.a.ip("rule", "show"))
        self.assertIn("from 10.5.0.0/16 lookup 51820", self.a.ip("rule", "show"))

    def test_addresses_change_their_lengths(self):
        """What has a route by the interface's address gets routes of its own, and back."""
        self.config.peers[0].allowed_ips += ["10.7.0.0/24", "fd07::/64"]
        networks = [list(self.config.addresses), ["10.7.0.1/32", "fd07::1/128"], list(self.config.addresses)]
        for number, addresses in enumerate(networks):
            self.config.addresses = addresses
            self.reload()
            shown = self.a.ip("-o", "address", "show", "dev", self.name)
            self.assertEqual({word for word in shown.split() if "/" in word and not word.startswith("fe80")},
                             set(addresses))
            self.assertEqual(self.routes(), {"10.7.0.0/24", "10.7.0.2", "fd07::/64", "fd07::2"} if number == 1 else set())
            for family in (4, 6):
                expect_ping(self.a, self.pair.inner[family][1], 3, wait=5)

    def test_a_moved_interface_is_left_alone(self):
        self.write("SaveConfig = true")
        text = self.path.read_text()
        self.a.ip("link", "set", self.name, "netns", self.topology.netns("c").name)
        wait_until(lambda: self.node.tunnel(self.name)["moved"], "the daemon sees the move")
        for verb in ("reload", "save"):
            refused = self.node.cli(verb, str(self.path), check=False)
            self.assertEqual(refused.returncode, 1)
            self.assertIn("another network namespace", refused.stderr)
        self.assertEqual(self.path.read_text(), text)

    def test_what_is_refused_changes_nothing(self):
        include = ["private_key", "preshared_key"]
        silent = public_key(generate_key())
        self.node.cli("peer", "add", self.name, silent)
        self.config.peers.append(PeerConfig(silent, [], "10.9.0.2:9"))
        before, status = self.state(), self.node.tunnel(self.name, include=include)
        self.config.addresses.append("10.8.0.1/24")
        self.config.peers[0].allowed_ips += ["172.31.0.0/24", "172.30.0.0/16"]
        self.config.peers.append(PeerConfig(public_key(generate_key()), ["172.20.0.0/16"]))
        self.config.mtu = 1300
        blocker = self.a.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(blocker.close)
        blocker.bind(("0.0.0.0", 4444))
        other_route = ["172.30.0.0/16", "dev", "eth0"]
        for what, line, word in (("a wrong value", "FwMark = x", "line 2: FwMark"),
                                 ("a port that is taken", "ListenPort = 4444", "4444"),
                                 ("a route that another has", "Attach = no", "File exists")):
            with self.subTest(what):
                self.config.listen_port = 4444 if "port" in what else self.pair.port
                if "route" in what:
                    self.a.ip("route", "add", *other_route)
                refused = self.reload(line, check=False)
                if "route" in what:
                    self.a.ip("route", "del", *other_route)
                self.assertEqual(refused.returncode, 1)
                self.assertIn(word, refused.stderr)
                self.assertEqual(self.state(), before)
                now = self.node.tunnel(self.name, include=include)
                for told in (now, status):
                    for peer in told["peers"]:
                        peer.pop("rx_bytes", None), peer.pop("tx_bytes", None)
                self.assertEqual(now, status)
        expect_ping(self.a, self.pair.inner[4][1], 3)


if __name__ == "__main__":
    main()
