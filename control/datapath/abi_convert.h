// SPDX-License-Identifier: MIT
//
// Between the daemon's values and the maps' structs.
#pragma once

#include <wgxdp/abi.h>

#include "datapath/datapath.h"

namespace wg {

wg_peer to_abi(TunnelId tunnel, const PeerState &peer, const wg_route &route);
PeerState from_abi(const wg_peer &peer);
Endpoint from_abi(const wg_observed_endpoint &observed);
wg_observed_endpoint observed_to_abi(const Endpoint &from);
wg_keypair to_abi(TunnelId tunnel, const NewKeypair &keypair);
wg_cookie_checker to_abi(const CookieSecrets &secrets, Instant load_until);
wg_allowed_ip_key_v4 allowed_ip_key_v4(TunnelId tunnel, const Prefix &prefix);
wg_allowed_ip_key_v6 allowed_ip_key_v6(TunnelId tunnel, const Prefix &prefix);
Prefix from_abi(const wg_allowed_ip_key_v4 &key);
Prefix from_abi(const wg_allowed_ip_key_v6 &key);

} // namespace wg
