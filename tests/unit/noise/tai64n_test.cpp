// SPDX-License-Identifier: MIT
//
// TAI64N: labels, whitening, order.
#include "noise/tai64n.h"
#include "unit/noise/support.h"

namespace wg::test {
namespace {

using namespace std::chrono_literals;

constexpr WallTime EPOCH{};

TEST(Tai64n, labels_unix_times)
{
    const struct {
        WallTime time;
        const char *label;
    } cases[] = {
        {EPOCH, "400000000000000a00000000"},
        {EPOCH + 1s, "400000000000000b00000000"},
        {EPOCH - 1s, "400000000000000900000000"},
        {EPOCH - 1ns, "40000000000000093b000000"},
        {EPOCH + 1700000000s + 123456789ns, "400000006553f10a07000000"},
        {EPOCH + 4294967296s, "400000010000000a00000000"}, // seconds have more than 32 bits
    };
    for (const auto &c : cases)
        EXPECT_EQ(to_hex(tai64n(c.time)), c.label);
}

TEST(Tai64n, rounds_nanoseconds_down_to_a_multiple_of_2_to_the_24)
{
    const struct {
        Duration nanoseconds;
        const char *label;
    } cases[] = {
        {0ns, "00000000"},         {16777215ns, "00000000"},  {16777216ns, "01000000"},
        {33554431ns, "01000000"},  {33554432ns, "02000000"},  {989855743ns, "3a000000"},
        {989855744ns, "3b000000"}, {999999999ns, "3b000000"},
    };
    for (const auto &c : cases)
        EXPECT_EQ(to_hex(tai64n(EPOCH + c.nanoseconds)).substr(16), c.label);
}

TEST(Tai64n, orders_as_time_does_at_steps_of_20_ms)
{
    // Every byte of the label is crossed somewhere: the steps start just before a carry into the
    // next.
    for (const auto start : {0s, 245s, 65525s, 16777205s, 4294967285s})
        for (auto time = EPOCH + start; time < EPOCH + start + 2s; time += 20ms)
            ASSERT_LT(tai64n(time), tai64n(time + 20ms));
}

} // namespace
} // namespace wg::test
