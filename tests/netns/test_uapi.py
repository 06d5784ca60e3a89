# SPDX-License-Identifier: MIT
"""wg(8), unchanged, shows and configures a tunnel by the socket that the daemon gives it.

    a: wgxdp, eth0 ─────────── eth0, wgxdp: b
"""

import socket
import unittest
from concurrent.futures import ThreadPoolExecutor

from support import (Pair, PeerConfig, Topology, TunnelConfig, Wgxdp, generate_key, main, preshared_key, public_key,
                     wait_until)

PEERS, PREFIXES = 40, 1000


def peer_keys(number: int) -> list[str]:
    return [public_key(generate_key()) for _ in range(number)]


def exchange(tunnel: str, request: bytes) -> bytes:
    """All that the tunnel's socket answers to these bytes."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(10)
        connection.connect(f"/var/run/wireguard/{tunnel}.sock")
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return connection.makefile("rb").read()


class Uapi(unittest.TestCase):
    def setUp(self):
        self.topology = self.enterContext(Topology())
        self.a, self.b = self.topology.underlay()
        self.node = Wgxdp(self.topology, self.a)

    def wg(self, *arguments: str, check: bool = True) -> str:
        return self.a.run("wg", *arguments, check=check).stdout

    def complaint(self, *arguments: str) -> str:
        refused = self.a.run("wg", *arguments, check=False)
        self.assertEqual(refused.returncode, 1)
        return refused.stderr.strip()

    def bare(self) -> str:
        name = self.topology.unique("w")
        self.node.make_bare(name)
        return name

    def file(self, text: str) -> str:
        path = self.topology.directory / "wg.conf"
        path.write_text(text)
        path.chmod(0o600)
        return str(path)

    def peers(self, tunnel: str) -> dict[str, list[str]]:
        """The fields that `wg show TUNNEL dump` has for each peer: preshared key, endpoint, allowed IPs, latest
        handshake, received, sent, keepalive."""
        lines = (line.split("\t") for line in self.wg("show", tunnel, "dump").splitlines()[1:])
        return {key: fields for key, *fields in lines}

    def config(self, name: str, *peers: PeerConfig) -> TunnelConfig:
        return TunnelConfig(name, generate_key(), 51999, [], list(peers))

    # --- showing ---

    def test_every_form_of_show_tells_the_truth(self):
        other = Wgxdp(self.topology, self.b)
        pair = Pair(self.topology, self.node, other, psk=True)
        pair.up()
        pair.first_ping()
        (name, _), (config, right), peer = pair.names, pair.configs, pair.peer_of_left()
        psk, allowed = config.peers[0].preshared_key, " ".join(config.peers[0].allowed_ips)
        device = [config.private_key, config.public_key, str(config.listen_port), "off"]
        fields = self.peers(name)[right.public_key]
        self.assertEqual(fields, [psk, peer.endpoint, allowed.replace(" ", ","), str(peer.latest_handshake),
                                  str(peer.rx_bytes), str(peer.tx_bytes), "off"])
        everything = self.wg("show", "all", "dump").splitlines()
        self.assertIn("\t".join([name, *device]), everything)
        self.assertIn("\t".join([name, right.public_key, *fields]), everything)
        self.assertLessEqual(set(pair.names), set(self.wg("show", "interfaces").split()))
        forms = {"public-key": device[1], "private-key": device[0], "listen-port": device[2], "fwmark": "off",
                 "peers": right.public_key, "preshared-keys": f"{right.public_key}\t{psk}",
                 "endpoints": f"{right.public_key}\t{peer.endpoint}",
                 "allowed-ips": f"{right.public_key}\t{allowed}",
                 "latest-handshakes": f"{right.public_key}\t{peer.latest_handshake}",
                 "transfer": f"{right.public_key}\t{peer.rx_bytes}\t{peer.tx_bytes}",
                 "persistent-keepalive": f"{right.public_key}\toff"}
        for form, expected in forms.items():
            with self.subTest(form):
                self.assertEqual(self.wg("show", name, form).strip(), expected)
        shown = self.wg("show", name)
        for words in (f"interface: {name}", f"peer: {right.public_key}", "latest handshake: ", "preshared key: (hidden)",
                      f"endpoint: {peer.endpoint}"):
            self.assertIn(words, shown)

    def test_a_large_tunnel_is_read_back_complete(self):
        name = self.bare()
        expected = {key: {f"10.{number}.{i >> 8}.{i & 255}/32" for i in range(PREFIXES)}
                    for number, key in enumerate(peer_keys(PEERS))}
        text = "".join(f"[Peer]\nPublicKey = {key}\nAllowedIPs = {', '.join(prefixes)}\n"
                       for key, prefixes in expected.items())
        self.wg("addconf", name, self.file(text))
        found = {key: set(fields[2].split(",")) for key, fields in self.peers(name).items()}
        self.assertEqual(found, expected)

    def test_many_clients_are_served_at_once(self):
        name = self.bare()
        keys = peer_keys(20)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as silent:
            silent.connect(f"/var/run/wireguard/{name}.sock")
            silent.sendall(b"get=1\n\nset=1\nlisten_port=1\n")  # never reads, never ends its request
            with ThreadPoolExecutor(10) as pool:
                done = [pool.submit(self.wg, "set", name, "peer", key, "allowed-ips", f"10.0.0.{i}/32")
                        for i, key in enumerate(keys)]
                done += [pool.submit(self.wg, "show", name, "dump") for _ in keys]
                for each in done:
                    each.result()
        found = {key: fields[2] for key, fields in self.peers(name).items()}
        self.assertEqual(found, {key: f"10.0.0.{i}/32" for i, key in enumerate(keys)})

    # --- configuring ---

    def test_set_changes_what_it_names(self):
        name = self.bare()
        key, first, second = generate_key(), *peer_keys(2)
        self.wg("set", name, "private-key", self.file(key), "listen-port", "51999", "fwmark", "0x10")
        self.assertEqual(self.wg("show", name, "dump").split(), [key, public_key(key), "51999", "0x10"])
        self.assertEqual(self.node.tunnel(name)["listen_port"], 51999)
        self.wg("set", name, "peer", first, "preshared-key", self.file(preshared_key()), "endpoint",
                "[fe80::2%eth0]:7", "persistent-keepalive", "25", "allowed-ips", "10.0.0.0/8,fd00::/8",
                "peer", second, "allowed-ips", "11.0.0.0/8")
        _, endpoint, allowed, *_, keepalive = self.peers(name)[first]
        self.assertEqual((endpoint, allowed, keepalive), ("[fe80::2%eth0]:7", "10.0.0.0/8,fd00::/8", "25"))
        self.wg("set", name, "peer", second, "allowed-ips", "10.0.0.0/8")  # moves it, and forgets the old one
        self.assertEqual([self.peers(name)[peer][2] for peer in (first, second)], ["fd00::/8", "10.0.0.0/8"])
        self.wg("set", name, "peer", first, "preshared-key", "/dev/null", "persistent-keepalive", "off",
                "allowed-ips", "", "peer", second, "remove")
        self.assertEqual(self.peers(name), {first: ["(none)", "[fe80::2%eth0]:7", "(none)", "0", "0", "0", "off"]})
        self.wg("set", name, "private-key", "/dev/null", "fwmark", "off")
        self.assertEqual(self.wg("show", name, "dump").splitlines()[0].split(), ["(none)", "(none)", "51999", "off"])

    def test_a_tunnel_that_lists_itself_ignores_itself(self):
        name = self.bare()
        key, other = generate_key(), peer_keys(1)[0]
        self.wg("set", name, "private-key", self.file(key), "peer", public_key(key), "allowed-ips", "10.0.0.0/8",
                "peer", other, "allowed-ips", "11.0.0.0/8")
        self.assertEqual(list(self.peers(name)), [other])
        self.wg("set", name, "peer", public_key(key), "allowed-ips", "12.0.0.0/8")
        self.assertEqual(list(self.peers(name)), [other])

    def test_configuration_files_replace_add_and_synchronize(self):
        name = self.bare()
        first, second, third = peer_keys(3)
        psk = preshared_key()
        config = self.config(name, PeerConfig(first, ["10.1.0.0/16"], "10.9.0.2:1", psk, 5),
                             PeerConfig(second, ["10.2.0.0/16", "fd02::/16"]))
        self.wg("addconf", name, self.file(f"[Peer]\nPublicKey = {third}\nAllowedIPs = 10.3.0.0/16\n"))
        self.wg("setconf", name, self.file(config.setconf()))
        self.assertEqual(list(self.peers(name)), [first, second])
        self.assertEqual(self.wg("show", name, "private-key").strip(), config.private_key)
        self.wg("addconf", name, self.file(f"[Peer]\nPublicKey = {third}\nAllowedIPs = 10.1.0.0/16\n"))
        self.assertEqual({key: fields[2] for key, fields in self.peers(name).items()},
                         {first: "(none)", second: "10.2.0.0/16,fd02::/16", third: "10.1.0.0/16"})
        config.peers = [PeerConfig(first, ["10.1.0.0/16"], None, psk, 6), PeerConfig(third, ["10.3.0.0/16"])]
        self.wg("syncconf", name, self.file(config.setconf()))
        self.assertEqual(self.peers(name), {first: [psk, "10.9.0.2:1", "10.1.0.0/16", "0", "0", "0", "6"],
                                            third: ["(none)", "(none)", "10.3.0.0/16", "0", "0", "0", "off"]})
        shown = self.wg("showconf", name)
        self.wg("setconf", name, self.file("[Interface]\n"))
        self.assertEqual(self.peers(name), {})
        self.assertEqual(self.wg("show", name, "private-key").strip(), "(none)")
        self.wg("setconf", name, self.file(shown))
        self.assertEqual(self.wg("showconf", name), shown)

    # --- refusing ---

    def test_refusals_have_their_names_and_change_nothing(self):
        name, peer = self.bare(), peer_keys(1)[0]
        self.a.ip("link", "set", name, "up")
        wait_until(lambda: self.wg("show", name, "listen-port").strip() != "0", "the port is open")
        before = self.wg("showconf", name)
        with self.a.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("0.0.0.0", 0))
            port = str(taken.getsockname()[1])
            self.assertEqual(self.complaint("set", name, "fwmark", "7", "listen-port", port),
                             "Unable to modify interface: Address already in use")
        self.assertEqual(self.complaint("set", name, "fwmark", "7", "peer", peer, "endpoint", "10.9.0.2:0"),
                         "Unable to modify interface: Invalid argument")
        self.assertEqual(self.wg("showconf", name), before)

    def test_the_protocol_is_read_strictly(self):
        name = self.bare()
        before = self.wg("showconf", name)
        key = b"public_key=" + b"1f" * 32 + b"\n"
        for request, answer in (
                (b"set=1\nfwmark=1\nfoo=1\n\n", b"errno=-22\n\n"),
                (b"set=1\nfwmark=1\nfoo\n\n", b"errno=-71\n\n"),
                (b"set=1\nfwmark=1\n" + key + b"protocol_version=2\n\n", b"errno=-22\n\n"),
                (b"set=1\nfwmark=1\n" + key + b"allowed_ip=10.0.0.0/33\n\n", b"errno=-22\n\n"),
                (b"set=2\nfwmark=1\n\n", b"errno=-22\n\n"),
                (b"get=1\nfwmark=1\n\n", b"errno=22\n\n"),
                ((b"set=1\n" + key + b"update_only=true\nallowed_ip=10.0.0.0/8\n\n") * 2, b"errno=0\n\n" * 2),
                (b"set=1\nfwmark=1\n", b"")):
            with self.subTest(request):
                self.assertEqual(exchange(name, request), answer)
                self.assertEqual(self.wg("showconf", name), before)

    def test_a_prefix_can_be_removed_alone(self):
        name, peer = self.bare(), peer_keys(1)[0]
        self.wg("set", name, "peer", peer, "allowed-ips", "10.0.0.0/8,11.0.0.0/8,fd00::/8")
        key = next(line for line in exchange(name, b"get=1\n\n").splitlines() if line.startswith(b"public_key="))
        removal = b"set=1\n" + key + b"\nallowed_ip=-11.0.0.0/8\nallowed_ip=-12.0.0.0/8\n\n"
        self.assertEqual(exchange(name, removal), b"errno=0\n\n")
        self.assertEqual(self.peers(name)[peer][2], "10.0.0.0/8,fd00::/8")


if __name__ == "__main__":
    main()
