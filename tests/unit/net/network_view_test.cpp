// SPDX-License-Identifier: MIT
//
// What is remembered of the kernel's answers, and until when.
#include "net/network_view.h"
#include "unit/net/netns_fixture.h"

namespace wg::test {
namespace {

using NetworkViewTest = TwoHostsTest;

TEST_F(NetworkViewTest, each_answer_holds_until_it_is_forgotten)
{
    const auto route = [](NetworkView &view) {
        return must(view.route_get({ip("198.51.100.1")})).type;
    };
    NetworkView view(netlink());
    EXPECT_EQ(route(view), RouteType::none);
    EXPECT_EQ(must(view.link_by_index(eth0)).mtu, 1500u);
    EXPECT_FALSE(must(view.neighbour(eth0, ip("10.0.0.77"))));
    EXPECT_EQ(must(view.default_ttl()), 64);

    run("ip route add 198.51.100.0/24 via 10.0.0.2");
    run("ip link set eth0 mtu 1400");
    run("ip neigh add 10.0.0.77 lladdr 02:00:00:00:00:77 dev eth0");
    run("sysctl -qw net.ipv4.ip_default_ttl=99");
    EXPECT_EQ(route(view), RouteType::none);
    EXPECT_EQ(must(view.link_by_index(eth0)).mtu, 1500u);
    EXPECT_FALSE(must(view.neighbour(eth0, ip("10.0.0.77"))));
    EXPECT_EQ(must(view.default_ttl()), 64);

    view.forget();
    EXPECT_EQ(route(view), RouteType::unicast);
    EXPECT_EQ(must(view.link_by_index(eth0)).mtu, 1400u);
    EXPECT_TRUE(must(view.neighbour(eth0, ip("10.0.0.77"))));
    EXPECT_EQ(must(view.default_ttl()), 99);
}

TEST_F(NetworkViewTest, questions_that_differ_are_answered_apart)
{
    run("ip route add 198.51.100.0/24 via 10.0.0.2");
    run("ip route add blackhole 198.51.100.0/24 table 7");
    run("ip rule add fwmark 7 table 7");
    NetworkView view(netlink());
    EXPECT_EQ(must(view.route_get({ip("198.51.100.1")})).type, RouteType::unicast);
    EXPECT_EQ(must(view.route_get({.destination = ip("198.51.100.1"), .mark = 7})).type,
              RouteType::blackhole);
    EXPECT_EQ(must(view.route_get({ip("203.0.113.1")})).type, RouteType::none);
}

TEST_F(NetworkViewTest, a_failure_is_no_answer_to_remember)
{
    NetworkView view(netlink());
    EXPECT_FALSE(view.link_by_index(4711));
    run("ip link add later index 4711 type veth peer name other");
    EXPECT_EQ(must(view.link_by_index(4711)).name, "later");
}

} // namespace
} // namespace wg::test
