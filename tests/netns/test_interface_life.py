# SPDX-License-Identifier: MIT
"""What an interface and the machine around it go through: down and up, an address that goes, a copy of the machine.

    a: wgxdp, eth0 ─────────── eth0, wgxdp: b
"""

import socket
import unittest
from pathlib import Path

from support import MIB, Capture, Pair, Topology, Wgxdp, expect_ping, main, wait_until
from support.noise import TRANSPORT_DATA
from support.traffic import SLOWNESS

NETLINK_KOBJECT_UEVENT = 15
INITIATION_SIZE = 148


class InterfaceLife(unittest.TestCase):
    def start(self, **options) -> tuple[Topology, Pair]:
        topology = self.enterContext(Topology())
        a, b = topology.underlay()
        pair = Pair(topology, Wgxdp(topology, a), Wgxdp(topology, b), **options)
        for node in (pair.left, pair.right):
            node.attach("eth0")
        return topology, pair

    def test_down_closes_the_port_and_wipes_the_session_and_up_begins_anew(self):
        _, pair = self.start()
        pair.up()
        pair.first_ping()
        a, name = pair.left.netns, pair.names[0]
        listening = lambda: f":{pair.port} " in a.run("ss", "-Huln").stdout  # noqa: E731
        self.assertTrue(listening())
        a.ip("link", "set", name, "down")
        wait_until(lambda: not listening(), "the port is closed")
        self.assertEqual(pair.left.tunnel(name)["listen_port"], pair.port)
        with Capture(a, "eth0") as capture:
            a.ip("link", "set", name, "up")
            wait_until(listening, "the port is open")
            pair.left.netns.ip("address", "replace", f"{pair.inner[6][0]}/64", "dev", name, "nodad")
            expect_ping(a, pair.inner[4][1], wait=5)
            self.assertTrue([sent for sent in capture.datagrams(pair.port) if len(sent.payload) == INITIATION_SIZE])
        pair.first_ping()

    def test_a_port_set_while_down_is_opened_by_up(self):
        _, pair = self.start()
        pair.up()
        a, name = pair.left.netns, pair.names[0]
        a.ip("link", "set", name, "down")
        wait_until(lambda: f":{pair.port} " not in a.run("ss", "-Huln").stdout, "the port is closed")
        a.run("wg", "set", name, "listen-port", str(pair.port + 7))
        self.assertNotIn(f":{pair.port + 7} ", a.run("ss", "-Huln").stdout)
        a.ip("link", "set", name, "up")
        wait_until(lambda: f":{pair.port + 7} " in a.run("ss", "-Huln").stdout, "the new port is open")
        expect_ping(a, pair.inner[4][1], wait=5)

    def test_a_port_that_is_taken_is_told_once_and_another_one_opens_at_once(self):
        _, pair = self.start()
        pair.up()
        a, name = pair.left.netns, pair.names[0]
        a.ip("link", "set", name, "down")
        wait_until(lambda: f":{pair.port} " not in a.run("ss", "-Huln").stdout, "the port is closed")
        log = Path(f"/run/wgxdp/{pair.left.instance}.log")
        refusals = lambda: log.read_text().count("not up")  # noqa: E731
        listening = lambda port: f":{port} " in a.run("ss", "-Huln").stdout  # noqa: E731
        with a.socket(socket.AF_INET, socket.SOCK_DGRAM) as other, a.socket(socket.AF_INET, socket.SOCK_DGRAM) as source:
            other.bind(("0.0.0.0", pair.port))
            a.ip("link", "set", name, "up")
            wait_until(lambda: refusals() == 1, "it is said")
            before = a.counter("IpOutRequests")
            for _ in range(200):
                source.sendto(b"into the tunnel", (pair.inner[4][1], 9))
            self.assertGreaterEqual(a.counter("IpOutRequests"), before + 200)
            a.run("wg", "set", name, "listen-port", str(pair.port + 7))
            self.assertTrue(listening(pair.port + 7))
            expect_ping(a, pair.inner[4][1], wait=10)
            before = pair.left.runs()["wg_rx_xdp"]
            pair.transfer(4, 2 * MIB)
            self.assertGreater(pair.left.runs()["wg_rx_xdp"], before + 2 * MIB // SLOWNESS // 1420, "BPF receives")
            self.assertEqual(refusals(), 1)
            a.ip("link", "set", name, "down")
            wait_until(lambda: not listening(pair.port + 7), "the port is closed")
            a.run("wg", "set", name, "listen-port", str(pair.port))
            a.ip("link", "set", name, "up")
            wait_until(lambda: refusals() == 2, "it is said again")
        wait_until(lambda: listening(pair.port), "it is opened when it is free")
        expect_ping(a, pair.inner[4][1], wait=10)
        self.assertEqual(refusals(), 2)

    def test_a_source_address_that_is_gone_is_forgotten(self):
        topology, pair = self.start(initiator="right", outer_addresses=("10.9.0.11", "10.9.0.2"))
        a = pair.left.netns
        topology.addresses(a, "eth0", "10.9.0.11/32")
        pair.up()
        pair.first_ping()
        self.assertEqual(pair.peer_of_right().endpoint, f"10.9.0.11:{pair.port}")
        a.ip("address", "del", "10.9.0.11/32", "dev", "eth0")
        other = f"10.9.0.1:{pair.port}"

        def heard_from_the_other() -> bool:
            a.run("ping", "-c1", "-W1", pair.inner[4][1], check=False)
            return pair.peer_of_right().endpoint == other

        wait_until(heard_from_the_other, "packets come from the address that is left")
        topology.addresses(a, "eth0", "10.9.0.11/32")
        expect_ping(a, pair.inner[4][1], 3)
        self.assertEqual(pair.peer_of_right().endpoint, other)

    def test_a_copied_machine_seals_nothing_more_with_the_keys_of_the_first(self):
        _, pair = self.start()
        pair.up()
        pair.first_ping()
        a = pair.left.netns
        initiations = lambda capture: [sent for sent in capture.datagrams(pair.port)  # noqa: E731
                                       if len(sent.payload) == INITIATION_SIZE]
        with Capture(a, "eth0") as capture:
            expect_ping(a, pair.inner[4][1])
            self.assertFalse(initiations(capture))
            with a.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_KOBJECT_UEVENT) as kernel:
                kernel.sendto(b"change@/devices/vmgenid\0ACTION=change\0NEW_VMGENID=1\0", (0, 1))
            wait_until(lambda: expect_ping(a, pair.inner[4][1], wait=5) or initiations(capture), "a new session is begun")
            expect_ping(a, pair.inner[4][1])
            sent = capture.datagrams(pair.port)
            begun = sent.index(initiations(capture)[0])
            receivers = {bytes(datagram.payload[4:8]) for datagram in sent[begun:]
                         if datagram.source_port == pair.port and datagram.payload[0] == TRANSPORT_DATA}
            self.assertEqual(len(receivers), 1)


if __name__ == "__main__":
    main()
