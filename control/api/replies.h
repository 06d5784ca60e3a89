// SPDX-License-Identifier: MIT
//
// What the service knows, as JSON. Secrets only where they were asked for.
#pragma once

#include "api/requests.h"
#include "api/service.h"

namespace wg {

Json to_json(const TunnelStatus &tunnel, Include include);
Json to_json(const PeerStatus &peer, Include include);
Json to_json(const NicStatus &nic);
Json to_json(const KeystreamStatus &keystream);
Json to_json(const Status &status);

/// Text from the kernel or the user need not be UTF-8; the line always is.
std::string to_line(const Json &json);

} // namespace wg
