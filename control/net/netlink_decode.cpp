// SPDX-License-Identifier: MIT
#include "net/netlink_decode.h"

#include <algorithm>

#include <net/if.h>
#include <net/if_arp.h>

#include <linux/if_link.h>
#include <linux/ipv6.h>
#include <linux/rtnetlink.h>

#include "net/netlink_message.h"

namespace wg {
namespace {

constexpr int USER_HZ = 100;                 // of all kernels' answers
constexpr std::uint32_t LOWER_UP = 1U << 16; // <linux/if.h> and <net/if.h> exclude each other

/// The fixed header of a message, if it is one of these types and long enough.
template <typename Header>
std::optional<Header> header_of(const nlmsghdr &message, std::initializer_list<std::uint16_t> types)
{
    if (std::ranges::find(types, message.nlmsg_type) == types.end() ||
        message.nlmsg_len < NLMSG_LENGTH(sizeof(Header)))
        return std::nullopt;
    Header header;
    std::memcpy(&header, NLMSG_DATA(&message), sizeof(header));
    return header;
}

IpAddress address_of(sa_family_t family, Bytes bytes)
{
    if (family == AF_INET && bytes.size() >= 4)
        return IpAddress::v4(bytes.first<4>());
    if (family == AF_INET6 && bytes.size() >= 16)
        return IpAddress::v6(bytes.first<16>());
    return {};
}

std::optional<MacAddress> mac_of(Bytes bytes)
{
    if (bytes.size() != sizeof(MacAddress))
        return std::nullopt;
    return load<MacAddress>(bytes);
}

/// One of a link's net.ipv6.conf settings, 0 where there is no IPv6.
std::int32_t ipv6_setting(const nlattr *af_spec, std::size_t which)
{
    AttributeTable<AF_INET6> families(af_spec);
    AttributeTable<IFLA_INET6_MAX> inet6(families[AF_INET6]);
    Bytes settings = inet6.bytes(IFLA_INET6_CONF); // an array of __s32, by DEVCONF_*
    std::size_t at = which * sizeof(std::int32_t);
    if (settings.size() < at + sizeof(std::int32_t))
        return 0;
    return load<std::int32_t>(settings.subspan(at, sizeof(std::int32_t)));
}

RouteType route_type(std::uint8_t type)
{
    switch (type) {
    case RTN_UNICAST:
        return RouteType::unicast;
    case RTN_LOCAL:
        return RouteType::local;
    case RTN_BROADCAST:
        return RouteType::broadcast;
    case RTN_ANYCAST: // one of ours too
        return RouteType::local;
    case RTN_MULTICAST:
        return RouteType::multicast;
    case RTN_BLACKHOLE:
        return RouteType::blackhole;
    case RTN_UNREACHABLE:
        return RouteType::unreachable;
    case RTN_PROHIBIT:
        return RouteType::prohibit;
    default:
        return RouteType::other;
    }
}

/// RTA_VIA: a next hop of the other family, `struct rtvia` and its address.
IpAddress via_of(Bytes via)
{
    if (via.size() < sizeof(sa_family_t))
        return {};
    return address_of(load<sa_family_t>(via.first(sizeof(sa_family_t))),
                      via.subspan(sizeof(sa_family_t)));
}

} // namespace

bool Link::has_carrier() const
{
    return (flags & LOWER_UP) != 0;
}

bool Link::is_up() const
{
    return (flags & IFF_UP) != 0;
}

bool Link::is_ethernet() const
{
    return arp_type == ARPHRD_ETHER && (flags & IFF_NOARP) == 0;
}

bool Neighbour::is_valid() const
{
    constexpr int valid =
        NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY;
    return (state & valid) != 0 && mac.has_value();
}

std::optional<Link> decode_link(const nlmsghdr &message)
{
    auto header = header_of<ifinfomsg>(message, {RTM_NEWLINK, RTM_DELLINK});
    if (!header)
        return std::nullopt;
    AttributeTable<IFLA_MAX> attributes(message, sizeof(*header));
    AttributeTable<IFLA_INFO_MAX> info(attributes[IFLA_LINKINFO]);
    AttributeTable<IFLA_XDP_MAX> xdp(attributes[IFLA_XDP]);

    Link link;
    link.ifindex = static_cast<std::uint32_t>(header->ifi_index);
    link.name = attributes.string(IFLA_IFNAME);
    link.kind = info.string(IFLA_INFO_KIND);
    link.mac = mac_of(attributes.bytes(IFLA_ADDRESS)).value_or(MacAddress{});
    link.mtu = attributes.value<std::uint32_t>(IFLA_MTU).value_or(0);
    link.largest_mtu = attributes.value<std::uint32_t>(IFLA_MAX_MTU).value_or(0);
    link.flags = header->ifi_flags;
    link.arp_type = header->ifi_type;
    link.master = attributes.value<std::uint32_t>(IFLA_MASTER).value_or(0);
    link.peer_ifindex = attributes.value<std::uint32_t>(IFLA_LINK).value_or(0);
    link.peer_netnsid = attributes.value<int>(IFLA_LINK_NETNSID);
    link.has_xdp =
        xdp.value<std::uint8_t>(IFLA_XDP_ATTACHED).value_or(XDP_ATTACHED_NONE) != XDP_ATTACHED_NONE;
    const nlattr *af_spec = attributes[IFLA_AF_SPEC];
    link.ipv6_mtu = static_cast<std::uint32_t>(ipv6_setting(af_spec, DEVCONF_MTU6));
    link.ipv6_hop_limit = static_cast<std::uint8_t>(ipv6_setting(af_spec, DEVCONF_HOPLIMIT));
    return link;
}

std::optional<LocalAddress> decode_address(const nlmsghdr &message)
{
    auto header = header_of<ifaddrmsg>(message, {RTM_NEWADDR, RTM_DELADDR});
    if (!header)
        return std::nullopt;
    AttributeTable<IFA_MAX> attributes(message, sizeof(*header));
    // IFA_ADDRESS is the other end's on a point-to-point link; IPv6 sends IFA_LOCAL only then.
    int ours = attributes[IFA_LOCAL] ? IFA_LOCAL : IFA_ADDRESS;
    IpAddress address = address_of(header->ifa_family, attributes.bytes(ours));
    if (!address)
        return std::nullopt;
    return LocalAddress{header->ifa_index, {address, header->ifa_prefixlen}};
}

std::optional<RouteAnswer> decode_route(const nlmsghdr &message)
{
    auto header = header_of<rtmsg>(message, {RTM_NEWROUTE, RTM_DELROUTE});
    if (!header)
        return std::nullopt;
    AttributeTable<RTA_MAX> attributes(message, sizeof(*header));
    AttributeTable<RTAX_MAX> metrics(attributes[RTA_METRICS]);

    RouteAnswer route;
    route.type = route_type(header->rtm_type);
    route.ifindex = attributes.value<std::uint32_t>(RTA_OIF).value_or(0);
    route.gateway = attributes[RTA_VIA]
                        ? via_of(attributes.bytes(RTA_VIA))
                        : address_of(header->rtm_family, attributes.bytes(RTA_GATEWAY));
    route.source = address_of(header->rtm_family, attributes.bytes(RTA_PREFSRC));
    route.mtu = metrics.value<std::uint32_t>(RTAX_MTU).value_or(0);
    route.hop_limit =
        static_cast<std::uint8_t>(metrics.value<std::uint32_t>(RTAX_HOPLIMIT).value_or(0));
    route.encapsulated = attributes.value<std::uint16_t>(RTA_ENCAP_TYPE).value_or(0) != 0;
    const auto cached = attributes.value<rta_cacheinfo>(RTA_CACHEINFO).value_or(rta_cacheinfo{});
    if (cached.rta_expires > 0)
        route.expires_in = Duration(std::chrono::seconds(cached.rta_expires)) / USER_HZ;
    return route;
}

std::optional<NeighbourEntry> decode_neighbour(const nlmsghdr &message)
{
    auto header = header_of<ndmsg>(message, {RTM_NEWNEIGH, RTM_DELNEIGH});
    if (!header)
        return std::nullopt;
    AttributeTable<NDA_MAX> attributes(message, sizeof(*header));
    IpAddress address = address_of(header->ndm_family, attributes.bytes(NDA_DST));
    if (!address)
        return std::nullopt;
    return NeighbourEntry{static_cast<std::uint32_t>(header->ndm_ifindex),
                          address,
                          {header->ndm_state, mac_of(attributes.bytes(NDA_LLADDR))}};
}

std::optional<RouteType> route_type_of_error(int error, bool source_was_asked)
{
    switch (error) {
    case ENETUNREACH:
        return RouteType::none;
    case EHOSTUNREACH:
        return RouteType::unreachable;
    case EACCES:
        return RouteType::prohibit;
    case EINVAL: // a source that is not ours gives it too
        return source_was_asked ? std::nullopt : std::optional(RouteType::blackhole);
    default:
        return std::nullopt;
    }
}

} // namespace wg
