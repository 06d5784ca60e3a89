// SPDX-License-Identifier: MIT
#include "tools/quick_routes.h"

#include <algorithm>
#include <set>

namespace wg {
namespace {

constexpr std::uint8_t WHOLE_V4 = 32; // such an address brings no route

std::set<Prefix> allowed_ips(const ConfigFile &config)
{
    std::set<Prefix> result;
    for (const ConfigPeer &peer : config.peers)
        result.insert(peer.allowed_ips.begin(), peer.allowed_ips.end());
    return result;
}

bool is_covered(const Prefix &prefix, const ConfigFile &config)
{
    return std::ranges::any_of(config.addresses, [&](const InterfaceAddress &own) {
        const bool brings_route = own.address.is_v6() || own.length != WHOLE_V4;
        return brings_route && own.length <= prefix.length &&
               Prefix::of(own.address, own.length).contains(prefix.address);
    });
}

} // namespace

bool wants_policy(const ConfigFile &config)
{
    return config.table.empty() &&
           std::ranges::any_of(allowed_ips(config),
                               [](const Prefix &prefix) { return prefix.length == 0; });
}

bool is_policy_route(const Route &route, const ConfigFile &config)
{
    return config.table.empty() && route.prefix.length == 0;
}

std::vector<Route> wanted_routes(const ConfigFile &config, std::uint32_t table)
{
    std::vector<Route> routes;
    if (config.table == "off")
        return routes;
    const bool is_main = config.table == "main" || config.table == "254";
    for (const Prefix &prefix : allowed_ips(config)) {
        if (!config.table.empty())
            routes.push_back({prefix, is_main ? "" : config.table});
        else if (prefix.length == 0)
            routes.push_back({prefix, std::to_string(table)});
        else if (!is_covered(prefix, config))
            routes.push_back({prefix, ""});
    }
    std::ranges::stable_sort(routes, std::greater(),
                             [](const Route &route) { return route.prefix.length; });
    return routes;
}

} // namespace wg
