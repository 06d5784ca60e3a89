# SPDX-License-Identifier: MIT
"""A hub with very many peers: what is asked of it costs each peer a little, however many there are.

    a: wgxdp with thousands of peers, eth0 ─────────── eth0: b, the gateway to all of them

Nothing is timed with a clock: the daemon's own CPU time for many peers is compared with that for a quarter of them.
"""

import base64
import hashlib
import json
import time
import unittest
from collections.abc import Iterator
from pathlib import Path

from support import PeerConfig, Topology, Wgxdp, generate_key, main, wait_until
from support.memory import map_bytes, resident_bytes

FEW, MANY = 4_000, 16_000
LIMIT = 9  # linear is 4, quadratic 16


def peers(number: int) -> Iterator[PeerConfig]:
    """Any 32 bytes are a public key. Each peer is at an address of its own behind the gateway."""
    for i in range(number):
        key = base64.b64encode(hashlib.blake2s(i.to_bytes(4, "big")).digest()).decode()
        yield PeerConfig(key, [f"10.{64 + (i >> 16)}.{i >> 8 & 255}.{i & 255}/32"],
                         endpoint=f"198.18.{i >> 8 & 255}.{i & 255}:51820")


class Scale(unittest.TestCase):
    def setUp(self):
        self.topology = self.enterContext(Topology())
        self.a, self.b = self.topology.underlay()
        self.a.run("ip", "route", "add", "198.18.0.0/15", "via", "10.9.0.2")
        self.a.run("ping", "-c1", "-W5", "10.9.0.2")
        self.node = Wgxdp(self.topology, self.a)

    def tunnel(self, suffix: str = "w") -> str:
        name = self.topology.unique(suffix)
        self.node.make_bare(name)
        self.a.run("wg", "set", name, "private-key", "/dev/stdin", stdin=generate_key())
        self.a.run("ip", "link", "set", name, "up")
        self.pid = self.node.pid
        return name

    def cpu(self) -> int:
        """Nanoseconds that the daemon has worked so far."""
        tasks = Path(f"/proc/{self.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)

    def work(self, action) -> int:
        """The daemon's work for an action, with what it left for later: it rests again."""
        before = self.cpu()
        action()
        self.wait_for_rest()
        return self.cpu() - before

    def wait_for_rest(self, seconds: float = 0.3) -> None:
        """Until none of the daemon's threads has run for so long."""
        last, since = self.switches(), time.monotonic()

        def rested() -> bool:
            nonlocal last, since
            if (now := self.switches()) != last:
                last, since = now, time.monotonic()
            return time.monotonic() - since > seconds

        wait_until(rested, f"the daemon rests for {seconds} s", deadline=30)

    def switches(self) -> list[str]:
        """How often its threads have gone to sleep."""
        tasks = Path(f"/proc/{self.pid}/task").iterdir()
        return [line for task in tasks for line in (task / "status").read_text().splitlines() if "ctxt" in line]

    def setconf(self, name: str, number: int) -> None:
        lines = ["[Interface]", f"PrivateKey = {generate_key()}", "ListenPort = 51820"]
        lines += [line for peer in peers(number) for line in peer.lines()]
        path = self.topology.directory / "many.conf"
        path.write_text("\n".join(lines) + "\n")
        self.a.run("wg", "setconf", name, str(path))

    def restart(self) -> None:
        self.node.kill()
        self.node.start()
        self.pid = self.node.pid

    def life(self, number: int) -> dict[str, int]:
        """The daemon's work for everything that may happen to a tunnel with so many peers."""
        name = self.tunnel()
        work = {"setconf": self.work(lambda: self.setconf(name, number)),
                "routes": self.work(lambda: self.a.run("ip", "route", "add", "203.0.113.0/24", "dev", "lo")),
                "gateway": self.work(lambda: self.a.run("ip", "neigh", "replace", "10.9.0.2", "dev", "eth0",
                                                        "lladdr", "02:00:00:00:00:77", "nud", "permanent")),
                "mark": self.work(lambda: self.a.run("wg", "set", name, "fwmark", "7")),
                "wg show": self.work(lambda: self.a.run("wg", "show", name)),
                "wgxdp show": self.work(lambda: self.node.cli("show"))}
        status = self.node.peers(name)
        self.assertEqual(len(status), number)
        self.assertEqual({peer.path for peer in status}, {"bpf eth0"})
        self.restart()
        work["restart"] = self.cpu()
        self.assertEqual(len(self.node.peers(name)), number)
        other = self.tunnel("x")  # the daemon is to outlive the removal
        work["remove"] = self.work(lambda: self.node.down(name))
        self.node.down(other)
        self.a.run("ip", "route", "del", "203.0.113.0/24")
        self.a.run("ip", "neigh", "del", "10.9.0.2", "dev", "eth0")
        self.a.run("ping", "-c1", "-W5", "10.9.0.2")
        return work

    def test_nothing_is_quadratic_in_the_number_of_peers(self):
        few, many = self.life(FEW), self.life(MANY)
        for what in few:
            with self.subTest(what, few_ms=few[what] / 1e6, many_ms=many[what] / 1e6):
                self.assertLess(many[what], LIMIT * max(few[what], 10_000_000))

    def test_a_batch_sets_many_peers(self):
        name = self.tunnel()
        batch = [{"jsonrpc": "2.0", "id": i, "method": "peer.set",
                  "params": {"tunnel": name, "public_key": peer.public_key, "endpoint": peer.endpoint,
                             "allowed_ips": peer.allowed_ips}} for i, peer in enumerate(peers(MANY))]
        few = self.work(lambda: self.node.raw(json.dumps(batch[:FEW]).encode()))
        answers = []
        many = self.work(lambda: answers.extend(json.loads(self.node.raw(json.dumps(batch).encode()))))
        self.assertEqual([answer["id"] for answer in answers], list(range(MANY)))
        self.assertTrue(all(answer.get("result") == {} for answer in answers))
        self.assertEqual(len(self.node.peers(name)), MANY)
        self.assertLess(many, LIMIT * max(few, 10_000_000))

    def test_an_idle_peer_takes_less_than_4_kib(self):
        name = self.tunnel()
        self.setconf(name, 1)  # what the first one costs is the daemon's own
        before = self.memory()
        self.setconf(name, MANY)
        self.wait_for_rest()
        self.assertLess((self.memory() - before) / MANY, 4096)

    def memory(self) -> int:
        """Bytes of the daemon and of its maps."""
        return resident_bytes(self.pid) + map_bytes(Path(self.node.status()["pins"]))

    def test_idle_peers_cost_nothing(self):
        name = self.tunnel()
        self.setconf(name, FEW)
        self.wait_for_rest(3)


if __name__ == "__main__":
    main()
