// SPDX-License-Identifier: MIT
//
// The driver's selftest/ratelimiter.c as a table, and its neighbours.
#include <gtest/gtest.h>

#include "device/rate_limiter.h"
#include "device/under_load.h"
#include "unit/device/network.h"

namespace wg::test {

namespace {

IpAddress address(const char *text)
{
    return IpAddress::parse(text).value();
}

class RateLimiterTest : public ::testing::TestWithParam<const char *> {
  protected:
    SeededRandom random{1};
    RateLimiter limiter{random};
    Instant now{1000s};
};

} // namespace

TEST_P(RateLimiterTest, passes_bursts_of_five_and_twenty_a_second)
{
    const struct {
        Duration wait;
        bool passes;
    } steps[] = {{0ms, true},  {0ms, true},  {0ms, true},   {0ms, true}, {0ms, true}, {0ms, false},
                 {50ms, true}, {0ms, false}, {100ms, true}, {0ms, true}, {0ms, false}};

    int number = 0;
    for (const auto &step : steps) {
        now += step.wait;
        EXPECT_EQ(limiter.allow(address(GetParam()), now), step.passes) << "step " << number;
        ++number;
    }
}

INSTANTIATE_TEST_SUITE_P(Sources, RateLimiterTest, ::testing::Values("1.2.3.4", "2001:db8::1"));

TEST_F(RateLimiterTest, keeps_neighbours_apart_but_a_64_together)
{
    const auto exhaust = [this](const char *source) {
        while (limiter.allow(address(source), now)) {
        }
    };
    exhaust("1.2.3.4");
    EXPECT_TRUE(limiter.allow(address("1.2.3.5"), now));
    exhaust("2001:db8:0:1::1");
    EXPECT_FALSE(limiter.allow(address("2001:db8:0:1:ffff::2"), now))
        << "another host of the same /64";
    EXPECT_TRUE(limiter.allow(address("2001:db8:0:2::1"), now)) << "another /64";
    EXPECT_TRUE(limiter.allow(address("102:304::"), now))
        << "an IPv6 prefix that begins like 1.2.3.4";
}

TEST_F(RateLimiterTest, refuses_new_sources_while_the_table_is_full)
{
    RateLimiter small(random, 2);
    EXPECT_TRUE(small.allow(address("1.0.0.1"), now));
    EXPECT_TRUE(small.allow(address("1.0.0.2"), now));
    EXPECT_FALSE(small.allow(address("1.0.0.3"), now));
    EXPECT_TRUE(small.allow(address("1.0.0.1"), now)) << "a known one goes on";
}

TEST_F(RateLimiterTest, forgets_sources_that_were_idle_for_more_than_a_second)
{
    RateLimiter small(random, 2);
    EXPECT_TRUE(small.allow(address("1.0.0.1"), now));
    now += 600ms;
    EXPECT_TRUE(small.allow(address("1.0.0.2"), now));
    now += 600ms;
    EXPECT_TRUE(small.allow(address("1.0.0.3"), now)) << "1.0.0.1 is gone";
    EXPECT_EQ(small.size(), 2U);
    now += 2s;
    EXPECT_TRUE(small.allow(address("1.0.0.9"), now));
    EXPECT_EQ(small.size(), 1U);
}

TEST(UnderLoadTest, begins_at_512_and_sticks_for_a_second)
{
    const Instant start{1000s};
    UnderLoad load;

    EXPECT_FALSE(load.at(start));
    load.set_queued(511, start);
    EXPECT_FALSE(load.at(start));
    load.set_queued(512, start);
    EXPECT_TRUE(load.at(start));
    load.set_queued(0, start + 10ms);
    EXPECT_TRUE(load.at(start + 999ms));
    EXPECT_FALSE(load.at(start + 1s));
}

} // namespace wg::test
