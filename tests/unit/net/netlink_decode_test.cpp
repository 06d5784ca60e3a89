// SPDX-License-Identifier: MIT
//
// Messages as the kernel would send them, built by hand: what the decoders make of each attribute.
#include <gtest/gtest.h>
#include <net/if.h>
#include <net/if_arp.h>

#include <linux/if_link.h>
#include <linux/ipv6.h>
#include <linux/rtnetlink.h>

#include "net/netlink_decode.h"
#include "net/netlink_message.h"

namespace wg {
namespace {

const nlmsghdr &header_of(const NetlinkMessage &message)
{
    return *nlmsg_hdr(message.get());
}

IpAddress ip(std::string_view text)
{
    return *IpAddress::parse(text);
}

NetlinkMessage &put(NetlinkMessage &message, int attribute, std::string_view address)
{
    IpAddress parsed = ip(address);
    return message.put_bytes(attribute, Bytes(parsed.bytes).first(parsed.size()));
}

TEST(DecodeLink, reads_a_veth_whose_peer_was_moved)
{
    ifinfomsg info{};
    info.ifi_index = 7;
    info.ifi_type = ARPHRD_ETHER;
    info.ifi_flags = IFF_UP | IFF_NOARP;
    NetlinkMessage message(RTM_NEWLINK, 0, info);
    message.put_string(IFLA_IFNAME, "wg0x")
        .put(IFLA_ADDRESS, MacAddress{2, 0, 0, 0, 0, 1})
        .put(IFLA_MTU, std::uint32_t{1420})
        .put(IFLA_MASTER, std::uint32_t{9})
        .put(IFLA_LINK, std::uint32_t{3})
        .put(IFLA_LINK_NETNSID, std::int32_t{0})
        .nest(IFLA_LINKINFO, [](auto &nested) { nested.put_string(IFLA_INFO_KIND, "veth"); })
        .nest(IFLA_XDP,
              [](auto &nested) { nested.put(IFLA_XDP_ATTACHED, std::uint8_t{XDP_ATTACHED_DRV}); });

    auto link = decode_link(header_of(message));
    ASSERT_TRUE(link);
    EXPECT_EQ(link->ifindex, 7U);
    EXPECT_EQ(link->name, "wg0x");
    EXPECT_EQ(link->kind, "veth");
    EXPECT_EQ(link->mac, (MacAddress{2, 0, 0, 0, 0, 1}));
    EXPECT_EQ(link->mtu, 1420U);
    EXPECT_EQ(link->master, 9U);
    EXPECT_EQ(link->peer_ifindex, 3U);
    EXPECT_EQ(link->peer_netnsid, 0);
    EXPECT_TRUE(link->has_xdp);
    EXPECT_TRUE(link->is_up());
    EXPECT_FALSE(link->is_ethernet()) << "NOARP: nobody resolves its neighbours";
}

TEST(DecodeLink, leaves_defaults_where_attributes_are_absent)
{
    ifinfomsg info{};
    info.ifi_index = 1;
    auto link = decode_link(header_of(NetlinkMessage(RTM_NEWLINK, 0, info)));
    ASSERT_TRUE(link);
    EXPECT_EQ(link->peer_ifindex, 0U);
    EXPECT_EQ(link->peer_netnsid, std::nullopt);
    EXPECT_FALSE(link->has_xdp);
    EXPECT_EQ(link->ipv6_hop_limit, 0);
    EXPECT_EQ(link->ipv6_mtu, 0U);
    EXPECT_EQ(link->mac, MacAddress{});
}

TEST(DecodeLink, takes_no_mac_from_a_link_with_longer_addresses)
{
    NetlinkMessage message(RTM_NEWLINK, 0, ifinfomsg{});
    message.put(IFLA_ADDRESS, std::array<std::uint8_t, 20>{1, 2, 3}); // InfiniBand
    EXPECT_EQ(decode_link(header_of(message))->mac, MacAddress{});
}

TEST(DecodeLink, reads_what_ipv6_does_there)
{
    std::array<std::int32_t, DEVCONF_MTU6 + 1> settings{};
    settings[DEVCONF_HOPLIMIT] = 61;
    settings[DEVCONF_MTU6] = 1280;
    NetlinkMessage message(RTM_NEWLINK, 0, ifinfomsg{});
    message.nest(IFLA_AF_SPEC, [&](auto &families) {
        families.nest(AF_INET6, [&](auto &inet6) { inet6.put(IFLA_INET6_CONF, settings); });
    });
    EXPECT_EQ(decode_link(header_of(message))->ipv6_hop_limit, 61);
    EXPECT_EQ(decode_link(header_of(message))->ipv6_mtu, 1280U);
}

TEST(DecodeAddress, prefers_our_end_of_a_point_to_point_link)
{
    ifaddrmsg info{};
    info.ifa_family = AF_INET;
    info.ifa_prefixlen = 32;
    info.ifa_index = 4;
    NetlinkMessage message(RTM_NEWADDR, 0, info);
    put(message, IFA_ADDRESS, "10.0.0.2");
    put(message, IFA_LOCAL, "10.0.0.1");
    EXPECT_EQ(decode_address(header_of(message)), (LocalAddress{4, {ip("10.0.0.1"), 32}}));
}

TEST(DecodeAddress, passes_over_families_other_than_ip)
{
    ifaddrmsg info{};
    info.ifa_family = AF_DECnet;
    NetlinkMessage message(RTM_NEWADDR, 0, info);
    put(message, IFA_ADDRESS, "10.0.0.2");
    EXPECT_EQ(decode_address(header_of(message)), std::nullopt);
}

rtmsg route_header(std::uint8_t family, std::uint8_t type)
{
    rtmsg header{};
    header.rtm_family = family;
    header.rtm_type = type;
    return header;
}

TEST(DecodeRoute, reads_gateway_source_and_metrics)
{
    NetlinkMessage message(RTM_NEWROUTE, 0, route_header(AF_INET, RTN_UNICAST));
    message.put(RTA_OIF, std::uint32_t{2});
    put(message, RTA_GATEWAY, "10.0.0.254");
    put(message, RTA_PREFSRC, "10.0.0.1");
    message.nest(RTA_METRICS, [](auto &metrics) {
        metrics.put(RTAX_MTU, std::uint32_t{1400}).put(RTAX_HOPLIMIT, std::uint32_t{9});
    });
    auto route = decode_route(header_of(message));
    ASSERT_TRUE(route);
    EXPECT_EQ(route->type, RouteType::unicast);
    EXPECT_EQ(route->ifindex, 2U);
    EXPECT_EQ(route->gateway, ip("10.0.0.254"));
    EXPECT_EQ(route->source, ip("10.0.0.1"));
    EXPECT_EQ(route->mtu, 1400U);
    EXPECT_EQ(route->hop_limit, 9);
    EXPECT_FALSE(route->encapsulated);
}

TEST(DecodeRoute, reads_a_gateway_of_the_other_family)
{
    IpAddress gateway = ip("fd00::1");
    std::array<std::uint8_t, sizeof(sa_family_t) + 16> via{};
    sa_family_t family = AF_INET6;
    std::memcpy(via.data(), &family, sizeof(family));
    std::memcpy(via.data() + sizeof(family), gateway.bytes.data(), 16);
    NetlinkMessage message(RTM_NEWROUTE, 0, route_header(AF_INET, RTN_UNICAST));
    message.put(RTA_VIA, via);
    EXPECT_EQ(decode_route(header_of(message))->gateway, gateway);
}

TEST(DecodeRoute, notes_an_encapsulation)
{
    NetlinkMessage message(RTM_NEWROUTE, 0, route_header(AF_INET6, RTN_UNICAST));
    message.put(RTA_ENCAP_TYPE, std::uint16_t{5}); // LWTUNNEL_ENCAP_SEG6
    EXPECT_TRUE(decode_route(header_of(message))->encapsulated);
}

TEST(DecodeRoute, names_every_type)
{
    struct {
        std::uint8_t type;
        RouteType expected;
    } cases[] = {
        {RTN_UNICAST, RouteType::unicast},
        {RTN_LOCAL, RouteType::local},
        {RTN_ANYCAST, RouteType::local},
        {RTN_BROADCAST, RouteType::broadcast},
        {RTN_MULTICAST, RouteType::multicast},
        {RTN_BLACKHOLE, RouteType::blackhole},
        {RTN_UNREACHABLE, RouteType::unreachable},
        {RTN_PROHIBIT, RouteType::prohibit},
        {RTN_NAT, RouteType::other},
    };
    for (const auto &c : cases) {
        NetlinkMessage message(RTM_NEWROUTE, 0, route_header(AF_INET, c.type));
        EXPECT_EQ(decode_route(header_of(message))->type, c.expected) << int{c.type};
    }
}

TEST(RouteTypeOfError, tells_dead_ends_from_failures)
{
    struct {
        int error;
        bool source_was_asked;
        std::optional<RouteType> expected;
    } cases[] = {
        {ENETUNREACH, false, RouteType::none}, {EHOSTUNREACH, true, RouteType::unreachable},
        {EACCES, false, RouteType::prohibit},  {EINVAL, false, RouteType::blackhole},
        {EINVAL, true, std::nullopt}, // the source may be to blame
        {ENOMEM, false, std::nullopt},
    };
    for (const auto &c : cases)
        EXPECT_EQ(route_type_of_error(c.error, c.source_was_asked), c.expected) << c.error;
}

TEST(DecodeNeighbour, is_valid_in_states_with_a_mac_only)
{
    struct {
        std::uint16_t state;
        bool valid;
    } cases[] = {
        {NUD_REACHABLE, true},   {NUD_STALE, true},     {NUD_DELAY, true},
        {NUD_PROBE, true},       {NUD_PERMANENT, true}, {NUD_NOARP, true},
        {NUD_INCOMPLETE, false}, {NUD_FAILED, false},   {NUD_NONE, false},
    };
    for (const auto &c : cases) {
        Neighbour with_mac{.state = c.state, .mac = MacAddress{2}};
        EXPECT_EQ(with_mac.is_valid(), c.valid) << c.state;
        EXPECT_FALSE((Neighbour{.state = c.state, .mac = {}}.is_valid())) << c.state;
    }
}

TEST(DecodeNeighbour, passes_over_a_bridges_forwarding_entries)
{
    ndmsg header{};
    header.ndm_family = AF_BRIDGE;
    NetlinkMessage message(RTM_NEWNEIGH, 0, header);
    message.put(NDA_LLADDR, MacAddress{2});
    EXPECT_FALSE(decode_neighbour(header_of(message)));
}

TEST(Decode, refuses_messages_of_another_type_and_cut_ones)
{
    NetlinkMessage route(RTM_NEWROUTE, 0, rtmsg{});
    EXPECT_FALSE(decode_link(header_of(route)));
    EXPECT_FALSE(decode_address(header_of(route)));
    EXPECT_FALSE(decode_neighbour(header_of(route)));

    NetlinkMessage cut(RTM_NEWROUTE, 0, std::uint32_t{}); // less than a struct rtmsg
    EXPECT_FALSE(decode_route(header_of(cut)));
}

} // namespace
} // namespace wg
