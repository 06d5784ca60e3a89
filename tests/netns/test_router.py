# SPDX-License-Identifier: MIT
"""A router that runs wgxdp on the same port carries other people's WireGuard unharmed (rule 5).

    a: wireguard-go, eth0 ── left: r: wgxdp :right ── eth0, wireguard-go: b
"""

import unittest

from support import MIB, Netns, Pair, Topology, Wgxdp, WireguardGo, check_traffic, main, require_wireguard_go

NETS = {4: ("10.8.1", "10.8.2"), 6: ("fd08:1:", "fd08:2:")}


@require_wireguard_go
class Router(unittest.TestCase):
    def routed(self, topology: Topology) -> tuple[Netns, Netns, Netns]:
        a, r, b = (topology.netns(name) for name in ("a", "r", "b"))
        topology.link(a, "eth0", r, "left")
        topology.link(r, "right", b, "eth0")
        for setting in ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"):
            r.sysctl(setting, 1)
        for side, host, device in ((0, a, "left"), (1, b, "right")):
            topology.addresses(host, "eth0", f"{NETS[4][side]}.1/24", f"{NETS[6][side]}:1/64")
            topology.addresses(r, device, f"{NETS[4][side]}.254/24", f"{NETS[6][side]}:fe/64")
            host.ip("route", "add", "default", "via", f"{NETS[4][side]}.254")
            host.ip("-6", "route", "add", "default", "via", f"{NETS[6][side]}:fe")
        return a, r, b

    def check(self, mode: str, outer: int) -> None:
        with Topology() as topology:
            a, r, b = self.routed(topology)
            router = Wgxdp(topology, r)
            own = Pair(topology, router, router, number=1)  # of which only the left half is made
            own.configs[0].listen_port = own.port - 1  # the port that passes through
            for device in ("left", "right"):
                router.attach(device, mode)
            router.up(own.configs[0])
            hosts = ("10.8.1.1", "10.8.2.1") if outer == 4 else ("fd08:1::1", "fd08:2::1")
            pair = Pair(topology, WireguardGo(topology, a), WireguardGo(topology, b), outer_addresses=hosts)
            self.assertEqual(pair.port, own.configs[0].listen_port)
            pair.up()
            pair.first_ping()
            check_traffic(pair, 20 * MIB)
            self.assertEqual(router.losses(), {})
            self.assertEqual(router.peers(own.names[0])[0].rx_bytes, 0)

    def test_other_peoples_wireguard_passes_unharmed(self):
        for mode in ("native", "tc"):
            for outer in (4, 6):
                with self.subTest(mode=mode, outer=outer):
                    self.check(mode, outer)


if __name__ == "__main__":
    main()
