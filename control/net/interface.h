// SPDX-License-Identifier: MIT
//
// The veth pair that is a tunnel: wg0, which people see and may move to another netns, and wg0x,
// its inner end, which stays and where the BPF programs hang.
#pragma once

#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "net/netlink.h"

namespace wg {

struct TunnelInterface {
    std::string name;       ///< wg0
    std::string inner_name; ///< wg0x
    std::uint32_t ifindex = 0;
    std::uint32_t inner_ifindex = 0; ///< the tunnel's id
    MacAddress mac{};
    MacAddress inner_mac{};
};

/// NAME and "x". A name of 15 characters loses its last for it (and gets "y" if it would be its own
/// inner name).
std::string inner_interface_name(std::string_view name);

/// Removing the first address of a network leaves the others.
Result<> keep_secondary_addresses(const std::string &name);

/// Makes the pair with the offloads, queues and addresses that design.md found necessary. wg0 is
/// left down, for its owner to set up; wg0x is up, with the largest MTU, so that wg0's may be
/// anything. A failure leaves nothing behind. Only spreading over CPUs (RPS) is allowed to fail,
/// with a warning: the tunnel works without.
Result<TunnelInterface>
create_tunnel_interface(Netlink &netlink, Random &random, std::string_view name, std::uint32_t mtu);

} // namespace wg
