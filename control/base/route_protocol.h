// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace wg {

/// The protocol (rtm_protocol, `proto` of ip-route(8)) of the routes that are ours to remove: 'W',
/// which the kernel's list (rtnetlink.h) gives to nobody.
inline constexpr std::uint8_t ROUTE_PROTOCOL = 87;

} // namespace wg
