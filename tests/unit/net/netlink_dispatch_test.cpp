// SPDX-License-Identifier: MIT
//
// Which event each kind of notification means.
#include <string>

#include <gtest/gtest.h>

#include <linux/rtnetlink.h>

#include "net/netlink_message.h"
#include "net/netlink_monitor.h"

namespace wg {
namespace {

/// What was told, as one word and its argument.
class DispatchTest : public testing::Test {
  protected:
    std::string told_by(const NetlinkMessage &message)
    {
        told_.clear();
        dispatch(*nlmsg_hdr(message.get()), events_);
        return told_;
    }

    template <typename Header>
    std::string told_by(std::uint16_t type, const Header &header)
    {
        return told_by(NetlinkMessage(type, 0, header));
    }

  private:
    std::string told_;
    NetlinkEvents events_{
        .link_changed = [this](std::uint32_t ifindex) { told_ += fmt::format("link {}", ifindex); },
        .link_removed =
            [this](std::uint32_t ifindex) { told_ += fmt::format("no link {}", ifindex); },
        .addresses_changed = [this] { told_ += "addresses"; },
        .routes_changed = [this] { told_ += "routes"; },
        .neighbour_changed =
            [this](std::uint32_t ifindex, const IpAddress &address) {
                told_ += fmt::format("neighbour {} {}", ifindex, address.text());
            },
        .tc_changed = [this](std::uint32_t ifindex) { told_ += fmt::format("tc {}", ifindex); },
        .overrun = [this] { told_ += "overrun"; },
    };
};

TEST_F(DispatchTest, knows_links)
{
    ifinfomsg link{};
    link.ifi_index = 5;
    EXPECT_EQ(told_by(RTM_NEWLINK, link), "link 5");
    EXPECT_EQ(told_by(RTM_DELLINK, link), "no link 5");
}

TEST_F(DispatchTest, does_not_take_a_port_that_leaves_its_bridge_for_a_link_that_is_gone)
{
    ifinfomsg port{};
    port.ifi_family = AF_BRIDGE;
    port.ifi_index = 5;
    EXPECT_EQ(told_by(RTM_DELLINK, port), "link 5");
}

TEST_F(DispatchTest, knows_addresses_routes_rules_and_nexthops)
{
    EXPECT_EQ(told_by(RTM_NEWADDR, ifaddrmsg{}), "addresses");
    EXPECT_EQ(told_by(RTM_DELADDR, ifaddrmsg{}), "addresses");
    for (std::uint16_t type :
         {RTM_NEWROUTE, RTM_DELROUTE, RTM_NEWRULE, RTM_DELRULE, RTM_NEWNEXTHOP, RTM_DELNEXTHOP})
        EXPECT_EQ(told_by(type, rtmsg{}), "routes") << type;
}

TEST_F(DispatchTest, names_the_neighbour)
{
    ndmsg header{};
    header.ndm_family = AF_INET;
    header.ndm_ifindex = 6;
    NetlinkMessage message(RTM_DELNEIGH, 0, header);
    message.put(NDA_DST, std::array<std::uint8_t, 4>{10, 0, 0, 2});
    EXPECT_EQ(told_by(message), "neighbour 6 10.0.0.2");
}

TEST_F(DispatchTest, knows_qdiscs_filters_and_chains_of_a_link)
{
    tcmsg header{};
    header.tcm_ifindex = 7;
    for (std::uint16_t type :
         {RTM_NEWQDISC, RTM_DELQDISC, RTM_NEWTFILTER, RTM_DELTFILTER, RTM_NEWCHAIN, RTM_DELCHAIN})
        EXPECT_EQ(told_by(type, header), "tc 7") << type;
}

TEST_F(DispatchTest, passes_over_blocks_that_links_share_and_what_it_does_not_know)
{
    tcmsg shared{};
    shared.tcm_ifindex = static_cast<int>(TCM_IFINDEX_MAGIC_BLOCK);
    EXPECT_EQ(told_by(RTM_DELTFILTER, shared), "");
    EXPECT_EQ(told_by(RTM_NEWTFILTER, std::uint32_t{}), "") << "shorter than a struct tcmsg";
    EXPECT_EQ(told_by(RTM_NEWNSID, rtgenmsg{}), "");
}

} // namespace
} // namespace wg
