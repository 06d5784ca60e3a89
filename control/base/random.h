// SPDX-License-Identifier: MIT
#pragma once

#include "base/bytes.h"

namespace wg {

/// Randomness as a parameter: the system's in the daemon, a seeded one in tests.
class Random {
  public:
    virtual ~Random() = default;
    virtual void fill(MutableBytes bytes) = 0;
    std::uint32_t u32()
    {
        std::uint32_t value = 0;
        fill(mutable_bytes_of(value));
        return value;
    }
};

/// getrandom(2) by libsodium.
class SystemRandom final : public Random {
  public:
    void fill(MutableBytes bytes) override;
};

} // namespace wg
