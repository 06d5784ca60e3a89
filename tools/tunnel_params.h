// SPDX-License-Identifier: MIT
//
// What a file says, as the daemon wants to hear it.
#pragma once

#include <string>
#include <vector>

#include "tools/client.h"
#include "tools/quick_file.h"

namespace wg {

/// Says in a peer's params where it may be. `old`: the same peer as it is now, if it is there.
/// Names that cannot be looked up now are left to the daemon.
Result<>
add_endpoints(Json &params, const std::vector<HostPort> &places, const Json *old = nullptr);

/// The peers of tunnel.add. Endpoints are resolved, but not those that `present`, a tunnel's peers
/// (as tunnel.list tells them), have already. Names that cannot be looked up now are left to the
/// daemon.
Result<Json> peers_params(const QuickFile &file, const Json &present = Json::array());

/// The params of tunnel.add, without what wg-quick does by other programs: addresses, routes.
Json tunnel_params(const QuickFile &file, Json peers, std::uint32_t fwmark, std::uint32_t mtu);

/// The `peers` of tunnel.set that add the wanted ones to those of a tunnel (as tunnel.list tells
/// them) and keep what they have in common. Those that are not wanted lose only their names.
Json change_params(const Json &wanted, const Json &present);
/// The `peers` of tunnel.set that remove the others.
Json removal_params(const Json &wanted, const Json &present);
/// The `peers` of tunnel.set that undo change_params; `present` has secrets, too.
Json restore_params(const Json &wanted, const Json &present);

} // namespace wg
