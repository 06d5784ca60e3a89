// SPDX-License-Identifier: MIT
//
// How many handshakes one source may cost us while we are under load: a token bucket for each IPv4
// address and IPv6 /64, 20 a second with bursts of 5.
#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>

#include "base/address.h"
#include "base/clock.h"
#include "device/sip_hash.h"

namespace wg {

class RateLimiter {
  public:
    static constexpr std::size_t MAX_ENTRIES = 65536;

    explicit RateLimiter(Random &random, std::size_t max_entries = MAX_ENTRIES);

    /// Takes a token. A source that is new while the table is full is refused.
    [[nodiscard]] bool allow(const IpAddress &source, Instant now);
    std::size_t size() const { return buckets_.size(); }

  private:
    using Source = std::array<std::uint8_t, 9>; // family, then 4 or 8 bytes of address
    struct Bucket {
        Duration tokens; // worth of time
        Instant last_time;
    };

    static Source source_of(const IpAddress &address);
    void collect_idle(Instant now);

    std::size_t max_entries_;
    Instant last_collection_{};
    std::unordered_map<Source, Bucket, SipHash> buckets_;
};

} // namespace wg
