# SPDX-License-Identifier: MIT
"""A rate and a quota of a peer hold under traffic, in both directions, on every path, and across daemons.

    a: wgxdp with limits, eth0 ─────────── eth0, wgxdp without: b
"""

import os
import socket
import threading
import time
import unittest

from support import Pair, Topology, Wgxdp, expect_ping, main, ping, wait_until

RATE = 64 << 10  # bytes a second: so little that the burst, a second long, outlasts any pause of a busy machine
MEASURED = 3.0  # seconds
SIZE = 1372  # of the datagrams: 1,400 bytes of IP
SHARE = 1408 + 32  # what one of them takes of a limit: padded and sealed
PING_SHARE = 96 + 32


class Flood:
    """Datagrams from each CPU there is for it, as fast as they go."""

    def __init__(self, sender, address: str, cpus: int):
        self._stop = threading.Event()
        self._sockets = [sender.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(cpus)]
        self._threads = [threading.Thread(target=self._send, args=(each, number, address), daemon=True)
                         for number, each in enumerate(self._sockets)]

    def _send(self, probe: socket.socket, number: int, address: str) -> None:
        os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[number]})  # of this thread
        probe.connect((address, 9))
        while not self._stop.is_set():
            try:
                probe.send(bytes(SIZE))
            except OSError:  # the answer to an earlier one: nobody listens there
                continue

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()
        for each in self._sockets:
            each.close()


class Limits(unittest.TestCase):
    def build(self, mode: str | None) -> Pair:
        topology = self.enterContext(Topology())
        left, right = (Wgxdp(topology, netns) for netns in topology.underlay())
        for node in (left, right) if mode else ():
            node.attach("eth0", mode)
        pair = Pair(topology, left, right, initiator="both")
        pair.up()
        pair.first_ping()
        for netns in (left.netns, right.netns):  # what arrives where nobody listens is not answered
            netns.run("nft", "add table inet quiet; add chain inet quiet in { type filter hook input priority 0; };"
                      " add rule inet quiet in udp dport 9 drop")
        return pair

    def limit(self, pair: Pair, **fields: int) -> None:
        pair.left.rpc("peer.set", tunnel=pair.names[0], public_key=pair.configs[1].public_key, **fields)

    def peer(self, pair: Pair) -> dict:
        return pair.left.rpc("peer.list", tunnel=pair.names[0])[0]

    def used(self, pair: Pair) -> tuple[float, int, float]:
        """What a huge quota has counted, at some time between two."""
        return time.monotonic(), self.peer(pair)["quota_used"], time.monotonic()

    def check_rate(self, pair: Pair, outbound: bool, cpus: int = 1) -> None:
        sender = pair.left if outbound else pair.right
        self.limit(pair, rate_limit=RATE, quota=1 << 50)
        with Flood(sender.netns, pair.inner[4][1 if outbound else 0], cpus):
            dropped = pair.left.drops().get("over_rate", 0)
            wait_until(lambda: pair.left.drops().get("over_rate", 0) > dropped + 100, "the burst is used up")
            since, before, begin = self.used(pair)
            time.sleep(MEASURED)
            end, after, until = self.used(pair)
        self.assertGreater(after - before, 0.95 * RATE * (end - begin))
        self.assertLess(after - before, 1.05 * RATE * (until - since))

    def test_a_rate_is_kept(self):
        for mode in ("native", "tc", None):
            with self.subTest(mode=mode):
                pair = self.build(mode)
                for outbound in (True, False):
                    self.check_rate(pair, outbound)
                self.doCleanups()

    @unittest.skipIf(len(os.sched_getaffinity(0)) < 2, "one CPU")
    def test_a_rate_is_kept_by_two_cpus_that_send(self):
        self.check_rate(self.build("native"), True, 2)

    def test_a_quota_ends_traffic_until_it_is_raised_or_begun_anew(self):
        for mode in ("native", "tc", None):
            with self.subTest(mode=mode):
                pair = self.build(mode)
                self.limit(pair, quota=10 * PING_SHARE)
                expect_ping(pair.left.netns, pair.inner[4][1], 5)
                self.assertEqual(self.peer(pair)["quota_used"], 10 * PING_SHARE)
                self.assertEqual(ping(pair.left.netns, pair.inner[4][1], wait=1).received, 0)
                self.assertEqual(ping(pair.right.netns, pair.inner[4][0], wait=1).received, 0)
                self.assertEqual(pair.left.losses(), {"over_quota": 2})
                self.limit(pair, quota=11 * PING_SHARE + 1)  # one more, there and not back
                self.assertEqual(ping(pair.left.netns, pair.inner[4][1], wait=1).received, 0)
                self.limit(pair, quota_used=0)
                expect_ping(pair.right.netns, pair.inner[4][0], 5)
                self.assertEqual(pair.left.losses(), {"over_quota": 4 - 1})
                self.limit(pair, quota=0)
                expect_ping(pair.left.netns, pair.inner[4][1], 20)
                self.doCleanups()

    def test_limits_and_what_is_used_survive_the_daemon(self):
        pair = self.build("native")
        self.limit(pair, rate_limit=RATE, quota=6 * PING_SHARE)
        expect_ping(pair.left.netns, pair.inner[4][1], 2)
        kept = [self.peer(pair)[field] for field in ("rate_limit", "quota", "quota_used")]
        self.assertEqual(kept, [RATE, 6 * PING_SHARE, 4 * PING_SHARE])
        pair.left.kill()
        expect_ping(pair.left.netns, pair.inner[4][1])
        self.assertEqual(ping(pair.left.netns, pair.inner[4][1], wait=1).received, 0)
        pair.left.start()
        self.assertEqual(self.peer(pair)["quota_used"], 6 * PING_SHARE)
        self.assertEqual(ping(pair.left.netns, pair.inner[4][1], wait=1).received, 0)

    def test_files_and_the_command_line_set_them(self):
        topology = self.enterContext(Topology())
        left, right = (Wgxdp(topology, netns) for netns in topology.underlay())
        pair = Pair(topology, left, right)
        pair.configs[0].peers[0].more = {"RateLimit": "10M", "Quota": "5G"}
        pair.up()
        limits = lambda: [self.peer(pair)[field] for field in ("rate_limit", "quota")]  # noqa: E731
        self.assertEqual(limits(), [10 << 20, 5 << 30])
        self.assertIn("rate limit: 10.00 MiB/s each way", left.cli("show").stdout)
        self.assertIn("quota: 0 B used of 5.00 GiB", left.cli("show").stdout)
        left.cli("peer", "add", pair.names[0], pair.configs[1].public_key, "--rate-limit", "off", "--quota", "64k",
                 "--quota-used", "1K")
        self.assertEqual(limits(), [0, 64 << 10])
        self.assertEqual(self.peer(pair)["quota_used"], 1 << 10)
        self.assertNotIn("rate limit", left.cli("show").stdout)
        refused = left.cli("peer", "add", pair.names[0], pair.configs[1].public_key, "--quota", "5 GB", check=False)
        self.assertIn("--quota: expected bytes up to 8192T", refused.stderr)


if __name__ == "__main__":
    main()
