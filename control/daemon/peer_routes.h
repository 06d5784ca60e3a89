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

    void set_sender(const UdpSender &sender) { sender_ = sender; }
    /// wg0's ifindex, 0 while it is elsewhere: what is routed into it would go in circles.
    void set_own_ifindex(std::uint32_t ifindex) { own_ifindex_ = ifindex; }

    /// At once: the peer has moved.
    void refresh(PeerId peer);
    /// No route is sure to be true any more: refresh_some() finds them all anew.
    void refresh_all();
    /// The state of these neighbours changed: peers that it makes a difference to are left to
    /// refresh_some(), and a neighbour that is in use is confirmed.
    void neighbours_changed(const std::set<Neighbourhood> &neighbours);
    /// Peers at these addresses are left to refresh_some(). False: there are none.
    bool path_mtu_changed(const std::set<IpAddress> &too_big);
    /// When the first of them expires.
    Instant next_expiry() const { return expiries_.empty() ? NEVER : expiries_.begin()->first; }
    /// Peers whose routes have expired are left to refresh_some(). False: there are none.
    bool expire(Instant now);
    /// As many as hold up nobody. True: there are more, to be done when others have had their turn.
    bool refresh_some();
    /// What the kernel was asked is remembered until then: peers have gateways and interfaces in
    /// common. To be called before the kernel's configuration may be another.
    void forget_answers() { network_.forget(); }
    /// The peer sends again after a pause: BPF does not use the kernel's neighbour entry, so say
    /// that it is in use.
    void confirm(PeerId peer);

    /// Peers whose sticky source is no longer ours, or whose route leaves by another interface than
    /// they were heard on: the device is to forget it.
    std::set<PeerId> take_lost_sources() { return std::exchange(lost_sources_, {}); }

    /// Interfaces that packets to or from a peer were found to pass since last asked.
    std::set<std::uint32_t> take_used_nics() { return std::exchange(used_nics_, {}); }

    /// "bpf eth0" or "socket: REASON".
    std::string path(PeerId peer);
    /// Would a datagram to this address come back into the tunnel?
    bool loops(const IpAddress &address) const { return looping_.contains(address); }

  private:
    struct Entry {
        IpAddress address;
        ResolvedRoute resolved;
        Instant expiry = NEVER;
    };

    /// Does the neighbour's entry still say what this route was made from?
    bool still_holds(const Entry &entry);

    Netlink &netlink_;
    NetworkView network_;
    BpfDatapath &maps_;
    const Device &device_;
    IsOwnTunnel is_own_tunnel_;
    UdpSender sender_;
    std::uint32_t own_ifindex_ = 0;
    void forget(PeerId peer);

    std::map<PeerId, Entry> entries_;
    std::set<std::pair<Instant, PeerId>> expiries_;
    std::set<PeerId> stale_;      ///< to be resolved again
    PeerId next_stale_ = 0;       ///< whose turn it is
    std::set<IpAddress> looping_; ///< nearly always empty
    std::set<PeerId> lost_sources_;
    std::set<std::uint32_t> used_nics_;
};

} // namespace wg
