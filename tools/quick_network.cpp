// SPDX-License-Identifier: MIT
#include "tools/quick_network.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

#include "api/text_form.h"
#include "base/route_protocol.h"

namespace wg {
namespace {

constexpr std::uint32_t OVERHEAD = 80; // of WireGuard over IPv6
constexpr std::uint32_t USUAL_MTU = 1500;
constexpr std::uint32_t FIRST_TABLE = 51820;
constexpr const char *MAIN_TABLE = "254";

std::string family_option(bool v6)
{
    return v6 ? "-6" : "-4";
}

Prefix route_prefix(const std::string &text, bool v6)
{
    const auto parsed = Prefix::parse(text == "default" ? (v6 ? "::/0" : "0.0.0.0/0") : text);
    return parsed ? *parsed : Prefix{};
}

bool is_table(const Json &rule, unsigned long table)
{
    return rule.value("table", "") == std::to_string(table);
}

/// What leads into a tunnel's default route: "not fwmark 51820 table 51820".
bool is_policy(const Json &rule)
{
    const auto mark = rule.value("fwmark", "");
    return rule.contains("not") && is_table(rule, std::strtoul(mark.c_str(), nullptr, 0));
}

bool is_suppressing(const Json &rule)
{
    return rule.value("table", "") == MAIN_TABLE && rule.value("suppress_prefixlen", -1) == 0;
}

} // namespace

std::vector<InterfaceAddress> QuickNetwork::addresses() const
{
    std::vector<InterfaceAddress> result;
    for (const Json &link : programs_.ask_json({"ip", "-j", "address", "show", "dev", interface_}))
        for (const Json &entry : link.value("addr_info", Json::array())) {
            const auto address = IpAddress::parse(entry.value("local", ""));
            if (address)
                result.push_back({*address, entry.value("prefixlen", std::uint8_t{0})});
        }
    return result;
}

Result<> QuickNetwork::add_address(const InterfaceAddress &address)
{
    const bool v6 = address.address.is_v6();
    Words words{"ip", family_option(v6), "address", "add", address.text(), "dev", interface_};
    if (v6) // nobody on a tunnel can have it already
        words.emplace_back("nodad");
    return programs_.act(words);
}

Result<> QuickNetwork::remove_address(const InterfaceAddress &address)
{
    return programs_.act({"ip", family_option(address.address.is_v6()), "address", "delete",
                          address.text(), "dev", interface_});
}

std::uint32_t QuickNetwork::mtu() const
{
    const auto links = programs_.ask_json({"ip", "-j", "link", "show", "dev", interface_});
    return links.empty() ? 0 : links[0].value("mtu", 0U);
}

Result<> QuickNetwork::set_mtu(std::uint32_t mtu)
{
    return programs_.act({"ip", "link", "set", "mtu", std::to_string(mtu), "dev", interface_});
}

/* Of the first one: its own, or its device's. */
std::uint32_t QuickNetwork::mtu_of(const Json &routes) const
{
    if (routes.empty())
        return 0;
    for (const Json &metric : routes[0].value("metrics", Json::array()))
        if (metric.contains("mtu"))
            return metric.at("mtu").get<std::uint32_t>();
    return QuickNetwork(programs_, routes[0].value("dev", "")).mtu();
}

std::uint32_t QuickNetwork::mtu_by_route(const std::vector<IpAddress> &endpoints,
                                         std::uint32_t mark) const
{
    std::uint32_t mtu = 0;
    for (const IpAddress &endpoint : endpoints)
        mtu = std::max(mtu, mtu_of(programs_.ask_json({"ip", "-j", "route", "get", endpoint.text(),
                                                       "mark", std::to_string(mark)})));
    if (mtu == 0)
        mtu = mtu_of(programs_.ask_json({"ip", "-j", "route", "show", "default"}));
    if (mtu <= OVERHEAD)
        mtu = USUAL_MTU;
    return std::min(mtu - OVERHEAD, MAX_MTU);
}

std::vector<Route> QuickNetwork::routes(bool by_number, const Words &which) const
{
    std::vector<Route> result;
    for (const bool v6 : {false, true}) {
        Words words{"ip",  "-j",  family_option(v6), "route", "show", "table",
                    "all", "dev", interface_};
        if (by_number)
            words.insert(words.begin() + 1, "-N");
        words.insert(words.end(), which.begin(), which.end());
        for (const Json &route : programs_.ask_json(words))
            if (route.value("protocol", "") != (by_number ? "2" : "kernel"))
                result.push_back(
                    {route_prefix(route.value("dst", ""), v6), route.value("table", "")});
    }
    return result;
}

std::vector<Route> QuickNetwork::routes(bool by_number) const
{
    return routes(by_number, {});
}

std::vector<Route> QuickNetwork::own_routes(bool by_number) const
{
    return routes(by_number, {"proto", std::to_string(ROUTE_PROTOCOL)});
}

std::set<std::uint32_t> QuickNetwork::default_tables() const
{
    std::set<std::uint32_t> tables;
    for (const Route &route : own_routes(true)) {
        std::uint32_t table = 0; // the main one has no number here
        std::from_chars(route.table.data(), route.table.data() + route.table.size(), table);
        if (table != 0 && route.prefix.length == 0)
            tables.insert(table);
    }
    return tables;
}

Result<> QuickNetwork::add_route(const Route &route)
{
    return put_route("add", route);
}

Result<> QuickNetwork::append_route(const Route &route)
{
    return put_route("append", route);
}

Result<> QuickNetwork::put_route(const char *how, const Route &route)
{
    Words words{"ip",
                family_option(route.prefix.address.is_v6()),
                "route",
                how,
                route.prefix.text(),
                "dev",
                interface_};
    if (!route.table.empty())
        words.insert(words.end(), {"table", route.table});
    words.insert(words.end(), {"proto", std::to_string(ROUTE_PROTOCOL)});
    return programs_.act(words);
}

Result<> QuickNetwork::remove_route(const Route &route)
{
    return programs_.act({"ip", family_option(route.prefix.address.is_v6()), "route", "delete",
                          route.prefix.text(), "dev", interface_, "table",
                          route.table.empty() ? "main" : route.table, "proto",
                          std::to_string(ROUTE_PROTOCOL)});
}

std::uint32_t QuickNetwork::free_table() const
{
    const auto is_used = [&](std::uint32_t table) {
        return std::ranges::any_of(std::array{false, true}, [&](bool v6) {
            return !programs_
                        .ask({"ip", family_option(v6), "route", "show", "table",
                              std::to_string(table)})
                        .empty();
        });
    };
    std::uint32_t table = FIRST_TABLE;
    while (is_used(table))
        table++;
    return table;
}

Json QuickNetwork::rules(bool v6) const
{
    return programs_.ask_json({"ip", "-N", "-j", family_option(v6), "rule", "show"});
}

bool QuickNetwork::has_rules(bool v6, std::uint32_t table) const
{
    return std::ranges::any_of(
        rules(v6), [&](const Json &rule) { return is_policy(rule) && is_table(rule, table); });
}

Result<> QuickNetwork::add_rules(bool v6, std::uint32_t table)
{
    const auto number = std::to_string(table);
    WG_TRY(programs_.act(
        {"ip", family_option(v6), "rule", "add", "not", "fwmark", number, "table", number}));
    return programs_.act(
        {"ip", family_option(v6), "rule", "add", "table", "main", "suppress_prefixlength", "0"});
}

/* One of the main table's for each of ours, and none that another tunnel's needs: who was killed
 * has left a rule of ours alone. Others that lead into the table are somebody else's. */
Result<> QuickNetwork::remove_rules(bool v6, std::uint32_t table)
{
    const auto number = std::to_string(table);
    const auto present = rules(v6);
    auto spare = std::ranges::count_if(present, is_suppressing) -
                 std::ranges::count_if(present, [&](const Json &rule) {
                     return is_policy(rule) && !is_table(rule, table);
                 });
    for (const Json &rule : present) {
        if (!is_policy(rule) || !is_table(rule, table))
            continue;
        if (spare-- > 0)
            WG_TRY(programs_.act({"ip", family_option(v6), "rule", "delete", "table", "main",
                                  "suppress_prefixlength", "0"}));
        // the kernel does not compare "not": the priority says which
        WG_TRY(
            programs_.act({"ip", family_option(v6), "rule", "delete", "not", "fwmark", number,
                           "table", number, "pref", std::to_string(rule.value("priority", 0U))}));
    }
    return {};
}

} // namespace wg
