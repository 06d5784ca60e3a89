// SPDX-License-Identifier: MIT
//
// From an endpoint to the route wg_tx uses, and every reason why there is none.
#include <algorithm>

#include "net/routes.h"
#include "unit/net/netns_fixture.h"

namespace wg::test {
namespace {

class ResolveRouteTest : public TwoHostsTest {
  protected:
    ResolvedRoute resolve(const Endpoint &to, const UdpSender &sender = {})
    {
        NetworkView network(netlink());
        return must(resolve_route(network, to, sender,
                                  [this](std::uint32_t i) { return i == own_tunnel; }));
    }
    ResolvedRoute resolve(const char *to, const UdpSender &sender = {})
    {
        return resolve(endpoint(to), sender);
    }

    /// Makes the kernel know the MACs of the other host.
    void meet()
    {
        for (const char *address : {"10.0.0.2", "fd00::2"}) {
            must(netlink().use_neighbour(eth0, ip(address)));
            ASSERT_TRUE(wait_for([&] {
                auto neighbour = must(netlink().neighbour(eth0, ip(address)));
                return neighbour && neighbour->is_valid();
            }));
        }
    }

    IpAddress source_of(const wg_route &route, sa_family_t family)
    {
        IpAddress source{.family = family};
        std::ranges::copy(route.source, source.bytes.begin());
        return source;
    }

    std::uint32_t own_tunnel = 0;
};

TEST_F(ResolveRouteTest, is_direct_to_a_known_neighbour)
{
    meet();
    struct {
        const char *to;
        const char *source;
    } cases[] = {{"10.0.0.2:51820", "10.0.0.1"}, {"[fd00::2]:51820", "fd00::1"}};
    for (const auto &c : cases) {
        auto resolved = resolve(c.to);
        EXPECT_EQ(resolved.route.kind, WG_ROUTE_DIRECT) << c.to << ": " << resolved.reason;
        EXPECT_EQ(resolved.reason, "");
        EXPECT_EQ(resolved.route.ifindex, eth0);
        EXPECT_EQ(resolved.route.mtu, 1500U);
        EXPECT_EQ(resolved.route.hop_limit, 64);
        EXPECT_EQ(source_of(resolved.route, ip(c.source).family), ip(c.source));
        EXPECT_TRUE(std::ranges::equal(resolved.route.source_mac, mac_here));
        EXPECT_TRUE(std::ranges::equal(resolved.route.next_hop_mac, mac_there));
        EXPECT_EQ(resolved.ifindex, eth0);
        EXPECT_EQ(resolved.next_hop, endpoint(c.to).address);
        EXPECT_FALSE(resolved.source_lost);
    }
}

TEST_F(ResolveRouteTest, is_direct_through_a_gateway_with_the_routes_metrics)
{
    meet();
    run("ip route add 198.51.100.0/24 via 10.0.0.2 mtu 1300 hoplimit 17");
    run("ip -6 route add 2001:db8::/32 via fd00::2 mtu 1350 hoplimit 18");
    run("ip route add 203.0.113.0/24 via inet6 fd00::2 mtu 9000");
    struct {
        const char *to;
        const char *next_hop;
        std::uint32_t mtu;
        std::uint8_t hop_limit;
    } cases[] = {
        {"198.51.100.1:1", "10.0.0.2", 1300, 17},
        {"[2001:db8::1]:1", "fd00::2", 1350, 18},
        {"203.0.113.1:1", "fd00::2", 1500, 64}, // no more than the link carries
    };
    for (const auto &c : cases) {
        auto resolved = resolve(c.to);
        EXPECT_EQ(resolved.route.kind, WG_ROUTE_DIRECT) << c.to << ": " << resolved.reason;
        EXPECT_EQ(resolved.next_hop, ip(c.next_hop)) << c.to;
        EXPECT_EQ(resolved.route.mtu, c.mtu) << c.to;
        EXPECT_EQ(resolved.route.hop_limit, c.hop_limit) << c.to;
        EXPECT_TRUE(std::ranges::equal(resolved.route.next_hop_mac, mac_there)) << c.to;
    }
}

TEST_F(ResolveRouteTest, takes_default_hop_limits_from_the_system)
{
    meet();
    run("sysctl -qw net.ipv4.ip_default_ttl=42 net.ipv6.conf.eth0.hop_limit=43");
    EXPECT_EQ(resolve("10.0.0.2:1").route.hop_limit, 42);
    EXPECT_EQ(resolve("[fd00::2]:1").route.hop_limit, 43);
}

TEST_F(ResolveRouteTest, heeds_the_mtu_that_a_router_announced)
{
    meet();
    run("sysctl -qw net.ipv6.conf.eth0.mtu=1280"); // where the kernel keeps it
    EXPECT_EQ(resolve("[fd00::2]:1").route.mtu, 1280U);
    EXPECT_EQ(resolve("10.0.0.2:1").route.mtu, 1500U);
}

TEST_F(ResolveRouteTest, says_why_bpf_cannot_send)
{
    meet();
    run("ip tuntap add tun0 mode tun && ip link set tun0 up");
    run("ip link add wg0 type veth peer name wg0x && ip link set wg0 up && ip link set wg0x up");
    run("ip link add quiet0 type veth peer name quiet1 && ip link set quiet0 up arp off && ip link "
        "set quiet1 up");
    own_tunnel = ifindex("wg0");
    run("ip route add 192.0.2.1 dev tun0");
    run("ip route add 192.0.2.2 dev wg0");
    run("ip route add 192.0.2.3 dev quiet0");
    run("ip route add blackhole 192.0.2.4");
    run("ip route add unreachable 192.0.2.5");
    run("ip route add prohibit 192.0.2.6");
    run("ip -6 route add 2001:db8::7 encap seg6 mode encap segs fd00::2 via fd00::2");
    struct {
        const char *to;
        const char *reason;
    } cases[] = {
        {"203.0.113.1:1", "no route"},          {"[2001:db9::1]:1", "no route"},
        {"10.0.0.1:1", "local address"},        {"127.0.0.1:1", "local address"},
        {"[fd00::1]:1", "local address"},       {"10.0.0.255:1", "broadcast address"},
        {"[ff02::1]:1", "multicast address"},   {"192.0.2.1:1", "L3 device tun0"},
        {"192.0.2.2:1", "own tunnel"},          {"192.0.2.3:1", "L3 device quiet0"},
        {"192.0.2.4:1", "blackhole route"},     {"192.0.2.5:1", "unreachable by route"},
        {"192.0.2.6:1", "prohibited by route"}, {"[2001:db8::7]:1", "encapsulating route"},
        {"10.0.0.77:1", "next hop unresolved"}, {"[fd00::77]:1", "next hop unresolved"},
    };
    for (const auto &c : cases) {
        auto resolved = resolve(c.to);
        EXPECT_EQ(resolved.reason, c.reason) << c.to;
        EXPECT_TRUE(std::ranges::equal(bytes_of(resolved.route), bytes_of(wg_route{}))) << c.to;
    }
    EXPECT_EQ(resolve("10.0.0.77:1").next_hop, ip("10.0.0.77")) << "the caller waits for it";
    EXPECT_EQ(resolve("10.0.0.77:1").ifindex, eth0);
}

TEST_F(ResolveRouteTest, follows_the_ports)
{
    meet();
    for (const char *family : {"-4", "-6"}) {
        const bool v6 = std::string_view(family) == "-6";
        const char *prefix = v6 ? "2001:db8::/32" : "198.51.100.0/24";
        const char *gateway = v6 ? "fd00::2" : "10.0.0.2";
        const std::string rule = fmt::format("ip {} rule add ipproto udp ", family);
        run((rule + "sport 51820 table 7").c_str());
        run((rule + "dport 9 table 7").c_str());
        run(fmt::format("ip {} route add {} via {} table 7", family, prefix, gateway).c_str());
    }
    for (const std::string host : {"198.51.100.1", "[2001:db8::1]"}) {
        const auto kind = [&](const char *port, std::uint16_t own) {
            return resolve((host + port).c_str(), {.port = own}).route.kind;
        };
        EXPECT_EQ(kind(":1", 51820), WG_ROUTE_DIRECT) << host;
        EXPECT_EQ(kind(":9", 1), WG_ROUTE_DIRECT) << host;
        EXPECT_EQ(kind(":1", 1), WG_ROUTE_NONE) << host;
    }
}

TEST_F(ResolveRouteTest, follows_the_mark)
{
    meet();
    run("ip rule add fwmark 51820 table 7 && ip route add 198.51.100.0/24 via 10.0.0.2 table 7");
    EXPECT_EQ(resolve("198.51.100.1:1").reason, "no route");
    EXPECT_EQ(resolve("198.51.100.1:1", {.mark = 51820}).route.kind, WG_ROUTE_DIRECT);
}

TEST_F(ResolveRouteTest, keeps_a_sticky_source_while_it_is_ours)
{
    meet();
    struct {
        const char *to;
        const char *source;
    } cases[] = {{"10.0.0.2:1", "10.0.0.9"}, {"[fd00::2]:1", "fd00::9"}};
    for (const auto &c : cases) {
        run(fmt::format("ip address add {}/{} dev eth0 {}", c.source,
                        ip(c.source).is_v6() ? 64 : 24,
                        ip(c.source).is_v6() ? "nodad preferred_lft 0" : ""));
        Endpoint to = endpoint(c.to);
        to.source = ip(c.source);
        to.source_ifindex = eth0;
        ResolvedRoute kept; // the kernel's own route of a new IPv6 address comes a moment after it
        EXPECT_TRUE(wait_for([&] {
            kept = resolve(to);
            return !kept.source_lost;
        })) << c.to;
        EXPECT_EQ(source_of(kept.route, to.source.family), to.source);

        run(fmt::format("ip address delete {}/{} dev eth0", c.source,
                        ip(c.source).is_v6() ? 64 : 24));
        auto lost = resolve(to);
        EXPECT_TRUE(lost.source_lost) << c.to;
        EXPECT_EQ(lost.route.kind, WG_ROUTE_DIRECT) << lost.reason;
        EXPECT_EQ(source_of(lost.route, to.source.family),
                  ip(to.address.is_v6() ? "fd00::1" : "10.0.0.1"));
    }
}

TEST_F(ResolveRouteTest, loses_a_sticky_source_when_the_route_leaves_elsewhere)
{
    meet();
    run("ip link add eth1 type veth peer name eth2 && ip link set eth1 up && ip link set eth2 up");
    run("ip address add 10.1.0.1/24 dev eth1");
    Endpoint to = endpoint("10.0.0.2:1");
    to.source = ip("10.1.0.1"); // ours, but on the link that the peer was heard on before
    to.source_ifindex = ifindex("eth1");
    auto resolved = resolve(to);
    EXPECT_TRUE(resolved.source_lost);
    EXPECT_EQ(source_of(resolved.route, AF_INET), ip("10.0.0.1"));
}

TEST_F(ResolveRouteTest, loses_a_sticky_source_of_the_other_family)
{
    meet();
    Endpoint to = endpoint("10.0.0.2:1");
    to.source = ip("fd00::1");
    EXPECT_TRUE(resolve(to).source_lost);
    EXPECT_EQ(resolve(to).route.kind, WG_ROUTE_DIRECT);
}

TEST_F(ResolveRouteTest, finds_a_link_local_peer_by_its_scope)
{
    Endpoint to = endpoint(fmt::format("[fe80::99%{}]:1", eth0));
    run("ip -6 neighbour replace fe80::99 lladdr 02:00:00:00:00:99 dev eth0");
    auto resolved = resolve(to);
    EXPECT_EQ(resolved.route.kind, WG_ROUTE_DIRECT) << resolved.reason;
    EXPECT_EQ(resolved.route.next_hop_mac[5], 0x99);
    EXPECT_TRUE(source_of(resolved.route, AF_INET6).is_link_local());

    to.source = source_of(resolved.route, AF_INET6);
    to.source_ifindex = eth0;
    EXPECT_FALSE(resolve(to).source_lost);
}

} // namespace
} // namespace wg::test
