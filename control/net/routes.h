// SPDX-License-Identifier: MIT
//
// How packets to a peer's endpoint leave this host, in the form wg_tx wants it; or in words why
// wg_tx cannot send them, so that the socket does.
#pragma once

#include <functional>
#include <string>

#include <wgxdp/abi.h>

#include "base/address.h"
#include "base/result.h"
#include "net/network_view.h"

namespace wg {

struct ResolvedRoute {
    wg_route route{};   ///< kind NONE or DIRECT; all zeros when NONE
    std::string reason; ///< why NONE: "no route", "L3 device tun0", ...; empty when DIRECT
    /// What it hangs on: resolve again when this link or neighbour changes. 0 and none: as far as
    /// it got.
    std::uint32_t ifindex = 0;
    IpAddress next_hop{};
    Duration expires_in{}; ///< the kernel tells nobody when that is over; 0: never
    /// The endpoint's sticky source is no longer ours, or the route leaves by another interface:
    /// forget it.
    bool source_lost = false;
};

/// What rules see of a tunnel's packets, besides the endpoints they go to.
struct UdpSender {
    std::uint32_t mark = 0;
    std::uint16_t port = 0;
};

/// `is_own_tunnel` knows the interfaces of this daemon's tunnels: a packet routed into one would go
/// in circles. An error means that the kernel could not be asked.
Result<ResolvedRoute>
resolve_route(NetworkView &network,
              const Endpoint &endpoint,
              const UdpSender &sender,
              const std::function<bool(std::uint32_t ifindex)> &is_own_tunnel);

} // namespace wg
