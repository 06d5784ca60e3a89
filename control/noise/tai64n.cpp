// SPDX-License-Identifier: MIT
//
// Unix time to TAI64N.
#include "noise/tai64n.h"

namespace wg {
namespace {

/// TAI64's label of 1970, with the 10 seconds that TAI was ahead of UTC then; leap seconds since
/// are not counted.
constexpr std::uint64_t UNIX_EPOCH = 0x400000000000000a;
constexpr std::uint32_t GRANULARITY = 1 << 24; // ns

void store_be(std::uint64_t value, std::uint8_t *bytes, std::size_t size)
{
    for (std::size_t i = 0; i < size; ++i)
        bytes[i] = static_cast<std::uint8_t>(value >> 8 * (size - 1 - i));
}

} // namespace

Timestamp tai64n(WallTime time)
{
    const auto second = std::chrono::floor<std::chrono::seconds>(time);
    const auto nanoseconds = static_cast<std::uint32_t>((time - second).count());

    Timestamp timestamp;
    store_be(UNIX_EPOCH + static_cast<std::uint64_t>(second.time_since_epoch().count()),
             timestamp.data(), 8);
    store_be(nanoseconds & ~(GRANULARITY - 1), timestamp.data() + 8, 4);
    return timestamp;
}

} // namespace wg
