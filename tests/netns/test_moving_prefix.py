# SPDX-License-Identifier: MIT
"""A prefix that moves from peer to peer under traffic is always somebody's.

    a: wgxdp, eth0 ─────────── eth0, two wgxdp tunnels: b
"""

import itertools
import select
import socket
import threading
import time
import unittest

from support import Pair, Topology, Wgxdp, main, wait_until

PREFIX = "10.50.0.1/32"
MOVES = 200


class MovingPrefix(unittest.TestCase):
    def test_every_packet_reaches_the_old_owner_or_the_new_one(self):
        topology = self.enterContext(Topology())
        a, b = topology.underlay()
        left, right = Wgxdp(topology, a), Wgxdp(topology, b)
        for node in (left, right):
            node.attach("eth0")
        pairs = [Pair(topology, left, right, number=number) for number in (0, 1)]
        # one tunnel on the left with both peers; two on the right, each with the moving address
        config, other = pairs[0].configs[0], pairs[1].configs[0]
        for pair in pairs:
            pair.configs[1].peers[0].public_key = config.public_key
            pair.configs[1].peers[0].allowed_ips = ["10.7.0.0/16"]
            pair.configs[1].addresses = [f"{pair.inner[4][1]}/16"]
            pair.configs[1].peers[0].endpoint = None
            right.up(pair.configs[1])
        config.addresses = ["10.7.0.1/16"]
        config.peers.extend(other.peers)
        for peer in config.peers:
            peer.allowed_ips = [prefix for prefix in peer.allowed_ips if ":" not in prefix]
        left.up(config)
        a.ip("route", "add", PREFIX, "dev", config.name)
        topology.addresses(b, "lo", PREFIX)
        b.sysctl("net.ipv4.conf.all.rp_filter", 0)
        for pair in pairs:
            b.sysctl(f"net.ipv4.conf.{pair.names[1]}.rp_filter", 0)
            a.run("ping", "-c1", "-W1", pair.inner[4][1], check=False)  # both answers would leave by one tunnel
        wait_until(lambda: all(peer.latest_handshake for peer in left.peers(config.name)), "both peers have a session")
        peers = [peer.public_key for peer in config.peers]
        before = left.drops().get("no_peer", 0)
        left.rpc("peer.set", tunnel=config.name, public_key=peers[0], allowed_ips=[PREFIX])

        sent, stop, received = 0, threading.Event(), set()
        with (b.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink, a.socket(socket.AF_INET, socket.SOCK_DGRAM) as source):
            sink.bind((PREFIX.split("/", maxsplit=1)[0], 0))
            sink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)

            def move():
                for number in itertools.count():
                    if number >= MOVES and sent > MOVES:
                        break
                    left.rpc("peer.set", tunnel=config.name, public_key=peers[(number + 1) % 2], allowed_ips=[PREFIX])
                stop.set()

            def drained() -> bool:
                while select.select([sink], [], [], 0)[0]:
                    received.add(int.from_bytes(sink.recv(64), "big"))
                return len(received) == sent

            mover = threading.Thread(target=move)
            mover.start()
            end = time.monotonic() + 30
            while not stop.is_set() and time.monotonic() < end:
                source.sendto(sent.to_bytes(8, "big"), sink.getsockname())
                sent += 1
                drained()
                time.sleep(0.0003)
            mover.join()
            wait_until(drained, "every packet has arrived")
        self.assertGreater(sent, MOVES)
        self.assertEqual(left.drops().get("no_peer", 0), before)
        for pair in pairs:
            self.assertGreater(right.peers(pair.names[1])[0].rx_bytes, 1000)


if __name__ == "__main__":
    main()
