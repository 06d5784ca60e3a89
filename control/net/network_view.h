// SPDX-License-Identifier: MIT
//
// The kernel's network configuration, each thing asked once: what thousands of peers have in common
// (a gateway, an interface) costs one question while their routes are found. Whoever keeps a view
// forgets it as soon as the kernel may have changed its mind.
#pragma once

#include <map>
#include <utility>

#include "net/netlink.h"

namespace wg {

class NetworkView {
  public:
    explicit NetworkView(Netlink &netlink) : netlink_(netlink) {}

    // --- as Netlink has them; an error is asked again ---
    Result<RouteAnswer> route_get(const RouteQuery &query);
    Result<Link> link_by_index(std::uint32_t ifindex);
    Result<std::optional<Neighbour>> neighbour(std::uint32_t ifindex, const IpAddress &address);

    /// What the stack puts into IPv4 packets. An operator may change it.
    Result<std::uint8_t> default_ttl();

    void forget();

  private:
    Netlink &netlink_;
    std::map<RouteQuery, RouteAnswer> routes_;
    std::map<std::uint32_t, Link> links_;
    std::map<std::pair<std::uint32_t, IpAddress>, std::optional<Neighbour>> neighbours_;
    std::optional<std::uint8_t> default_ttl_;
};

} // namespace wg
