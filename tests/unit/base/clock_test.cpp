// SPDX-License-Identifier: MIT
//
// The clocks, and the system's randomness.
#include <ctime>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/random.h"

namespace wg::test {
namespace {

using namespace std::chrono_literals;

TEST(Clock, reads_the_boot_clock_and_the_wall_clock)
{
    timespec boot{};
    ASSERT_EQ(clock_gettime(CLOCK_BOOTTIME, &boot), 0);
    const Instant boot_before(std::chrono::seconds(boot.tv_sec) + Duration(boot.tv_nsec));
    const WallTime wall_before = std::chrono::system_clock::now();
    const Now time = now();
    EXPECT_GE(time.instant, boot_before);
    EXPECT_LT(time.instant - boot_before, 60s);
    EXPECT_LT(std::chrono::abs(time.wall - wall_before), 60s);
}

TEST(Instant, is_nanoseconds_to_the_bpf_programs)
{
    EXPECT_EQ(to_ns(Instant(2s + 3ns)), 2'000'000'003u);
    EXPECT_EQ(instant_from_ns(2'000'000'003), Instant(2s + 3ns));
}

TEST(SystemRandom, does_not_repeat_itself)
{
    SystemRandom random;
    std::array<std::uint8_t, 32> one{};
    std::array<std::uint8_t, 32> two{};
    random.fill(one);
    random.fill(two);
    EXPECT_NE(one, two);
    EXPECT_NE(one, (std::array<std::uint8_t, 32>{}));
}

} // namespace
} // namespace wg::test
