// SPDX-License-Identifier: MIT
//
// Are handshakes coming faster than we can answer them? Then each must first prove its address with
// a cookie.
#pragma once

#include <cstddef>

#include <wgxdp/abi.h>

#include "base/clock.h"

namespace wg {

class UnderLoad {
  public:
    static constexpr std::size_t MAX_QUEUED_INCOMING_HANDSHAKES = 4096;
    static constexpr std::size_t THRESHOLD = MAX_QUEUED_INCOMING_HANDSHAKES / 8;
    static_assert(THRESHOLD == WG_LOAD_MESSAGES);

    void set_queued(std::size_t messages, Instant now)
    {
        if (messages >= THRESHOLD)
            until_ = now + ns(WG_LOAD_TIME);
    }
    /// Load is sticky for a second, so that peers do not see us flap.
    bool at(Instant now) const { return now < until_; }
    Instant until() const { return until_; }

  private:
    Instant until_{};
};

} // namespace wg
