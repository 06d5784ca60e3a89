// SPDX-License-Identifier: MIT
//
// The IP side of a tunnel's interface as wg-quick makes it, by ip(8): addresses, MTU, routes, and
// the rules that lead a default route into the tunnel.
#pragma once

#include <compare>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "base/address.h"
#include "tools/programs.h"

namespace wg {

struct Route {
    Prefix prefix;
    std::string table; ///< empty: main
    auto operator<=>(const Route &) const = default;
};

class QuickNetwork {
  public:
    QuickNetwork(Programs &programs, std::string interface)
        : programs_(programs), interface_(std::move(interface))
    {
    }

    std::vector<InterfaceAddress> addresses() const;
    Result<> add_address(const InterfaceAddress &address);
    Result<> remove_address(const InterfaceAddress &address);

    std::uint32_t mtu() const; ///< 0: there is no such interface
    Result<> set_mtu(std::uint32_t mtu);
    /// What the routes that marked packets take to the peers carry, less WireGuard's overhead.
    std::uint32_t mtu_by_route(const std::vector<IpAddress> &endpoints, std::uint32_t mark) const;

    /// Those that anybody added, or only ours, with numbers of tables, or names where tables have
    /// one.
    std::vector<Route> routes(bool by_number) const;
    std::vector<Route> own_routes(bool by_number) const;
    Result<> add_route(const Route &route);
    /// Behind one of the same prefix.
    Result<> append_route(const Route &route);
    Result<> remove_route(const Route &route);

    std::uint32_t free_table() const;
    /// Those in which we have put a default route.
    std::set<std::uint32_t> default_tables() const;
    /// Everything that is not marked looks into the table, after the main table's more specific
    /// routes.
    Result<> add_rules(bool v6, std::uint32_t table);
    Result<> remove_rules(bool v6, std::uint32_t table);
    bool has_rules(bool v6, std::uint32_t table) const;

  private:
    std::vector<Route> routes(bool by_number, const Words &which) const;
    Result<> put_route(const char *how, const Route &route);
    Json rules(bool v6) const;
    std::uint32_t mtu_of(const Json &routes) const;

    Programs &programs_;
    std::string interface_;
};

} // namespace wg
