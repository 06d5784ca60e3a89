// SPDX-License-Identifier: MIT
#include "device/rate_limiter.h"

#include <algorithm>

namespace wg {

namespace {

using namespace std::chrono_literals;

constexpr Duration PACKET_COST = 50ms; // 20 packets a second
constexpr Duration TOKEN_MAX = PACKET_COST * 5;
constexpr Duration IDLE = 1s;

} // namespace

RateLimiter::RateLimiter(Random &random, std::size_t max_entries)
    : max_entries_(max_entries), buckets_(0, SipHash(random))
{
}

bool RateLimiter::allow(const IpAddress &source, Instant now)
{
    collect_idle(now);
    const Source key = source_of(source);
    auto found = buckets_.find(key);
    if (found == buckets_.end()) {
        if (buckets_.size() >= max_entries_)
            return false;
        buckets_.emplace(key, Bucket{.tokens = TOKEN_MAX - PACKET_COST, .last_time = now});
        return true;
    }

    Bucket &bucket = found->second;
    bucket.tokens = std::min(TOKEN_MAX, bucket.tokens + (now - bucket.last_time));
    bucket.last_time = now;
    if (bucket.tokens < PACKET_COST)
        return false;
    bucket.tokens -= PACKET_COST;
    return true;
}

RateLimiter::Source RateLimiter::source_of(const IpAddress &address)
{
    Source source{};
    const std::ptrdiff_t length = address.is_v6() ? 8 : 4;

    source[0] = address.is_v6() ? 6 : 4;
    std::copy_n(address.bytes.begin(), length, source.begin() + 1);
    return source;
}

void RateLimiter::collect_idle(Instant now)
{
    if (now - last_collection_ < IDLE)
        return;
    last_collection_ = now;
    std::erase_if(buckets_,
                  [now](const auto &entry) { return now - entry.second.last_time > IDLE; });
}

} // namespace wg
