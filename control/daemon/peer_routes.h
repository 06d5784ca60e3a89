// SPDX-License-Identifier: MIT
//
// Keeps the route of every peer of a tunnel true: resolved when its endpoint moves, and again when
// links, addresses, routes or neighbours change.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "datapath/bpf_datapath.h"
#include "device/device.h"
#include "net/netlink.h"
#include "net/routes.h"

namespace wg {

/// An interface, and a next hop on it.
using Neighbourhood = std::pair<std::uint32_t, IpAddress>;

class PeerRoutes {
  public:
    using IsOwnTunnel = std::function<bool(std::uint32_t ifindex)>;

    PeerRoutes(Netlink &netlink,
               BpfDatapath &maps,
               const Device &device,
               IsOwnTunnel is_own_tunnel);

    void set_mark(std::uint32_t mark) { mark_ = mark; }
    /// wg0's ifindex, 0 while it is elsewhere: what is routed into it would go in circles.
    void set_own_ifindex(std::uint32_t ifindex) { own_ifindex_ = ifindex; }

    void refresh(PeerId peer);
    void refresh_all();
    /// A neighbour's state changed: peers behind it are resolved again, and one that is in use is
    /// confirmed.
    void neighbour_changed(std::uint32_t ifindex, const IpAddress &next_hop);
    /// The peer sends again after a pause: BPF does not use the kernel's neighbour entry, so say
    /// that it is in use.
    void confirm(PeerId peer);

    /// Peers whose sticky source is no longer ours, or whose route leaves by another interface than
    /// they were heard on: the device is to forget it.
    std::set<PeerId> take_lost_sources() { return std::exchange(lost_sources_, {}); }

    /// Interfaces that packets to or from a peer were found to pass since last asked.
    std::set<std::uint32_t> take_used_nics() { return std::exchange(used_nics_, {}); }

    /// "bpf eth0" or "socket: REASON".
    std::string path(PeerId peer) const;
    /// Would a datagram to this address come back into the tunnel?
    bool loops(const IpAddress &address) const { return looping_.contains(address); }

  private:
    struct Entry {
        IpAddress address;
        ResolvedRoute resolved;
    };

    Netlink &netlink_;
    BpfDatapath &maps_;
    const Device &device_;
    IsOwnTunnel is_own_tunnel_;
    std::uint32_t mark_ = 0;
    std::uint32_t own_ifindex_ = 0;
    std::map<PeerId, Entry> entries_;
    std::set<IpAddress> looping_; ///< nearly always empty
    std::set<PeerId> lost_sources_;
    std::set<std::uint32_t> used_nics_;
};

} // namespace wg
