// SPDX-License-Identifier: MIT
#include <linux/neighbour.h>

#include "unit/net/netns_fixture.h"

namespace wg::test {
namespace {

class NeighbourTest : public TwoHostsTest {
  protected:
    std::optional<Neighbour> neighbour(const char *address)
    {
        return must(netlink().neighbour(eth0, ip(address)));
    }
};

TEST_F(NeighbourTest, is_absent_until_somebody_asks)
{
    EXPECT_FALSE(neighbour("10.0.0.2"));
    EXPECT_FALSE(neighbour("fd00::2"));
}

TEST_F(NeighbourTest, is_resolved_by_use)
{
    for (const char *address : {"10.0.0.2", "fd00::2"}) {
        must(netlink().use_neighbour(eth0, ip(address)));
        ASSERT_TRUE(wait_for([&] { return neighbour(address) && neighbour(address)->is_valid(); }))
            << address;
        EXPECT_EQ(neighbour(address)->mac, mac_there);
    }
}

TEST_F(NeighbourTest, stays_invalid_while_nobody_answers)
{
    must(netlink().use_neighbour(eth0, ip("10.0.0.77")));
    auto found = neighbour("10.0.0.77");
    ASSERT_TRUE(found);
    EXPECT_FALSE(found->is_valid());
}

TEST_F(NeighbourTest, is_confirmed_again_by_use_when_stale)
{
    run("ip neighbour replace 10.0.0.2 dev eth0 lladdr 02:00:00:00:00:99 nud stale"); // it moved to
                                                                                      // another NIC
    EXPECT_TRUE(neighbour("10.0.0.2")->is_valid());
    run("sysctl -qw net.ipv4.neigh.eth0.delay_first_probe_time=0 "
        "net.ipv4.neigh.eth0.ucast_solicit=0 "
        "net.ipv4.neigh.eth0.mcast_resolicit=3");
    must(netlink().use_neighbour(eth0, ip("10.0.0.2")));
    EXPECT_TRUE(wait_for([&] { return neighbour("10.0.0.2")->mac == mac_there; }))
        << "state " << neighbour("10.0.0.2")->state;
}

TEST_F(NeighbourTest, says_that_its_interface_is_gone)
{
    auto answer = netlink().neighbour(4711, ip("10.0.0.2"));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code.value(), ENODEV);
    EXPECT_FALSE(netlink().use_neighbour(4711, ip("10.0.0.2")));
}

} // namespace
} // namespace wg::test
