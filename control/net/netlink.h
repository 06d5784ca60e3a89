// SPDX-License-Identifier: MIT
//
// Questions and orders to the kernel's network configuration (rtnetlink), in the network namespace
// in which the object was opened. Every call blocks for the moment the kernel needs to answer.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/netlink_socket.h"
#include "net/netlink_types.h"

namespace wg {

/// One end of a veth pair to be made.
struct VethEnd {
    std::string name;
    MacAddress mac{};
    std::uint32_t mtu = 0;
    std::uint32_t queues = 1; ///< of each direction
};

class Netlink {
  public:
    static Result<Netlink> open();

    // --- links; ENODEV: there is none ---

    Result<Link> link_by_name(std::string_view name);
    Result<Link> link_by_index(std::uint32_t ifindex);
    Result<std::vector<Link>> links();
    /// Has a macvlan, macvtap, ipvlan or ipvtap in this netns been put on it? (One that was moved
    /// away is not seen.)
    Result<bool> carries_macvlan(std::uint32_t ifindex);
    /// Makes a NOARP pair, both ends down.
    Result<> create_veth(const VethEnd &end, const VethEnd &peer);
    Result<> set_up(std::uint32_t ifindex);
    Result<> set_mtu(std::uint32_t ifindex, std::uint32_t mtu);
    /// No link-local address of its own when it goes up. Does nothing where there is no IPv6.
    Result<> set_addrgenmode_none(std::uint32_t ifindex);
    /// Deletes the link, and with one end of a veth pair the other, wherever it is.
    Result<> remove_link(std::uint32_t ifindex);

    // --- addresses ---

    Result<std::vector<LocalAddress>> addresses();
    /// An address that is there already stays.
    Result<> add_address(std::uint32_t ifindex, const InterfaceAddress &address);
    Result<> remove_address(std::uint32_t ifindex, const InterfaceAddress &address);

    // --- routes ---

    /// "No route" and its like are answers, not errors. An IPv4 source that is not ours is EINVAL
    /// or "no route", depending on the kernel.
    Result<RouteAnswer> route_get(const RouteQuery &query);
    /// A route on the link in the main table. EEXIST: the prefix has a route already.
    Result<> add_route(const Prefix &prefix, std::uint32_t ifindex);

    // --- neighbours ---

    /// nullopt: the kernel has no entry.
    Result<std::optional<Neighbour>> neighbour(std::uint32_t ifindex, const IpAddress &address);
    /// Tells the kernel that we use this entry, so that it resolves or confirms it as if it had
    /// sent a packet.
    Result<> use_neighbour(std::uint32_t ifindex, const IpAddress &address);

  private:
    explicit Netlink(NetlinkSocket socket) : socket_(std::move(socket)) {}
    Result<Link> get_link(const NetlinkMessage &message, std::string_view what);

    NetlinkSocket socket_;
};

} // namespace wg
