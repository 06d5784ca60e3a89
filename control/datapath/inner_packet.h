// SPDX-License-Identifier: MIT
//
// An inner IP packet as the slow path looks at it: the same checks as bpf/inner.h.
#pragma once

#include <wgxdp/drop_reason.h>

#include "base/address.h"
#include "base/bytes.h"

namespace wg {

struct InnerPacket {
    std::uint16_t length = 0; ///< by its own header, at most the bytes given
    std::uint8_t ecn = 0;
    IpAddress source;
    IpAddress destination;
};

/// The reason why it is no packet: WG_DROP_INNER_VERSION or WG_DROP_INNER_LENGTH.
tl::expected<InnerPacket, wg_drop_reason> parse_inner(Bytes packet);

/// The outer ECN bits of a packet we send, and the inner packet after one arrived (RFC 6040).
std::uint8_t ecn_encapsulate(std::uint8_t inner_ecn);
void ecn_decapsulate(MutableBytes packet, std::uint8_t outer_ecn);

/// Length on the wire of an inner packet: padded to 16, but not beyond the MTU.
std::size_t padded_length(std::size_t length, std::size_t mtu);

} // namespace wg
