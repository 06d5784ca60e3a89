// SPDX-License-Identifier: MIT
//
// What a file says, as the daemon wants to hear it.
#pragma once

#include <string>
#include <vector>

#include "tools/client.h"
#include "tools/quick_file.h"

namespace wg {

/// The peers of tunnel.add; endpoints are resolved.
Result<Json> peers_params(const QuickFile &file);

/// The params of tunnel.add, without what wg-quick does by other programs: addresses, routes.
Json tunnel_params(const QuickFile &file, Json peers, std::uint32_t fwmark, std::uint32_t mtu);

/// The `peers` of tunnel.set that make those of a tunnel (as tunnel.list tells them) the wanted
/// ones and keep what they have in common.
Json sync_params(const Json &wanted, const Json &present);

/// What tunnel.list told of a tunnel's peers, secrets included, as peers_params would say it.
Json as_wanted(const Json &present);

} // namespace wg
