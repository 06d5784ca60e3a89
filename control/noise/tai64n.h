// SPDX-License-Identifier: MIT
//
// TAI64N, the time in an initiation: what keeps an old one from being replayed.
#pragma once

#include <array>
#include <cstdint>

#include <wgxdp/protocol.h>

#include "base/clock.h"

namespace wg {

/// 8 bytes of seconds and 4 of nanoseconds, big endian: comparing the bytes (the array's own <)
/// compares the times.
using Timestamp = std::array<std::uint8_t, WG_TIMESTAMP_SIZE>;

/// The nanoseconds are rounded down to a multiple of 2^24, so that an initiation does not tell how
/// precise our clock is; initiations are at least 20 ms apart, so rounded times still differ.
Timestamp tai64n(WallTime time);

} // namespace wg
