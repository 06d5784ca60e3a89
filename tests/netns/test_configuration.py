# SPDX-License-Identifier: MIT
"""Requests are applied whole or refused whole, in words; keys stay hidden.

    a: wgxdp, eth0 ─────────── eth0, wgxdp: b
"""

import json
import socket
import unittest
from pathlib import Path

from support import (Pair, RpcError, Topology, Wgxdp, expect_ping, generate_key, main, ping, preshared_key, public_key,
                     wait_until)
from support.host import run

PRIVATE, PEER = generate_key(), public_key(generate_key())
INTERFACE = f"[Interface]\nPrivateKey = {PRIVATE}\n"
SECTION = f"[Peer]\nPublicKey = {PEER}\n"

# What is wrong, the file, and what the sentence must name.
BAD_FILES = [
    ("a private key that is none", "[Interface]\nPrivateKey = short\n", ("line 2", "PrivateKey")),
    ("no private key", "[Interface]\nListenPort = 1\n", ("PrivateKey",)),
    ("a port out of range", INTERFACE + "ListenPort = 65536\n", ("line 3", "ListenPort")),
    ("a mark that is no number", INTERFACE + "FwMark = blue\n", ("line 3", "FwMark")),
    ("an address that is none", INTERFACE + "Address = 10.0.0.300/24\n", ("line 3", "Address")),
    ("an MTU out of range", INTERFACE + "MTU = -5\n", ("line 3", "MTU")),
    ("an unknown key", INTERFACE + "Colour = blue\n", ("line 3", "Colour")),
    ("a search domain that is none", INTERFACE + "DNS = 10.0.0.1, $(id)\n", ("line 3", "DNS")),
    ("a table that is none", INTERFACE + "Table = 1 2\n", ("line 3", "Table")),
    ("neither yes nor no", INTERFACE + "SaveConfig = 1\n", ("line 3", "SaveConfig")),
    ("nothing but holes", INTERFACE + SECTION + "AllowedIPs = !10.0.0.0/8\n", ("line 5", "AllowedIPs", "nothing")),
    ("an unknown section", INTERFACE + "[Friend]\n", ("line 3", "Friend")),
    ("a line without a value", INTERFACE + "ListenPort\n", ("line 3",)),
    ("a peer without a public key", INTERFACE + "[Peer]\nAllowedIPs = 10.0.0.0/8\n", ("PublicKey",)),
    ("a public key that is none", INTERFACE + "[Peer]\nPublicKey = AAAA\n", ("line 4", "PublicKey")),
    ("a prefix that is too long", INTERFACE + SECTION + "AllowedIPs = 10.0.0.0/33\n", ("line 5", "AllowedIPs")),
    ("an endpoint without a port", INTERFACE + SECTION + "Endpoint = 10.0.0.1\n", ("line 5", "Endpoint")),
    ("a keepalive out of range", INTERFACE + SECTION + "PersistentKeepalive = 65536\n",
     ("line 5", "PersistentKeepalive")),
    ("a preshared key that is none", INTERFACE + SECTION + "PresharedKey = x\n", ("line 5", "PresharedKey")),
    ("the last peer of many is wrong", INTERFACE + SECTION + "AllowedIPs = 10.1.0.0/16\n\n[Peer]\nPublicKey = no\n",
     ("line 8", "PublicKey")),
]

# A request, and the code and a word of its refusal.
BAD_REQUESTS = [
    (b"{", -32700, ""),
    (b'{"jsonrpc": "2.0", "id": 1}', -32600, ""),
    (b'{"jsonrpc": "2.0", "id": 1, "method": "tunnel.paint"}', -32601, "tunnel.paint"),
    (b'{"jsonrpc": "2.0", "id": 1, "method": "nic.attach", "params": {"name": "eth0", "colour": 1}}', -32602, "colour"),
    (b'{"jsonrpc": "2.0", "id": 1, "method": "nic.attach", "params": {"name": "nosuch0"}}', -32000, "nosuch0"),
]


class Configuration(unittest.TestCase):
    def setUp(self):
        self.topology = self.enterContext(Topology())
        self.a, self.b = self.topology.underlay()
        self.node, self.other = Wgxdp(self.topology, self.a), Wgxdp(self.topology, self.b)

    def pair(self, **options) -> Pair:
        return Pair(self.topology, self.node, self.other, **options)

    def test_a_bad_file_is_refused_whole_by_line_and_field(self):
        name = self.topology.unique("bad")
        path = self.topology.directory / f"{name}.conf"
        for what, text, words in BAD_FILES:
            with self.subTest(what):
                path.write_text(text)
                refused = self.node.cli("up", str(path), check=False)
                self.assertEqual(refused.returncode, 1)
                self.assertIn(path.name, refused.stderr)
                for word in words:
                    self.assertIn(word, refused.stderr)
                self.assertNotIn(PRIVATE, refused.stderr)
                self.assertFalse(self.a.has_device(name))
                self.assertFalse(self.a.has_device(f"{name}x"))
        wait_until(lambda: not self.node.leftovers(), "nothing is left of the attempts")

    def test_a_tunnel_that_cannot_be_made_leaves_nothing_half_done(self):
        first, second = self.pair().configs[0], self.pair(number=1).configs[0]
        self.node.up(first)
        second.listen_port = first.listen_port
        for config, word in ((second, str(first.listen_port)), (first, first.name)):
            refused = self.node.cli("up", self.node.config_file(config), check=False)
            self.assertEqual(refused.returncode, 1)
            self.assertIn(word, refused.stderr)
        self.assertFalse(self.a.has_device(second.name))
        self.assertEqual([tunnel["name"] for tunnel in self.node.rpc("tunnel.list")], [first.name])

    def test_peers_come_and_go_while_the_tunnel_is_up(self):
        pair = self.pair()
        peer, pair.configs[0].peers = pair.configs[0].peers[0], []
        self.node.attach("eth0")
        pair.up()
        there = pair.inner[4][1]
        self.assertEqual(ping(self.a, there, wait=1).received, 0)
        secret = self.topology.directory / "psk"
        secret.write_text(preshared_key())
        self.node.cli("peer", "add", pair.names[0], peer.public_key, "--endpoint", peer.endpoint,
                      "--allowed-ips", ",".join(peer.allowed_ips), "--persistent-keepalive", "25")
        status = pair.peer_of_left()
        self.assertEqual((status.endpoint, status.allowed_ips, status.persistent_keepalive, status.has_preshared_key),
                         (peer.endpoint, frozenset(peer.allowed_ips), 25, False))
        expect_ping(self.a, there, 5, wait=5)
        self.node.cli("peer", "add", pair.names[0], peer.public_key, "--preshared-key", str(secret))
        self.assertTrue(pair.peer_of_left().has_preshared_key)
        expect_ping(self.a, there, 5)  # a preshared key counts from the next handshake on
        self.node.cli("peer", "remove", pair.names[0], peer.public_key)
        self.assertEqual(self.node.peers(pair.names[0]), [])
        self.assertEqual(ping(self.a, there, wait=1).received, 0)

    def test_an_allowed_ip_moves_from_peer_to_peer(self):
        pair = self.pair()
        pair.up()
        pair.first_ping()
        moved = f"{pair.inner[4][1]}/32"
        self.node.cli("peer", "add", pair.names[0], PEER, "--allowed-ips", moved)
        owners = {peer.public_key: peer.allowed_ips for peer in self.node.peers(pair.names[0])}
        self.assertEqual(owners[PEER], {moved})
        self.assertNotIn(moved, owners[pair.configs[1].public_key])
        self.assertEqual(ping(self.a, pair.inner[4][1], wait=1).received, 0)
        expect_ping(self.a, pair.inner[6][1], 3)

    def test_routes_lead_to_the_allowed_ips(self):
        pair = self.pair()
        pair.configs[0].peers[0].allowed_ips += ["172.20.0.0/16", "fd20::/32"]
        pair.up()
        self.assertIn("172.20.0.0/16", self.a.ip("route", "show", "dev", pair.names[0]))
        self.assertIn("fd20::/32", self.a.ip("-6", "route", "show", "dev", pair.names[0]))

    def test_keys_are_shown_only_on_demand(self):
        pair = self.pair(psk=True)
        pair.up()
        pair.first_ping()
        config = pair.configs[0]
        secrets = config.private_key, config.peers[0].preshared_key
        for arguments in (["show"], ["show", config.name], ["show", "--json"]):
            shown = self.node.cli(*arguments).stdout
            self.assertIn(config.public_key, shown)
            for secret in secrets:
                self.assertNotIn(secret, shown)
        self.assertIn("(hidden)", self.node.cli("show").stdout)
        demanded = self.node.cli("show", config.name, "--show-keys").stdout
        for secret in secrets:
            self.assertIn(secret, demanded)
        self.assertNotIn("private_key", self.node.tunnel(config.name))
        self.assertEqual(self.node.tunnel(config.name, include=["private_key"])["private_key"], secrets[0])
        self.assertEqual(Path(self.node.socket_path).stat().st_mode & 0o777, 0o600)

    def test_keys_are_those_of_wg(self):
        key = self.node.cli("genkey").stdout.strip()
        self.assertEqual(self.node.cli("pubkey", stdin=key).stdout, run(["wg", "pubkey"], stdin=key).stdout)
        self.assertNotEqual(self.node.cli("genpsk").stdout, self.node.cli("genpsk").stdout)

    def test_bad_requests_are_refused_by_code_and_name(self):
        self.node.attach("eth0")
        for line, code, word in BAD_REQUESTS:
            with self.subTest(line):
                error = json.loads(self.node.raw(line))["error"]
                self.assertEqual(error["code"], code)
                self.assertIn(word, error["message"])
        with self.assertRaisesRegex(RpcError, "listen_port"):
            self.node.rpc("tunnel.add", name="never0", private_key=PRIVATE, listen_port=70000)
        self.assertFalse(self.a.has_device("never0"))

    def test_notifications_are_carried_out_and_not_answered(self):
        self.node.attach("eth0")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(5)
            connection.connect(self.node.socket_path)
            connection.sendall(b'{"jsonrpc": "2.0", "method": "status"}\n')
            connection.sendall(b'{"jsonrpc": "2.0", "id": 7, "method": "status"}\n')
            self.assertEqual(json.loads(connection.makefile().readline())["id"], 7)

    def test_commands_say_that_no_daemon_runs(self):
        for command in (["show"], ["drops"], ["detach", "eth0"], ["down", "never0"]):
            refused = self.node.cli(*command, check=False)
            self.assertEqual(refused.returncode, 1)
            self.assertRegex(refused.stderr, "(?i)no daemon|not running|wgxdpd")
        self.assertEqual(self.node.leftovers(), [])


if __name__ == "__main__":
    main()
