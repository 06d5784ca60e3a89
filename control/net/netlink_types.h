// SPDX-License-Identifier: MIT
//
// What the kernel says of links, addresses, routes and neighbours, as plain values.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/address.h"
#include "base/clock.h"

namespace wg {

using MacAddress = std::array<std::uint8_t, 6>;

struct Link {
    std::uint32_t ifindex = 0;
    std::string name;
    std::string kind; ///< "veth", "bridge", ...; empty for hardware
    MacAddress mac{}; ///< zeros where it has none of 6 bytes
    std::uint32_t mtu = 0;
    std::uint32_t largest_mtu = 0; ///< what the device takes, 0: anything
    std::uint32_t flags = 0;       ///< IFF_*
    std::uint16_t arp_type = 0;    ///< ARPHRD_*
    std::uint32_t master = 0;      ///< the bridge, bond or VRF it is a port of, 0: none
    /// A veth's other end, the link below a VLAN or macvlan; 0: none.
    std::uint32_t peer_ifindex = 0;
    std::optional<int> peer_netnsid; ///< set when peer_ifindex counts in another netns
    bool has_xdp = false;            ///< a program of any mode is attached
    std::uint32_t ipv6_mtu = 0;      ///< a router may have announced less; 0: no IPv6 here
    std::uint8_t ipv6_hop_limit = 0; ///< 0: no IPv6 here

    bool is_up() const;
    bool has_carrier() const;
    bool is_ethernet() const; ///< resolves neighbours to MACs: Ethernet, and not NOARP
};

/// One address of one interface of this netns.
struct LocalAddress {
    std::uint32_t ifindex = 0;
    InterfaceAddress address;
    auto operator<=>(const LocalAddress &) const = default;
};

enum class RouteType {
    none, ///< no route at all
    unicast,
    local,
    broadcast,
    multicast,
    blackhole,
    unreachable,
    prohibit,
    other,
};

/// How would a packet leave?
struct RouteQuery {
    IpAddress destination{};
    IpAddress source{};    ///< none: the kernel chooses
    std::uint32_t oif = 0; ///< only by this interface; 0: by any
    std::uint32_t mark = 0;
    std::uint16_t source_port = 0;      ///< UDP's, for rules on ports
    std::uint16_t destination_port = 0; ///< 0: a packet of no protocol

    auto operator<=>(const RouteQuery &) const = default;
};

/// The answer to "how would a packet leave".
struct RouteAnswer {
    RouteType type = RouteType::none;
    std::uint32_t ifindex = 0;  ///< out interface
    IpAddress gateway{};        ///< of either family; none: the destination is on the link
    IpAddress source{};         ///< the preferred source, or the one that was asked for
    std::uint32_t mtu = 0;      ///< route metric or path MTU, 0: the link's
    std::uint8_t hop_limit = 0; ///< route metric, 0: the default
    Duration expires_in{};      ///< a learned path MTU, or a router's word; 0: it stays
    bool encapsulated = false;  ///< a lightweight tunnel (MPLS, seg6, ...) changes the packet
};

struct Neighbour {
    std::uint16_t state = 0; ///< NUD_*
    std::optional<MacAddress> mac;

    /// May its MAC be used?
    bool is_valid() const;
};

} // namespace wg
