// SPDX-License-Identifier: MIT
//
// What a change of the clock means: a sleep wipes keys, anything else may be a copy of a machine
// that ran before (design.md, rule 9).
#include <ctime>

#include <gtest/gtest.h>

#include "daemon/clock_watch.h"

namespace wg::test {
namespace {

using namespace std::chrono_literals;
using namespace std::string_view_literals;

class ClockWatchTest : public testing::Test {
  protected:
    void SetUp() override
    {
        auto started =
            ClockWatch::start(io, {.slept = [this] { slept++; }, .copied = [this] { copied++; }},
                              [this] { return asleep; });
        ASSERT_TRUE(started) << started.error().what;
        watch = *std::move(started);
    }

    asio::io_context io;
    std::unique_ptr<ClockWatch> watch;
    Duration asleep = 5h;
    int slept = 0;
    int copied = 0;
};

TEST_F(ClockWatchTest, a_sleep_is_told_once)
{
    asleep += 3s;
    watch->clock_was_set();
    EXPECT_EQ(slept, 1);
    EXPECT_EQ(copied, 0);
    watch->clock_was_set(); // somebody sets the clock after the resume
    EXPECT_EQ(slept, 1);
    EXPECT_EQ(copied, 1);
}

TEST_F(ClockWatchTest, a_clock_that_was_set_may_be_a_copys)
{
    asleep += 1ms; // two clocks, read one after the other
    watch->clock_was_set();
    EXPECT_EQ(slept, 0);
    EXPECT_EQ(copied, 1);
}

TEST_F(ClockWatchTest, a_new_vmgenid_is_a_copy_and_other_uevents_are_nothing)
{
    for (const auto message :
         {"change@/devices/x\0ACTION=change\0SUBSYSTEM=platform\0SEQNUM=7\0"sv,
          "change@/devices/x\0NEW_VMGENID=0\0"sv, "change@/devices/x\0SYNTH_ARG_NEW_VMGENID=1\0"sv,
          "change@/NEW_VMGENID=1"sv, ""sv, "\0\0"sv})
        watch->uevent(message);
    EXPECT_EQ(copied, 0);
    watch->uevent("change@/devices/platform/x\0ACTION=change\0NEW_VMGENID=1\0SEQNUM=8\0"sv);
    EXPECT_EQ(copied, 1);
    watch->uevent("change@/devices/platform/x\0NEW_VMGENID=1"sv);
    EXPECT_EQ(copied, 2);
    EXPECT_EQ(slept, 0);
}

TEST_F(ClockWatchTest, the_kernel_tells_when_the_clock_is_set)
{
    timespec wall{};
    ::clock_gettime(CLOCK_REALTIME, &wall);
    if (::clock_settime(CLOCK_REALTIME, &wall) != 0) // to what it is: nobody minds
        GTEST_SKIP() << "may not set the clock";
    for (const auto deadline = std::chrono::steady_clock::now() + 5s;
         copied == 0 && std::chrono::steady_clock::now() < deadline;)
        io.run_one_for(100ms);
    EXPECT_GE(copied, 1);
    EXPECT_EQ(slept, 0);
}

TEST(TimeAsleep, is_the_difference_of_two_clocks)
{
    EXPECT_GE(time_asleep(), 0ns);
    EXPECT_LT(time_asleep() - time_asleep(), 100ms);
}

} // namespace
} // namespace wg::test
