// SPDX-License-Identifier: MIT
//
// What wg(8) is told of a tunnel.
#pragma once

#include <string>

#include "api/service.h"

namespace wg {

/// Lines of key=value, the device's before its peers'; secrets included.
std::string uapi_text(const TunnelStatus &tunnel);

} // namespace wg
