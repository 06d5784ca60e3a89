// SPDX-License-Identifier: MIT
//
// The only place that reads a clock.
#include "base/clock.h"

#include <ctime>

namespace wg {
namespace {

Duration read_clock(clockid_t id)
{
    timespec time{};
    clock_gettime(id, &time);
    return std::chrono::seconds(time.tv_sec) + Duration(time.tv_nsec);
}

} // namespace

Now now()
{
    return {Instant(read_clock(CLOCK_BOOTTIME)), WallTime(read_clock(CLOCK_REALTIME))};
}

} // namespace wg
