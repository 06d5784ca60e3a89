// SPDX-License-Identifier: MIT
//
// Real changes of the kernel's configuration, and what is told of them.
#include <set>

#include "net/netlink_monitor.h"
#include "unit/net/netns_fixture.h"

namespace wg::test {
namespace {

class NetlinkMonitorTest : public NetnsTest {
  protected:
    void SetUp() override
    {
        NetnsTest::SetUp();
        if (IsSkipped())
            return;
        run("ip link add v0 type veth peer name v1");
        v0 = ifindex("v0");
        monitor = must(NetlinkMonitor::open(
            io,
            {
                .link_changed = [this](std::uint32_t i) { told.insert(fmt::format("link {}", i)); },
                .link_removed =
                    [this](std::uint32_t i) { told.insert(fmt::format("no link {}", i)); },
                .addresses_changed = [this] { told.insert("addresses"); },
                .routes_changed = [this] { told.insert("routes"); },
                .neighbour_changed =
                    [this](std::uint32_t i, const IpAddress &address) {
                        told.insert(fmt::format("neighbour {} {}", i, address.text()));
                    },
                .tc_changed = [this](std::uint32_t i) { told.insert(fmt::format("tc {}", i)); },
                .overrun = [this] { told.insert("overrun"); },
            }));
    }

    /// Is this told of the command, and was it not told before?
    testing::AssertionResult tells(const std::string &event, const std::string &command)
    {
        io.restart();
        io.poll();
        told.clear();
        run(command);
        if (wait_for([&] { return told.contains(event); }))
            return testing::AssertionSuccess();
        return testing::AssertionFailure() << command << ": not told: " << event;
    }

    std::set<std::string> told;
    std::uint32_t v0 = 0;
    std::unique_ptr<NetlinkMonitor> monitor;
};

TEST_F(NetlinkMonitorTest, tells_of_links)
{
    EXPECT_TRUE(tells(fmt::format("link {}", v0), "ip link set v0 mtu 1400"));
    EXPECT_TRUE(tells(fmt::format("link {}", v0), "ip link set v0 up"));
    EXPECT_TRUE(tells(fmt::format("no link {}", v0), "ip link delete v0"));
}

TEST_F(NetlinkMonitorTest, tells_of_a_link_that_is_moved_away)
{
    Netns container;
    EXPECT_TRUE(tells(fmt::format("no link {}", v0), "ip link set v0 netns " + container.path()));
}

TEST_F(NetlinkMonitorTest, does_not_call_a_port_that_leaves_its_bridge_removed)
{
    run("ip link add br0 type bridge && ip link set v0 master br0");
    EXPECT_TRUE(tells(fmt::format("link {}", v0), "ip link set v0 nomaster"));
    run("ip link set v0 mtu 1300");
    EXPECT_FALSE(told.contains(fmt::format("no link {}", v0)));
}

TEST_F(NetlinkMonitorTest, tells_of_addresses)
{
    EXPECT_TRUE(tells("addresses", "ip address add 10.0.0.1/24 dev v0"));
    EXPECT_TRUE(tells("addresses", "ip address delete 10.0.0.1/24 dev v0"));
    EXPECT_TRUE(tells("addresses", "ip address add fd00::1/64 dev v0 nodad"));
}

TEST_F(NetlinkMonitorTest, tells_of_rules_and_nexthops)
{
    // No link is up: there are no routes that could change by themselves.
    EXPECT_TRUE(tells("routes", "ip rule add fwmark 5 table 7"));
    EXPECT_TRUE(tells("routes", "ip -6 rule add fwmark 5 table 7"));
    EXPECT_TRUE(tells("routes", "ip nexthop add id 5 blackhole"));
}

TEST_F(NetlinkMonitorTest, tells_of_routes)
{
    EXPECT_TRUE(tells("routes", "ip route add blackhole 10.7.0.0/16"));
    EXPECT_TRUE(tells("routes", "ip route delete blackhole 10.7.0.0/16"));
    EXPECT_TRUE(tells("routes", "ip -6 route add blackhole fd07::/16"));
    EXPECT_TRUE(tells("routes", "ip -6 route delete blackhole fd07::/16"));
}

TEST_F(NetlinkMonitorTest, tells_of_neighbours)
{
    run("ip link set v0 up");
    for (const char *address : {"10.0.0.2", "fd00::2"}) {
        std::string event = fmt::format("neighbour {} {}", v0, address);
        EXPECT_TRUE(tells(
            event, fmt::format("ip neighbour add {} lladdr 02:00:00:00:00:02 dev v0", address)));
        EXPECT_TRUE(tells(event, fmt::format("ip neighbour delete {} dev v0", address)));
    }
}

TEST_F(NetlinkMonitorTest, tells_of_qdiscs_and_filters)
{
    EXPECT_TRUE(tells(fmt::format("tc {}", v0), "tc qdisc add dev v0 clsact"));
    EXPECT_TRUE(tells(fmt::format("tc {}", v0), "tc qdisc delete dev v0 clsact"));
}

TEST_F(NetlinkMonitorTest, tells_of_its_own_netns_only)
{
    Netns other;
    {
        Inside inside(other);
        run("ip link set lo up");
    }
    EXPECT_TRUE(tells("addresses", "ip address add 10.0.0.1/24 dev v0"));
    EXPECT_FALSE(told.contains("link 1"));
}

TEST_F(NetlinkMonitorTest, tells_when_it_was_too_slow)
{
    must(netlink().set_up(v0));
    for (std::uint32_t i = 0; i < 40000; ++i) {
        std::array<std::uint8_t, 4> address = {10, 0, static_cast<std::uint8_t>(i >> 8),
                                               static_cast<std::uint8_t>(i)};
        must(netlink().add_route(Prefix::of(IpAddress::v4(address), 32), v0));
    }
    EXPECT_TRUE(wait_for([&] { return told.contains("overrun"); }));
    EXPECT_TRUE(tells("addresses", "ip address add 192.0.2.1/32 dev v0")) << "and goes on";
}

} // namespace
} // namespace wg::test
