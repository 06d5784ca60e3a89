# SPDX-License-Identifier: MIT
"""wgxdp to wgxdp over virtio-net, a NIC that is no veth: native XDP with buffers that merge and with small ones, several
queues, frames of 9000 bytes, and TC with a word why where the driver refuses, or would run no program. (vmtest/nics.py
has the NICs)

    a: wgxdp, eth0 (virtio-net) ═════ QEMU ═════ eth0 (virtio-net), wgxdp: b
"""

import re
import unittest
from pathlib import Path

from support import (MIB, Netns, Pair, Topology, Wgxdp, check_fast_path, check_traffic, expect_ping, main, udp_echo,
                     wait_until)
from support.host import run

MERGING = ("52:54:00:00:00:10", "52:54:00:00:00:11")
UNLIKE = ("52:54:00:00:00:20", "52:54:00:00:00:21")  # what XDP refuses, and small buffers that do not merge
LARGE = ("52:54:00:00:00:30", "52:54:00:00:00:31")  # large buffers that do not merge
OVERHEAD = 80
SIZE = 20 * MIB


def nic_of(mac: str) -> str | None:
    """The NIC's name, while it is in this namespace."""
    found = [path.parent.name for path in Path("/sys/class/net").glob("*/address") if path.read_text().strip() == mac]
    return found[0] if found else None


@unittest.skipUnless(all(map(nic_of, MERGING + UNLIKE + LARGE)),
                     "no virtio NICs back to back: vmtest/run virtio boots a guest")
class Virtio(unittest.TestCase):
    def build(self, macs: tuple[str, str], mtu: int = 1500, outer: int = 4) -> Pair:
        self.topology = self.enterContext(Topology())
        nodes = []
        for number, mac in enumerate(macs, start=1):
            netns = self.topology.netns("ab"[number - 1])
            self.take(mac, netns, mtu)
            # without a link-local address it would probe no neighbour that it knows, and give each up
            self.topology.addresses(netns, "eth0", f"10.9.0.{number}/24", f"fd09::{number}/64", f"fe80::{number}/64")
            nodes.append(Wgxdp(self.topology, netns))
        pair = Pair(self.topology, *nodes, outer=outer)
        for config in pair.configs:
            config.mtu = mtu - OVERHEAD
        return pair

    def take(self, mac: str, netns: Netns, mtu: int) -> None:
        """Moves the NIC into the namespace, whose end gives it back."""
        name = wait_until(lambda: nic_of(mac), f"the NIC {mac} is here")
        run(["ip", "link", "set", name, "down"])
        run(["ip", "link", "set", name, "netns", netns.name, "name", "eth0"])
        netns.ip("link", "set", "eth0", "mtu", str(mtu), "addrgenmode", "none", "up")
        wait_until(lambda: "LOWER_UP" in netns.ip("link", "show", "eth0"), "its link is up")

    def connect(self, pair: Pair, modes: tuple[str, str]) -> None:
        for node, mode in zip((pair.left, pair.right), modes, strict=True):
            node.attach("eth0")
            nic = node.nics()["eth0"]
            self.assertEqual((nic["mode"], nic["reason"] == ""), (mode, mode == "native"), nic["reason"])
        pair.up()
        pair.first_ping()

    def check(self, pair: Pair) -> None:
        """Native ends receive datagrams of every size: each has its own room before and behind it in a buffer."""
        with check_fast_path(pair.left, pair.right, size=2 * SIZE):
            check_traffic(pair, SIZE)
            for side, node in ((0, pair.left), (1, pair.right)):
                if node.nics()["eth0"]["mode"] == "native":
                    udp_echo((pair.right, pair.left)[side].netns, node.netns, pair.inner[6][side], range(1501))

    def check_queues(self, first: Pair) -> None:
        """Tunnels enough that each queue has some of them."""
        for number in range(1, 9):
            pair = Pair(self.topology, first.left, first.right, number=number)
            pair.up()
            pair.first_ping()
            expect_ping(first.left.netns, pair.inner[4][1], 10)
        statistics = first.right.netns.run("ethtool", "-S", "eth0").stdout
        for queue in (0, 1):
            received = re.search(rf"rx(?:_queue_)?{queue}_xdp_packets: (\d+)", statistics)
            self.assertGreater(int(received[1]) if received else 0, 20, statistics)

    def test_native_xdp_with_buffers_that_merge(self):
        for outer, queues in ((4, 1), (6, 2)):
            with self.subTest(outer=outer, queues=queues):
                pair = self.build(MERGING, outer=outer)
                for node in (pair.left, pair.right):
                    node.netns.run("ethtool", "-L", "eth0", "combined", str(queues))
                self.connect(pair, ("native", "native"))
                self.check(pair)
                if queues == 2:
                    self.check_queues(pair)
                self.doCleanups()

    def test_a_driver_that_refuses_is_attached_by_tc_and_says_why_while_small_buffers_are_native(self):
        pair = self.build(UNLIKE)
        refused = pair.left.cli("attach", "eth0", "--mode", "native", check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertRegex(refused.stderr, "eth0 cannot be attached natively: .+; expected auto or tc")
        self.connect(pair, ("tc", "native"))
        self.assertRegex(pair.left.nics()["eth0"]["reason"], "not supported")
        self.check(pair)

    def test_large_buffers_that_do_not_merge_are_attached_by_tc_since_no_program_would_run(self):
        pair = self.build(LARGE)
        for node in (pair.left, pair.right):
            refused = node.cli("attach", "eth0", "--mode", "native", check=False)
            self.assertEqual(refused.returncode, 1)
            self.assertIn("virtio_net runs no program on large ones; expected auto or tc", refused.stderr)
        self.connect(pair, ("tc", "tc"))
        self.check(pair)

    def test_jumbo_frames_are_too_large_for_native_xdp_and_take_the_tc_path(self):
        pair = self.build(MERGING, 9000)
        self.connect(pair, ("tc", "tc"))
        self.assertRegex(pair.left.nics()["eth0"]["reason"], "MTU")
        with check_fast_path(pair.left, pair.right, size=2 * SIZE // 8):
            for family in (4, 6):
                udp_echo(pair.left.netns, pair.right.netns, pair.inner[family][1],
                         [*range(0, 8900, 97), *range(1400, 1600, 5), *range(8800, 8873)])
                pair.transfer(family, SIZE)
        # with what wg0's MTU does not carry whole
        udp_echo(pair.left.netns, pair.right.netns, pair.inner[6][1], range(8873, 8960))


if __name__ == "__main__":
    main()
