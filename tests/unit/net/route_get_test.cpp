// SPDX-License-Identifier: MIT
//
// How the kernel would route: the answers of a host with one cable, and those of its rules.
#include "unit/net/netns_fixture.h"

namespace wg::test {
namespace {

using RouteGetTest = TwoHostsTest;

TEST_F(RouteGetTest, gives_interface_and_source_of_a_neighbour_on_the_link)
{
    for (auto [destination, source] : {std::pair{"10.0.0.2", "10.0.0.1"}, {"fd00::2", "fd00::1"}}) {
        auto route = must(netlink().route_get({ip(destination)}));
        EXPECT_EQ(route.type, RouteType::unicast) << destination;
        EXPECT_EQ(route.ifindex, eth0);
        EXPECT_EQ(route.source, ip(source));
        EXPECT_FALSE(route.gateway);
        EXPECT_EQ(route.mtu, 0U);
        EXPECT_EQ(route.hop_limit, 0);
    }
}

TEST_F(RouteGetTest, gives_the_gateway_of_either_family_and_the_metrics)
{
    run("ip route add 198.51.100.0/24 via 10.0.0.2 mtu 1300 hoplimit 17");
    run("ip -6 route add 2001:db8::/32 via fd00::2 mtu 1350 hoplimit 18");
    run("ip route add 203.0.113.0/24 via inet6 fd00::2");
    struct {
        const char *destination;
        const char *gateway;
        std::uint32_t mtu;
        std::uint8_t hop_limit;
    } cases[] = {
        {"198.51.100.1", "10.0.0.2", 1300, 17},
        {"2001:db8::1", "fd00::2", 1350, 18},
        {"203.0.113.1", "fd00::2", 0, 0},
    };
    for (const auto &c : cases) {
        auto route = must(netlink().route_get({ip(c.destination)}));
        EXPECT_EQ(route.type, RouteType::unicast) << c.destination;
        EXPECT_EQ(route.gateway, ip(c.gateway)) << c.destination;
        EXPECT_EQ(route.mtu, c.mtu) << c.destination;
        EXPECT_EQ(route.hop_limit, c.hop_limit) << c.destination;
    }
}

TEST_F(RouteGetTest, names_what_is_no_way_out)
{
    for (const char *type : {"blackhole", "unreachable", "prohibit"}) {
        run(fmt::format("ip route add {} 198.51.100.{}/32", type,
                        type[0] == 'b'   ? 1
                        : type[0] == 'u' ? 2
                                         : 3));
        run(fmt::format("ip -6 route add {} 2001:db8::{}/128", type,
                        type[0] == 'b'   ? 1
                        : type[0] == 'u' ? 2
                                         : 3));
    }
    struct {
        const char *destination;
        RouteType type;
    } cases[] = {
        {"203.0.113.1", RouteType::none},        {"2001:db9::1", RouteType::none},
        {"198.51.100.1", RouteType::blackhole},  {"198.51.100.2", RouteType::unreachable},
        {"198.51.100.3", RouteType::prohibit},   {"2001:db8::1", RouteType::blackhole},
        {"2001:db8::2", RouteType::unreachable}, {"2001:db8::3", RouteType::prohibit},
        {"10.0.0.1", RouteType::local},          {"127.0.0.1", RouteType::local},
        {"fd00::1", RouteType::local},           {"::1", RouteType::local},
        {"10.0.0.255", RouteType::broadcast},    {"ff02::1", RouteType::multicast},
    };
    for (const auto &c : cases)
        EXPECT_EQ(must(netlink().route_get({ip(c.destination)})).type, c.type) << c.destination;
}

TEST_F(RouteGetTest, follows_the_rules_of_a_mark)
{
    run("ip rule add fwmark 51820 table 7");
    run("ip -6 rule add fwmark 51820 table 7");
    run("ip route add 198.51.100.0/24 via 10.0.0.2 table 7");
    run("ip -6 route add 2001:db8::/32 via fd00::2 table 7");
    for (const char *destination : {"198.51.100.1", "2001:db8::1"}) {
        EXPECT_EQ(must(netlink().route_get({ip(destination)})).type, RouteType::none);
        auto marked = must(netlink().route_get({.destination = ip(destination), .mark = 51820}));
        EXPECT_EQ(marked.type, RouteType::unicast);
        EXPECT_EQ(marked.ifindex, eth0);
    }
}

TEST_F(RouteGetTest, follows_the_rules_of_a_source_and_keeps_it)
{
    run("ip address add 10.0.0.9/24 dev eth0");
    run("ip rule add from 10.0.0.9 table 7");
    run("ip route add 198.51.100.0/24 via 10.0.0.2 table 7");
    EXPECT_EQ(must(netlink().route_get({ip("198.51.100.1")})).type, RouteType::none);
    auto route = must(netlink().route_get({ip("198.51.100.1"), ip("10.0.0.9")}));
    EXPECT_EQ(route.type, RouteType::unicast);
    EXPECT_EQ(route.source, ip("10.0.0.9"));
}

TEST_F(RouteGetTest, finds_no_way_with_an_ipv4_source_that_is_not_ours)
{
    auto route = netlink().route_get({ip("10.0.0.2"), ip("10.0.0.77")});
    if (route)
        EXPECT_EQ(route->type, RouteType::none);
    else
        EXPECT_EQ(route.error().code.value(), EINVAL);
}

TEST_F(RouteGetTest, leaves_by_the_interface_of_a_link_local_scope)
{
    run("ip link add eth1 type veth peer name eth2");
    run("ip link set eth1 up && ip link set eth2 up");
    for (const char *name : {"eth0", "eth1"})
        EXPECT_EQ(must(netlink().route_get({.destination = ip("fe80::99"), .oif = ifindex(name)}))
                      .ifindex,
                  ifindex(name));
}

TEST_F(RouteGetTest, notes_routes_that_change_the_packet)
{
    run("ip -6 route add 2001:db8::/32 encap seg6 mode encap segs fd00::2 via fd00::2");
    EXPECT_TRUE(must(netlink().route_get({ip("2001:db8::1")})).encapsulated);
    EXPECT_FALSE(must(netlink().route_get({ip("fd00::2")})).encapsulated);
}

} // namespace
} // namespace wg::test
