// SPDX-License-Identifier: MIT
//
// Are handshakes coming faster than we can answer them? Then each must first prove its address with
// a cookie.
#pragma once

#include <cstddef>
#include <optional>

#include "base/clock.h"

namespace wg {

class UnderLoad {
  public:
    static constexpr std::size_t MAX_QUEUED_INCOMING_HANDSHAKES = 4096;
    static constexpr std::size_t THRESHOLD = MAX_QUEUED_INCOMING_HANDSHAKES / 8;

    void set_queued(std::size_t messages, Instant now)
    {
        if (messages >= THRESHOLD)
            last_under_load_ = now;
    }
    /// Load is sticky for a second, so that peers do not see us flap.
    bool at(Instant now) const
    {
        return last_under_load_ && now - *last_under_load_ < std::chrono::seconds(1);
    }

  private:
    std::optional<Instant> last_under_load_;
};

} // namespace wg
