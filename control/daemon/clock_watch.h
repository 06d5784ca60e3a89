// SPDX-License-Identifier: MIT
//
// Notices that this machine slept, or is a copy of one that ran before (design.md, rule 9): keys
// must not be read from a sleeping machine's memory, and a restored or cloned one would use nonces
// again that the first has used.
#pragma once

#include <functional>
#include <memory>

#include <asio/io_context.hpp>

#include "base/clock.h"
#include "net/read_watch.h"

namespace wg {

/// Both must be set, and must not destroy the watch.
struct ClockEvents {
    std::function<void()> slept;
    std::function<void()> copied;
};

class ClockWatch {
  public:
    /// `time_asleep` is time_asleep() but in tests.
    static Result<std::unique_ptr<ClockWatch>>
    start(asio::io_context &io, ClockEvents events, std::function<Duration()> time_asleep);

    /// The wall clock was set: by a resume, by an operator, or by what puts a restored machine's
    /// clock right. The last is why sending keys are given up: kernels before 6.8 say nothing else.
    void clock_was_set();
    /// One message of the kernel's kobject_uevent group.
    void uevent(std::string_view message);

  private:
    ClockWatch(ClockEvents events, std::function<Duration()> time_asleep);
    void read_timer();
    void read_uevent();

    ClockEvents events_;
    std::function<Duration()> time_asleep_;
    Duration asleep_;
    ReadWatch timer_;
    ReadWatch uevents_;
};

/// How long this machine has slept since it was started: CLOCK_BOOTTIME less CLOCK_MONOTONIC.
Duration time_asleep();

} // namespace wg
