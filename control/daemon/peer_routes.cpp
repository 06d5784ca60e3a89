// SPDX-License-Identifier: MIT
#include "daemon/peer_routes.h"

#include <algorithm>

#include <linux/neighbour.h>

#include "base/log.h"

namespace wg {

PeerRoutes::PeerRoutes(Netlink &netlink,
                       BpfDatapath &maps,
                       const Device &device,
                       IsOwnTunnel is_own_tunnel)
    : netlink_(netlink), maps_(maps), device_(device), is_own_tunnel_(std::move(is_own_tunnel))
{
}

void PeerRoutes::refresh(PeerId peer)
{
    const auto endpoint = device_.endpoint_of(peer);
    if (!endpoint) {
        entries_.erase(peer);
        return;
    }
    auto resolved = resolve_route(netlink_, *endpoint, mark_, is_own_tunnel_);
    if (!resolved) {
        log::warn("peer {}: route to {}: {}", peer, endpoint->text(), resolved.error().what);
        ResolvedRoute none;
        none.reason = resolved.error().what;
        resolved = std::move(none);
    }
    for (const std::uint32_t ifindex : {resolved->ifindex, endpoint->source_ifindex})
        if (ifindex != 0)
            used_nics_.insert(ifindex);
    if (resolved->source_lost)
        lost_sources_.insert(peer);
    if (const auto published = maps_.set_route(peer, resolved->route); !published)
        log::error("peer {}: {}", peer, published.error().what);
    if (own_ifindex_ != 0 && resolved->ifindex == own_ifindex_)
        looping_.insert(endpoint->address);
    else
        looping_.erase(endpoint->address);
    entries_.insert_or_assign(peer, Entry{endpoint->address, *std::move(resolved)});
}

void PeerRoutes::refresh_all()
{
    std::vector<PeerId> peers;
    for (const auto &[peer, entry] : entries_)
        peers.push_back(peer);
    for (const PeerId peer : peers)
        refresh(peer);
}

void PeerRoutes::neighbour_changed(std::uint32_t ifindex, const IpAddress &next_hop)
{
    std::vector<PeerId> behind;
    for (const auto &[peer, entry] : entries_)
        if (entry.resolved.ifindex == ifindex && entry.resolved.next_hop == next_hop)
            behind.push_back(peer);
    for (const PeerId peer : behind)
        refresh(peer);
    const auto recently = now().instant - std::chrono::seconds(60);
    if (std::ranges::any_of(behind,
                            [&](PeerId peer) { return maps_.activity(peer).last_sent > recently; }))
        confirm(behind.front());
}

void PeerRoutes::confirm(PeerId peer)
{
    const auto found = entries_.find(peer);
    if (found == entries_.end() || found->second.resolved.route.kind != WG_ROUTE_DIRECT)
        return;
    const auto &[ifindex, next_hop] =
        std::tie(found->second.resolved.ifindex, found->second.resolved.next_hop);
    const auto neighbour = netlink_.neighbour(ifindex, next_hop);
    if (!neighbour || !*neighbour || (*neighbour)->state != NUD_STALE)
        return;
    if (const auto used = netlink_.use_neighbour(ifindex, next_hop); !used)
        log::debug("peer {}: next hop {}: {}", peer, next_hop.text(), used.error().what);
}

std::string PeerRoutes::path(PeerId peer) const
{
    const auto found = entries_.find(peer);
    if (found == entries_.end())
        return "socket: no endpoint";
    const auto &resolved = found->second.resolved;
    if (resolved.route.kind != WG_ROUTE_DIRECT)
        return "socket: " + resolved.reason;
    const auto link = netlink_.link_by_index(resolved.ifindex);
    return "bpf " + (link ? link->name : std::to_string(resolved.ifindex));
}

} // namespace wg
