// SPDX-License-Identifier: MIT
//
// Reading rtnetlink's answers: pure functions from messages to values. Attributes that are absent
// leave the defaults; a message of another type gives nullopt.
#pragma once

#include <optional>

#include "net/netlink_types.h"

struct nlmsghdr;

namespace wg {

std::optional<Link> decode_link(const nlmsghdr &message);
std::optional<LocalAddress> decode_address(const nlmsghdr &message);
std::optional<RouteAnswer> decode_route(const nlmsghdr &message);

struct NeighbourEntry {
    std::uint32_t ifindex = 0;
    IpAddress address;
    Neighbour neighbour;
};
/// nullopt also for entries of bridges and other families than IP.
std::optional<NeighbourEntry> decode_neighbour(const nlmsghdr &message);

/// What a refused RTM_GETROUTE means: routes that lead nowhere come as errors. nullopt: a true
/// error.
std::optional<RouteType> route_type_of_error(int error, bool source_was_asked);

} // namespace wg
