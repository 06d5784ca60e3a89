// SPDX-License-Identifier: MIT
//
// Time as a parameter. Only the daemon's loop reads a clock; everything below it is told what time
// it is.
#pragma once

#include <chrono>
#include <cstdint>

namespace wg {

using Duration = std::chrono::nanoseconds;

/// CLOCK_BOOTTIME: the clock of key ages and timers, the same that the BPF programs read.
struct BootClock {
    using rep = std::int64_t;
    using period = std::nano;
    using duration = Duration;
    using time_point = std::chrono::time_point<BootClock>;
    static constexpr bool is_steady = true;
};
using Instant = BootClock::time_point;

/// CLOCK_REALTIME: for TAI64N and for people.
using WallTime = std::chrono::sys_time<Duration>;

struct Now {
    Instant instant;
    WallTime wall;
};

/// Reads both clocks.
Now now();

constexpr Instant NEVER = Instant::max();
constexpr Instant instant_from_ns(std::uint64_t ns)
{
    return Instant(Duration(static_cast<std::int64_t>(ns)));
}
constexpr std::uint64_t to_ns(Instant instant)
{
    return static_cast<std::uint64_t>(instant.time_since_epoch().count());
}
constexpr Duration ns(std::uint64_t value)
{
    return Duration(static_cast<std::int64_t>(value));
}

} // namespace wg
