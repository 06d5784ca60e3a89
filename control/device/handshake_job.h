// SPDX-License-Identifier: MIT
//
// Public-key work that a device hands out, so that many handshakes share the CPUs.
#pragma once

#include <functional>

#include "base/clock.h"

namespace wg {

struct HandshakeJob {
    std::function<void()> compute; ///< in any thread: touches nothing but the job
    /// Behind it, in the device's thread, while the device exists. What it finds may be another
    /// state than the job began with: then it changes nothing.
    std::function<void(Now)> finish;
    bool is_answer = false; ///< to a message: somebody waits who may call again
};

} // namespace wg
