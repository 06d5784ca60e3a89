// SPDX-License-Identifier: MIT
//
// Which routes a file asks for, by wg-quick's rules.
#pragma once

#include <cstdint>
#include <vector>

#include "api/config_file.h"
#include "tools/quick_network.h"

namespace wg {

/// Does a default route lead into the tunnel, by policy rules and a table of its own?
bool wants_policy(const ConfigFile &config);
/// Is it that default route?
bool is_policy_route(const Route &route, const ConfigFile &config);

/// A route for each allowed IP, longest prefix first, but none where an address of the interface
/// brings one. `table`: the default route's.
std::vector<Route> wanted_routes(const ConfigFile &config, std::uint32_t table);

} // namespace wg
