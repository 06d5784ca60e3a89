// SPDX-License-Identifier: MIT
//
// Whether a NIC is one for native XDP, as far as one can know before trying.
#pragma once

#include <string>

#include "net/ethtool.h"
#include "net/netlink.h"

namespace wg {

/// Why the link cannot, or must not, receive by native XDP; empty: it may. A program that is
/// attached already is for the caller to judge.
Result<std::string> why_not_native(Netlink &netlink, Ethtool &ethtool, const Link &link);

} // namespace wg
