// SPDX-License-Identifier: MIT
#include "device/allowed_ips.h"

namespace wg {

Result<> AllowedIps::insert(const Prefix &prefix, PeerId peer)
{
    const Prefix masked = Prefix::of(prefix.address, prefix.length);

    if (owner(masked) == peer)
        return {};
    WG_TRY(datapath_.set_allowed_ip(masked, peer));
    record(masked, peer);
    return {};
}

void AllowedIps::remove(const Prefix &prefix, PeerId peer)
{
    const Prefix masked = Prefix::of(prefix.address, prefix.length);

    if (owner(masked) != peer)
        return;
    datapath_.remove_allowed_ip(masked);
    owners_.erase(masked);
    forget(masked, peer);
}

void AllowedIps::remove_by_peer(PeerId peer)
{
    for (const Prefix &prefix : list(peer))
        remove(prefix, peer);
}

std::optional<PeerId> AllowedIps::owner(const Prefix &prefix) const
{
    auto found = owners_.find(prefix);
    if (found == owners_.end())
        return std::nullopt;
    return found->second;
}

std::vector<Prefix> AllowedIps::list(PeerId peer) const
{
    auto found = by_peer_.find(peer);
    if (found == by_peer_.end())
        return {};
    return {found->second.begin(), found->second.end()};
}

void AllowedIps::record(const Prefix &prefix, PeerId peer)
{
    auto [entry, is_new] = owners_.try_emplace(prefix, peer);
    if (!is_new) {
        forget(prefix, entry->second);
        entry->second = peer;
    }
    by_peer_[peer].insert(prefix);
}

void AllowedIps::forget(const Prefix &prefix, PeerId peer)
{
    auto found = by_peer_.find(peer);
    if (found == by_peer_.end())
        return;
    found->second.erase(prefix);
    if (found->second.empty())
        by_peer_.erase(found);
}

} // namespace wg
