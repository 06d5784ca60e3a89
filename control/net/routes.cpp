// SPDX-License-Identifier: MIT
#include "net/routes.h"

#include <algorithm>

namespace wg {
namespace {

/// Why a route of this type takes no packet of ours; nullptr: it does.
const char *refusal(RouteType type)
{
    switch (type) {
    case RouteType::unicast:
        return nullptr;
    case RouteType::none:
        return "no route";
    case RouteType::local:
        return "local address";
    case RouteType::broadcast:
        return "broadcast address";
    case RouteType::multicast:
        return "multicast address";
    case RouteType::blackhole:
        return "blackhole route";
    case RouteType::unreachable:
        return "unreachable by route";
    case RouteType::prohibit:
        return "prohibited by route";
    case RouteType::other:
        break;
    }
    return "route of an unknown type";
}

struct Lookup {
    RouteAnswer route;
    bool source_lost = false;
};

/// Is the sticky source still an address of this host?
Result<bool> is_local(NetworkView &network, const Endpoint &endpoint)
{
    std::uint32_t oif =
        endpoint.source.is_link_local() && endpoint.source.is_v6() ? endpoint.source_ifindex : 0;
    auto route = WG_TRY(network.route_get({.destination = endpoint.source, .oif = oif}));
    return route.type == RouteType::local;
}

/// As the kernel driver's send4 and send6: with the sticky source while it is ours and the route
/// with it leaves by the interface the peer was heard on; otherwise without.
Result<Lookup> look_up(NetworkView &network, const Endpoint &endpoint, const UdpSender &sender)
{
    RouteQuery query{.destination = endpoint.address,
                     .source = endpoint.source,
                     .oif = endpoint.scope_id,
                     .mark = sender.mark,
                     .source_port = sender.port,
                     .destination_port = endpoint.port};
    bool sticky = endpoint.source.family == endpoint.address.family;
    if (sticky && WG_TRY(is_local(network, endpoint))) {
        auto route = network.route_get(query);
        // EINVAL: a dead end for this source, or the source went between the two questions.
        if (!route && route.error().code.value() != EINVAL)
            return tl::unexpected(std::move(route).error());
        bool same_way =
            route && (endpoint.source_ifindex == 0 || route->ifindex == endpoint.source_ifindex);
        if (same_way)
            return Lookup{*std::move(route)};
    }
    query.source = {};
    return Lookup{WG_TRY(network.route_get(query)), static_cast<bool>(endpoint.source)};
}

/// Why packets cannot be put on this link as they are; empty: they can.
std::string refusal(const Link &link)
{
    if (!link.is_ethernet())
        return "L3 device " + link.name;
    if (!link.is_up())
        return link.name + " is down";
    return {};
}

/// The largest outer packet: the link's limit, a router's announcement, the route's metric or the
/// path MTU that the kernel has learned.
std::uint32_t mtu(const RouteAnswer &route, const Link &link, bool v6)
{
    std::uint32_t limit = v6 ? std::min(link.mtu, link.ipv6_mtu) : link.mtu;
    return route.mtu == 0 ? limit : std::min(limit, route.mtu);
}

/// Of the route, or what the stack itself would use.
Result<std::uint8_t>
hop_limit(NetworkView &network, const RouteAnswer &route, const Link &link, bool v6)
{
    if (route.hop_limit != 0)
        return route.hop_limit;
    return v6 ? link.ipv6_hop_limit : network.default_ttl();
}

Result<wg_route> direct_route(NetworkView &network,
                              const RouteAnswer &answer,
                              const Link &link,
                              const MacAddress &next_hop_mac)
{
    wg_route route{};
    route.ifindex = link.ifindex;
    route.mtu = mtu(answer, link, answer.source.is_v6());
    std::ranges::copy(answer.source.bytes, route.source);
    std::ranges::copy(link.mac, route.source_mac);
    std::ranges::copy(next_hop_mac, route.next_hop_mac);
    route.kind = WG_ROUTE_DIRECT;
    route.hop_limit = WG_TRY(hop_limit(network, answer, link, answer.source.is_v6()));
    return route;
}

} // namespace

Result<ResolvedRoute> resolve_route(NetworkView &network,
                                    const Endpoint &endpoint,
                                    const UdpSender &sender,
                                    const std::function<bool(std::uint32_t)> &is_own_tunnel)
{
    auto [answer, source_lost] = WG_TRY(look_up(network, endpoint, sender));
    ResolvedRoute resolved;
    resolved.source_lost = source_lost;
    auto none = [&resolved](std::string reason) {
        resolved.reason = std::move(reason);
        return std::move(resolved);
    };

    if (const char *why = refusal(answer.type))
        return none(why);
    resolved.ifindex = answer.ifindex;
    resolved.expires_in = answer.expires_in;
    if (is_own_tunnel(answer.ifindex))
        return none("own tunnel");
    if (answer.encapsulated)
        return none("encapsulating route");
    if (!answer.source)
        return none("no source address");

    auto link = network.link_by_index(answer.ifindex);
    if (!link && link.error().code.value() == ENODEV)
        return none("interface is gone");
    Link out = WG_TRY(std::move(link));
    if (auto why = refusal(out); !why.empty())
        return none(why);

    resolved.next_hop = answer.gateway ? answer.gateway : endpoint.address;
    auto neighbour = WG_TRY(network.neighbour(answer.ifindex, resolved.next_hop));
    if (!neighbour || !neighbour->is_valid())
        return none("next hop unresolved");
    resolved.route = WG_TRY(direct_route(network, answer, out, *neighbour->mac));
    return resolved;
}

} // namespace wg
