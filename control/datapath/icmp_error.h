// SPDX-License-Identifier: MIT
//
// What the sender of an inner packet is told when there is no way to its destination, as the kernel
// driver tells it: host unreachable (RFC 792), address unreachable (RFC 4443).
#pragma once

#include "base/bytes.h"
#include "datapath/inner_packet.h"

namespace wg {

/// The ICMP error about `packet`, which `inner` describes. Empty: its sender must not be told (RFC
/// 1122, 3.2.2 and RFC 4443, 2.4 (e): errors, fragments, groups). It comes from the destination
/// itself: a source that belongs to the receiving host would be refused there as a martian.
Buffer unreachable_error(Bytes packet, const InnerPacket &inner);

} // namespace wg
