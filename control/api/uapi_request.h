// SPDX-License-Identifier: MIT
//
// The requests that wg(8) sends: lines of key=value.
#pragma once

#include <string_view>

#include "base/result.h"
#include "device/change.h"

namespace wg {

/// What a set asks for, from the lines behind "set=1"; understood whole or refused by line and key.
/// EPROTO: a line is not key=value; EINVAL: anything else.
Result<DeviceChange> parse_uapi_set(std::string_view lines);

} // namespace wg
