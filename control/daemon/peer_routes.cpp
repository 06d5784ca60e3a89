// SPDX-License-Identifier: MIT
#include "daemon/peer_routes.h"

#include <algorithm>

#include <linux/neighbour.h>

#include "base/log.h"

namespace wg {

namespace {

constexpr std::size_t AT_ONCE = 256; // a few milliseconds
constexpr auto IN_USE = std::chrono::seconds(60);
constexpr auto LATER = std::chrono::milliseconds(100); // the kernel counts in ticks

} // namespace

PeerRoutes::PeerRoutes(Netlink &netlink,
                       BpfDatapath &maps,
                       const Device &device,
                       IsOwnTunnel is_own_tunnel)
    : netlink_(netlink), network_(netlink), maps_(maps), device_(device),
      is_own_tunnel_(std::move(is_own_tunnel))
{
}

void PeerRoutes::refresh(PeerId peer)
{
    forget(peer);
    const auto endpoint = device_.endpoint_of(peer);
    if (!endpoint)
        return;
    auto resolved = resolve_route(network_, *endpoint, sender_, is_own_tunnel_);
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
    Entry entry{endpoint->address, *std::move(resolved)};
    if (entry.resolved.expires_in != Duration(0)) {
        entry.expiry = now().instant + entry.resolved.expires_in + LATER;
        expiries_.emplace(entry.expiry, peer);
    }
    entries_.emplace(peer, std::move(entry));
}

void PeerRoutes::forget(PeerId peer)
{
    stale_.erase(peer);
    const auto found = entries_.find(peer);
    if (found == entries_.end())
        return;
    expiries_.erase({found->second.expiry, peer});
    entries_.erase(found);
}

bool PeerRoutes::expire(Instant now)
{
    const auto end = expiries_.lower_bound({now, 0});
    if (end == expiries_.begin())
        return false;
    for (auto expiry = expiries_.begin(); expiry != end; expiry = expiries_.erase(expiry))
        stale_.insert(expiry->second);
    forget_answers();
    return true;
}

void PeerRoutes::refresh_all()
{
    forget_answers();
    for (const auto &[peer, entry] : entries_)
        stale_.insert(stale_.end(), peer);
}

bool PeerRoutes::refresh_some()
{
    for (std::size_t i = 0; i < AT_ONCE && !stale_.empty(); i++) {
        auto next = stale_.lower_bound(next_stale_); // round and round: all may be stale again soon
        if (next == stale_.end())
            next = stale_.begin();
        next_stale_ = *next + 1;
        refresh(stale_.extract(next).value());
    }
    return !stale_.empty();
}

void PeerRoutes::neighbours_changed(const std::set<Neighbourhood> &neighbours)
{
    if (neighbours.empty())
        return;
    forget_answers();
    std::map<Neighbourhood, PeerId> in_use;
    const auto recently = now().instant - IN_USE;
    for (const auto &[peer, entry] : entries_) {
        const Neighbourhood neighbour{entry.resolved.ifindex, entry.resolved.next_hop};
        if (!neighbours.contains(neighbour))
            continue;
        if (!still_holds(entry))
            stale_.insert(peer);
        if (!in_use.contains(neighbour) && maps_.activity(peer).last_sent > recently)
            in_use.emplace(neighbour, peer);
    }
    for (const auto &[neighbour, peer] : in_use)
        confirm(peer);
}

bool PeerRoutes::path_mtu_changed(const std::set<IpAddress> &too_big)
{
    bool concerned = false;
    for (const auto &[peer, entry] : entries_)
        if (too_big.contains(entry.address)) {
            stale_.insert(peer);
            concerned = true;
        }
    if (concerned)
        forget_answers();
    return concerned;
}

bool PeerRoutes::still_holds(const Entry &entry)
{
    const ResolvedRoute &resolved = entry.resolved;
    const auto neighbour = network_.neighbour(resolved.ifindex, resolved.next_hop);
    return resolved.route.kind == WG_ROUTE_DIRECT && neighbour && *neighbour &&
           (*neighbour)->is_valid() &&
           std::ranges::equal(*(*neighbour)->mac, resolved.route.next_hop_mac);
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

std::string PeerRoutes::path(PeerId peer)
{
    const auto found = entries_.find(peer);
    if (found == entries_.end())
        return "socket: no endpoint";
    const auto &resolved = found->second.resolved;
    if (resolved.route.kind != WG_ROUTE_DIRECT)
        return "socket: " + resolved.reason;
    const auto link = network_.link_by_index(resolved.ifindex);
    return "bpf " + (link ? link->name : std::to_string(resolved.ifindex));
}

} // namespace wg
