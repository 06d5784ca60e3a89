// SPDX-License-Identifier: MIT
//
// What a NIC's driver says of XDP (generic netlink, family "netdev": kernels from 6.3 on), in the
// caller's network namespace.
#pragma once

#include <cstdint>
#include <optional>

#include "base/result.h"

namespace wg {

/// Does the driver run XDP programs? nullopt: this kernel does not tell.
Result<std::optional<bool>> has_native_xdp(std::uint32_t ifindex);

} // namespace wg
