// SPDX-License-Identifier: MIT
#include "net/netlink.h"

#include <algorithm>

#include <net/if.h>

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>

#include "base/route_protocol.h"
#include "net/netlink_decode.h"

namespace wg {
namespace {

ifinfomsg link_header(std::uint32_t ifindex = 0)
{
    ifinfomsg header{};
    header.ifi_family = AF_UNSPEC;
    header.ifi_index = static_cast<int>(ifindex);
    return header;
}

NetlinkMessage link_question(int flags, std::uint32_t ifindex = 0)
{
    NetlinkMessage message(RTM_GETLINK, flags, link_header(ifindex));
    message.put(IFLA_EXT_MASK, std::uint32_t{RTEXT_FILTER_SKIP_STATS});
    return message;
}

/// Every element of a table, read again if it changed meanwhile.
template <typename T, typename Decode>
Result<std::vector<T>>
dump(NetlinkSocket &socket, const NetlinkMessage &question, std::string_view what, Decode decode)
{
    constexpr int attempts = 10;
    for (int attempt = 1;; ++attempt) {
        std::vector<T> elements;
        auto answer = socket.request(question, what, [&](const nlmsghdr &message) {
            if (std::optional<T> element = decode(message))
                elements.push_back(*std::move(element));
        });
        if (answer)
            return elements;
        if (answer.error().code.value() != EINTR || attempt == attempts)
            return tl::unexpected(std::move(answer).error());
    }
}

void put_veth_end(NetlinkMessage &message, const VethEnd &end)
{
    message.put_string(IFLA_IFNAME, end.name)
        .put(IFLA_ADDRESS, end.mac)
        .put(IFLA_MTU, end.mtu)
        .put(IFLA_NUM_TX_QUEUES, end.queues)
        .put(IFLA_NUM_RX_QUEUES, end.queues);
}

NetlinkMessage &put_address(NetlinkMessage &message, int attribute, const IpAddress &address)
{
    return message.put_bytes(attribute, Bytes(address.bytes).first(address.size()));
}

ifaddrmsg address_header(std::uint32_t ifindex, const InterfaceAddress &address)
{
    ifaddrmsg header{};
    header.ifa_family = static_cast<std::uint8_t>(address.address.family);
    header.ifa_prefixlen = address.length;
    header.ifa_index = ifindex;
    return header;
}

ndmsg neighbour_header(std::uint32_t ifindex, const IpAddress &address)
{
    ndmsg header{};
    header.ndm_family = static_cast<std::uint8_t>(address.family);
    header.ndm_ifindex = static_cast<int>(ifindex);
    return header;
}

} // namespace

Result<Netlink> Netlink::open()
{
    return Netlink(WG_TRY(NetlinkSocket::open()));
}

Result<Link> Netlink::get_link(const NetlinkMessage &message, std::string_view what)
{
    std::optional<Link> link;
    WG_TRY(socket_.request(message, what,
                           [&](const nlmsghdr &answer) { link = decode_link(answer); }));
    if (!link)
        return failure(ENODEV, "{}: the kernel gave no link", what);
    return *std::move(link);
}

Result<Link> Netlink::link_by_name(std::string_view name)
{
    return get_link(link_question(0).put_string(IFLA_IFNAME, name),
                    fmt::format("interface {}", name));
}

Result<Link> Netlink::link_by_index(std::uint32_t ifindex)
{
    return get_link(link_question(0, ifindex), fmt::format("interface {}", ifindex));
}

Result<std::vector<Link>> Netlink::links()
{
    return dump<Link>(socket_, link_question(NLM_F_DUMP), "list interfaces", decode_link);
}

Result<bool> Netlink::carries_macvlan(std::uint32_t ifindex)
{
    auto is_on_it = [ifindex](const Link &link) {
        bool stacks = link.kind == "macvlan" || link.kind == "macvtap" || link.kind == "ipvlan" ||
                      link.kind == "ipvtap";
        return stacks && link.peer_ifindex == ifindex && !link.peer_netnsid;
    };
    return std::ranges::any_of(WG_TRY(links()), is_on_it);
}

Result<> Netlink::create_veth(const VethEnd &end, const VethEnd &peer)
{
    ifinfomsg header = link_header();
    header.ifi_flags = IFF_NOARP;
    header.ifi_change = IFF_NOARP;
    NetlinkMessage message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, header);
    put_veth_end(message, end);
    message.nest(IFLA_LINKINFO, [&](NetlinkMessage &info) {
        info.put_string(IFLA_INFO_KIND, "veth").nest(IFLA_INFO_DATA, [&](NetlinkMessage &data) {
            data.nest(VETH_INFO_PEER, [&](NetlinkMessage &nested) {
                nested.append(bytes_of(header));
                put_veth_end(nested, peer);
            });
        });
    });
    return socket_.request(message,
                           fmt::format("create interface {} with {}", end.name, peer.name));
}

Result<> Netlink::set_up(std::uint32_t ifindex)
{
    ifinfomsg header = link_header(ifindex);
    header.ifi_flags = IFF_UP;
    header.ifi_change = IFF_UP;
    return socket_.request(NetlinkMessage(RTM_NEWLINK, 0, header),
                           fmt::format("set interface {} up", ifindex));
}

Result<> Netlink::set_mtu(std::uint32_t ifindex, std::uint32_t mtu)
{
    NetlinkMessage message(RTM_NEWLINK, 0, link_header(ifindex));
    message.put(IFLA_MTU, mtu);
    return socket_.request(message, fmt::format("set MTU {} on interface {}", mtu, ifindex));
}

Result<> Netlink::set_addrgenmode_none(std::uint32_t ifindex)
{
    NetlinkMessage message(RTM_NEWLINK, 0, link_header(ifindex));
    message.nest(IFLA_AF_SPEC, [](NetlinkMessage &families) {
        families.nest(AF_INET6, [](NetlinkMessage &inet6) {
            inet6.put(IFLA_INET6_ADDR_GEN_MODE, std::uint8_t{IN6_ADDR_GEN_MODE_NONE});
        });
    });
    auto answer =
        socket_.request(message, fmt::format("set addrgenmode none on interface {}", ifindex));
    if (!answer && answer.error().code.value() == EAFNOSUPPORT)
        return {}; // no IPv6, no such address
    return answer;
}

Result<> Netlink::remove_link(std::uint32_t ifindex)
{
    return socket_.request(NetlinkMessage(RTM_DELLINK, 0, link_header(ifindex)),
                           fmt::format("remove interface {}", ifindex));
}

Result<std::vector<LocalAddress>> Netlink::addresses()
{
    return dump<LocalAddress>(socket_, NetlinkMessage(RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{}),
                              "list addresses", decode_address);
}

Result<> Netlink::add_address(std::uint32_t ifindex, const InterfaceAddress &address)
{
    ifaddrmsg header = address_header(ifindex, address);
    // Nobody on a tunnel can have the address already. Otherwise the kernel would find that out on
    // a work queue, and until then choose another source for the first packets.
    if (address.address.is_v6())
        header.ifa_flags = IFA_F_NODAD;
    NetlinkMessage message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, header);
    put_address(message, IFA_LOCAL, address.address);
    put_address(message, IFA_ADDRESS, address.address);
    return socket_.request(message,
                           fmt::format("add address {} to interface {}", address.text(), ifindex));
}

Result<> Netlink::remove_address(std::uint32_t ifindex, const InterfaceAddress &address)
{
    NetlinkMessage message(RTM_DELADDR, 0, address_header(ifindex, address));
    put_address(message, IFA_LOCAL, address.address);
    put_address(message, IFA_ADDRESS, address.address); // or the length would not count
    return socket_.request(
        message, fmt::format("remove address {} from interface {}", address.text(), ifindex));
}

Result<RouteAnswer> Netlink::route_get(const RouteQuery &query)
{
    const bool has_source = static_cast<bool>(query.source);
    rtmsg header{};
    header.rtm_family = static_cast<std::uint8_t>(query.destination.family);
    header.rtm_dst_len = static_cast<std::uint8_t>(query.destination.bits());
    header.rtm_src_len = static_cast<std::uint8_t>(has_source ? query.source.bits() : 0);
    NetlinkMessage message(RTM_GETROUTE, 0, header);
    put_address(message, RTA_DST, query.destination);
    if (has_source)
        put_address(message, RTA_SRC, query.source);
    if (query.oif != 0)
        message.put(RTA_OIF, query.oif);
    if (query.mark != 0)
        message.put(RTA_MARK, query.mark);
    if (query.destination_port != 0)
        message.put(RTA_IP_PROTO, std::uint8_t{IPPROTO_UDP})
            .put(RTA_SPORT, htons(query.source_port))
            .put(RTA_DPORT, htons(query.destination_port));

    RouteAnswer route;
    auto answer = socket_.request(
        message, fmt::format("route to {}", query.destination.text()),
        [&](const nlmsghdr &reply) { route = decode_route(reply).value_or(RouteAnswer{}); });
    if (!answer) {
        auto type = route_type_of_error(answer.error().code.value(), has_source);
        if (!type)
            return tl::unexpected(std::move(answer).error());
        route.type = *type;
    }
    if (has_source) // IPv4 does not repeat what it was told, IPv6 answers what it would have chosen
        route.source = query.source;
    return route;
}

Result<> Netlink::add_route(const Prefix &prefix, std::uint32_t ifindex)
{
    rtmsg header{};
    header.rtm_family = static_cast<std::uint8_t>(prefix.address.family);
    header.rtm_dst_len = prefix.length;
    header.rtm_table = RT_TABLE_MAIN;
    header.rtm_protocol = ROUTE_PROTOCOL;
    header.rtm_scope = prefix.address.is_v6() ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
    header.rtm_type = RTN_UNICAST;
    NetlinkMessage message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, header);
    put_address(message, RTA_DST, prefix.address).put(RTA_OIF, ifindex);
    return socket_.request(message,
                           fmt::format("add route {} by interface {}", prefix.text(), ifindex));
}

Result<std::optional<Neighbour>> Netlink::neighbour(std::uint32_t ifindex, const IpAddress &address)
{
    NetlinkMessage message(RTM_GETNEIGH, 0, neighbour_header(ifindex, address));
    put_address(message, NDA_DST, address);
    std::optional<Neighbour> neighbour;
    auto answer = socket_.request(
        message, fmt::format("neighbour {} on interface {}", address.text(), ifindex),
        [&](const nlmsghdr &reply) {
            if (auto entry = decode_neighbour(reply))
                neighbour = entry->neighbour;
        });
    if (!answer && answer.error().code.value() != ENOENT)
        return tl::unexpected(std::move(answer).error());
    return neighbour;
}

Result<> Netlink::use_neighbour(std::uint32_t ifindex, const IpAddress &address)
{
    ndmsg header = neighbour_header(ifindex, address);
    header.ndm_flags = NTF_USE;
    NetlinkMessage message(RTM_NEWNEIGH, NLM_F_CREATE, header);
    put_address(message, NDA_DST, address);
    return socket_.request(
        message, fmt::format("use neighbour {} on interface {}", address.text(), ifindex));
}

} // namespace wg
