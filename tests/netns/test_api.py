# SPDX-License-Identifier: MIT
"""Every method of docs/api.md, asked of a real daemon with a real session: requests, answers and events keep to the schema.

    a: wgxdp, eth0 ─────────── eth0, wgxdp: b
"""

import socket
import subprocess
import sys
import unittest

from support import Events, Pair, RpcError, Topology, Wgxdp, generate_key, main, preshared_key, public_key, wait_until
from support.host import ROOT
from support.schema import METHODS, validate


class Checked:
    """Asks, and holds both the question and the answer against the schema."""

    def __init__(self, node: Wgxdp):
        self._node = node
        self.asked: set[str] = set()

    def __call__(self, method: str, **params):
        validate("request", {"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        result = self._node.rpc(method, **params)
        validate(f"{method}.result", result)
        self.asked.add(method)
        return result


class Api(unittest.TestCase):
    def setUp(self):
        self.topology = self.enterContext(Topology())
        self.a, self.b = self.topology.underlay()
        self.left, self.right = Wgxdp(self.topology, self.a), Wgxdp(self.topology, self.b)
        self.pair = Pair(self.topology, self.left, self.right, psk=True)
        self.pair.up()
        self.ask = Checked(self.left)
        self.events = self.enterContext(Events(self.left.socket_path))

    def test_everything_a_daemon_says_keeps_to_the_schema(self):
        self.ask("events.subscribe")
        self.pair.first_ping()
        self.ask_of_nics()
        self.ask_of_peers()
        self.ask_of_tunnels()
        self.ask("status")
        self.assertEqual(self.ask.asked, set(METHODS))
        self.events.wait_for("drops")
        for kind in ("handshake_complete", "peer_up", "peer_down", "nic_attached", "nic_lost", "handshake_failed"):
            self.assertTrue(self.events.find(kind), f"{kind} is not told")
        for event in self.events.seen:
            validate("event", event)

    def ask_of_nics(self) -> None:
        self.ask("nic.attach", name="eth0", mode="tc")
        self.assertEqual([nic["name"] for nic in self.ask("nic.list")], ["eth0"])
        self.ask("nic.detach", name="eth0")

    def ask_of_peers(self) -> None:
        tunnel = self.pair.names[0]
        self.assertIn("preshared_key", self.ask("peer.list", tunnel=tunnel, include=["preshared_key"])[0])
        self.a.ip("route", "add", "unreachable", "10.66.0.0/24")
        key = public_key(generate_key())
        self.ask("peer.set", tunnel=tunnel, public_key=key, preshared_key=preshared_key(), endpoint="10.66.0.1:7",
                 persistent_keepalive=1, allowed_ips=["10.7.0.9/32", "fd07::9"], replace_allowed_ips=True,
                 update_only=False)
        self.ask("peer.set", tunnel=tunnel, public_key=key, name="Zoë's phone")
        self.ask("peer.set", tunnel=tunnel, name="Zoë's phone", persistent_keepalive=1)
        self.assertEqual([peer.get("name") for peer in self.ask("peer.list", tunnel=tunnel)], [None, "Zoë's phone"])
        other = public_key(generate_key())
        self.ask("tunnel.set", name=tunnel, fwmark=0, peers=[
            {"name": "Zoë's phone", "allowed_ips": ["fd07::/16", "!fd07::8/125"]},
            {"public_key": other, "endpoints": ["10.66.0.1:7", "vpn.example.org:8"], "update_only": False}])
        self.ask("tunnel.set", name=tunnel, mtu=1380, peers=[{"public_key": other, "remove": True}])
        self.a.run("ping", "-c", "1", "-W", "1", "10.7.0.99", check=False)  # nobody's: a drop
        self.events.wait_for("handshake_failed", name="Zoë's phone", reason="send_failed")
        self.ask("peer.remove", tunnel=tunnel, name="Zoë's phone")
        self.ask("peer.remove", tunnel=tunnel, public_key=self.pair.configs[1].public_key)

    def ask_of_tunnels(self) -> None:
        peer = {"public_key": public_key(generate_key()), "endpoint": "[fd09::2]:7", "allowed_ips": ["10.8.0.2/32"]}
        self.ask("tunnel.add", name="other", private_key=generate_key(), listen_port=0, fwmark=7, mtu=1400,
                 addresses=["10.8.0.1/24"], attach=False, routes=True, bare=False, peers=[peer])
        self.assertIn("private_key", self.ask("tunnel.list", name="other", include=["private_key"])[0])
        self.assertEqual(len(self.ask("tunnel.list")), 2)
        self.ask("tunnel.remove", name="other")

    def test_an_interface_is_changed_whole_or_not_at_all(self):
        tunnel = self.pair.names[0]

        def addresses() -> set[str]:
            lines = self.a.ip("-o", "address", "show", "dev", tunnel).splitlines()
            return {line.split()[3] for line in lines if " fe80" not in line}

        def mtu() -> int:
            return self.left.tunnel(tunnel)["mtu"]

        self.left.rpc("tunnel.set", name=tunnel, addresses=["10.7.0.1/24", "10.7.0.7/24", "fd07::1/64"], mtu=8000)
        self.pair.first_ping()
        self.assertIn("mtu 8000 ", self.a.ip("link", "show", tunnel))
        kept = ["10.7.0.7/24", "fd07::1/64"]
        self.left.rpc("tunnel.set", name=tunnel, addresses=kept)  # the first of a network goes, the second stays
        self.assertEqual((addresses(), mtu()), (set(kept), 8000))
        self.left.rpc("tunnel.set", name=tunnel)
        self.assertEqual((addresses(), mtu()), (set(kept), 8000))
        blocker = self.a.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(blocker.close)
        blocker.bind(("0.0.0.0", 4444))
        for refused in ({"mtu": 1000, "addresses": ["10.8.0.1/24"], "listen_port": 4444}, {"mtu": 1000},
                        {"mtu": 9000, "addresses": ["10.7.0.7/32", "fd07::1/128"], "listen_port": 4444},
                        {"mtu": 1000, "addresses": ["10.8.0.1/24", "fd08::1/64"]}, {"mtu": 65535, "addresses": []}):
            with self.subTest(**refused):
                with self.assertRaises(RpcError):
                    self.left.rpc("tunnel.set", name=tunnel, **refused)
                self.assertEqual((addresses(), mtu()), (set(kept), 8000))
        for others in (["10.7.0.7/32", "fd07::1/128"], kept):  # the same, of other lengths
            self.left.rpc("tunnel.set", name=tunnel, addresses=others)
            self.assertEqual(addresses(), set(others))
        self.left.rpc("tunnel.set", name=tunnel, addresses=["10.7.0.7/24"], mtu=1000)
        self.assertEqual((addresses(), mtu()), ({"10.7.0.7/24"}, 1000))
        self.a.ip("link", "set", tunnel, "netns", self.topology.netns("c").name)
        wait_until(lambda: self.left.tunnel(tunnel)["moved"], "the daemon sees the move")
        with self.assertRaisesRegex(RpcError, "another network namespace"):
            self.left.rpc("tunnel.set", name=tunnel, mtu=1400)

    def test_a_tunnel_attaches_its_nics_from_when_it_is_told(self):
        self.pair.first_ping()
        self.assertEqual(self.left.nics(), {})
        self.left.rpc("tunnel.set", name=self.pair.names[0], attach=True)
        wait_until(lambda: list(self.left.nics()) == ["eth0"], "eth0 is attached")

    def test_the_example_shows_the_peers_and_follows_them(self):
        shown = self.topology.directory / "watch.out"
        with shown.open("w") as out:
            self.topology.process(self.a, sys.executable, "-I", str(ROOT / "docs/examples/watch.py"),
                                  self.left.socket_path, stdout=out, stderr=subprocess.STDOUT)

        def has(*words: str) -> bool:
            return any(all(word in line for word in words) for line in shown.read_text().splitlines())

        key = self.pair.configs[1].public_key
        wait_until(lambda: has(self.pair.names[0], key, "bytes received"), "the peer is shown")
        self.pair.first_ping()
        wait_until(lambda: has("peer_up", key), "the example follows its peer")

    def test_errors_keep_to_the_schema_and_change_nothing(self):
        before = self.left.rpc("tunnel.list")
        for line in (b"{", b"[]", b'{"jsonrpc":"2.0","id":1}', b'{"jsonrpc":"2.0","id":"x","method":"nothing"}',
                     b'{"jsonrpc":"2.0","id":1,"method":"peer.list","params":{"tunnel":"none"}}',
                     b'{"jsonrpc":"2.0","id":1,"method":"nic.attach","params":{"name":7}}'):
            with self.subTest(line=line):
                answer = self.left.answer(line)
                validate("response", answer)
                self.assertIn("error", answer)
        self.assertEqual(self.left.rpc("tunnel.list"), before)
        with self.assertRaises(RpcError):
            self.left.rpc("tunnel.remove", name="none")


if __name__ == "__main__":
    main()
