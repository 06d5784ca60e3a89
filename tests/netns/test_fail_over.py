# SPDX-License-Identifier: MIT
"""A peer with several endpoints is reached by the one that answers; a name is looked up again when nobody does.

    a: wgxdp, eth0 ─────────── eth0, wgxdp: b
"""

import socket
import subprocess
import threading
import unittest

from support import Events, Netns, Pair, Topology, Wgxdp, generate_key, main, public_key, wait_until

FAILED_OVER_IN = 90  # three initiations, 15 s; 15 more until a session is missed; the machine may be slow
HELD_UP = 40  # wg(8) would go on asking for a minute
NAME = "b.wgxdp.test"
NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3


class WithHosts(Netns):
    """The same namespace, entered with an /etc/hosts of its own, and a name server at 127.0.0.1."""

    def __init__(self, topology: Topology, netns: Netns):
        self.__dict__.update(vars(netns))
        self._hosts = topology.directory / "hosts"
        self.says("")
        (topology.directory / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        (topology.directory / "nsswitch.conf").write_text("hosts: files dns\n")
        binds = "".join(f"mount --bind {topology.directory}/{file} /etc/{file} && "
                        for file in ("hosts", "resolv.conf", "nsswitch.conf"))
        self._holder = topology.process(netns, "unshare", "--mount", "sh", "-c",
                                        f"{binds}echo ready && exec sleep infinity", stdout=subprocess.PIPE)
        self._holder.stdout.readline()

    def says(self, line: str) -> None:
        self._hosts.write_text(f"127.0.0.1 localhost\n{line}\n")

    def command(self, *arguments: str) -> list[str]:
        return ["nsenter", f"--net={self.path}", f"--mount=/proc/{self._holder.pid}/ns/mnt", *arguments]


class NameServer:
    """Knows one IPv4 address for all names, but refuses by this code until it is NOERROR."""

    def __init__(self, netns: Netns, address: str):
        self._address = socket.inet_aton(address)
        self._socket = netns.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 53))
        self.asked, self.code = 0, SERVFAIL
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            query, client = self._socket.recvfrom(512)
            if not query:
                return
            self.asked += 1
            self._socket.sendto(self._reply(query), client)

    def _reply(self, query: bytes) -> bytes:
        """RFC 1035: the header with flags and counts, the question again, and a record that names it by its place."""
        question = query[12:query.index(b"\0", 12) + 5]
        is_known = self.code == NOERROR and question[-4:-2] == b"\0\1"  # A
        flags = bytes((0x81, 0x80 | self.code))
        record = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4" + self._address if is_known else b""
        return query[:2] + flags + b"\0\1" + bytes((0, is_known)) + bytes(4) + question + record

    def close(self) -> None:
        self._socket.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()


class FailOver(unittest.TestCase):
    def setUp(self):
        self.topology = self.enterContext(Topology())
        self.a, self.b = self.topology.underlay()
        self.hosts = WithHosts(self.topology, self.a)
        self.left, self.right = Wgxdp(self.topology, self.hosts), Wgxdp(self.topology, self.b)
        self.left.attach("eth0", "tc")
        self.pair = Pair(self.topology, self.left, self.right)
        self.peer = self.pair.configs[0].peers[0]

    def up(self, endpoint: str) -> None:
        self.peer.endpoint, self.peer.persistent_keepalive = endpoint, 1
        self.pair.up()

    def is_answered(self) -> bool:
        return self.a.run("ping", "-c", "1", "-W", "1", self.pair.inner[4][1], check=False).returncode == 0

    def check_reached(self, endpoint: str) -> None:
        """By this endpoint, sooner or later, and packets pass."""
        wait_until(lambda: self.pair.peer_of_left().endpoint == endpoint, f"{endpoint} is tried", FAILED_OVER_IN)
        wait_until(self.is_answered, "packets pass", FAILED_OVER_IN)
        self.assertEqual(self.pair.peer_of_left().endpoint, endpoint)

    def test_the_second_endpoint_is_tried_and_left_again_when_it_dies(self):
        with Events(self.left.socket_path, kinds=["endpoint_moved"]) as events:
            self.up("10.9.0.99:51820, 10.9.0.2:51820, 10.9.0.77:51820")
            self.check_reached("10.9.0.2:51820")
            events.wait_for("endpoint_moved", previous="10.9.0.99:51820", endpoint="10.9.0.2:51820",
                            reason="fail_over")
        self.b.ip("address", "del", "10.9.0.2/24", "dev", "eth0")
        self.b.ip("address", "add", "10.9.0.77/24", "dev", "eth0")
        self.b.ip("route", "replace", "blackhole", "10.9.0.1/32")  # so that b, which does not know, cannot roam
        # only data that nobody answers tells that a session is dead: keepalives are not answered
        wait_until(lambda: not self.is_answered() and self.pair.peer_of_left().endpoint == "10.9.0.77:51820",
                   "the third is tried", FAILED_OVER_IN)
        self.b.ip("route", "del", "blackhole", "10.9.0.1/32")
        self.check_reached("10.9.0.77:51820")

    def test_a_name_that_means_another_address_is_followed_also_by_the_next_daemon(self):
        self.hosts.says(f"10.9.0.99 {NAME}")
        self.up(f"{NAME}:51820")
        peer = self.left.rpc("peer.list", tunnel=self.pair.names[0])[0]
        self.assertEqual((peer["endpoint"], peer["endpoints"]), ("10.9.0.99:51820", [f"{NAME}:51820"]))
        wait_until(lambda: NAME in self.left.remembered(), "the name is written down")
        self.left.kill()
        self.left.start()
        self.hosts.says(f"10.9.0.2 {NAME}")
        self.check_reached("10.9.0.2:51820")

    def test_a_name_is_asked_for_until_a_name_server_knows_it(self):
        self.up(f"{NAME}:51820")  # there is none
        self.assertEqual(self.left.rpc("peer.list", tunnel=self.pair.names[0])[0]["endpoint"], None)
        server = NameServer(self.a, "10.9.0.2")
        self.addCleanup(server.close)
        for server.code in (SERVFAIL, NXDOMAIN):
            enough = server.asked + 8  # A and AAAA
            wait_until(lambda: server.asked >= enough, "it is asked again and again", FAILED_OVER_IN)  # noqa: B023
            self.assertEqual(self.pair.peer_of_left().endpoint, None)
        server.code = NOERROR
        self.check_reached("10.9.0.2:51820")

    def test_names_that_nobody_answers_for_hold_up_no_other(self):
        self.up(None)
        for number in range(10):
            self.left.rpc("peer.set", tunnel=self.pair.names[0], public_key=public_key(generate_key()),
                          endpoints=[f"nobody{number}.wgxdp.test:9"])
        self.hosts.says(f"10.9.0.2 {NAME}")
        self.left.rpc("peer.set", tunnel=self.pair.names[0], public_key=self.peer.public_key,
                      endpoints=[f"{NAME}:51820"])
        wait_until(lambda: "10.9.0.2:51820" in [peer.endpoint for peer in self.left.peers(self.pair.names[0])],
                   "the one that is known is found", HELD_UP)

    def test_ipv4_is_tried_when_ipv6_is_dead(self):
        self.hosts.says(f"fd09::99 {NAME}\n10.9.0.2 {NAME}")
        self.up(f"[fd09::99]:51820, {NAME}:51820")
        self.check_reached("10.9.0.2:51820")


if __name__ == "__main__":
    main()
