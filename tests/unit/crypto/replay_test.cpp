// SPDX-License-Identifier: MIT
//
// The replay window: the kernel driver's own table and loops (selftest/counter.c), then random
// counters against a plain model.
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "replay.h"

namespace wg::test {
namespace {

constexpr __u64 WINDOW = WG_REPLAY_WINDOW;
constexpr __u64 LIMIT = WINDOW + 1;
constexpr __u64 REJECT = REJECT_AFTER_MESSAGES;

class ReplayWindow : public testing::Test {
  protected:
    /// What the window says; the hint must have said the same, and have changed nothing.
    wg_drop_reason accept(__u64 counter)
    {
        const wg_keypair before = keypair_;
        const wg_drop_reason hint = replay_check_hint(&keypair_, counter);
        EXPECT_EQ(std::memcmp(&before, &keypair_, sizeof(keypair_)), 0) << counter;
        const wg_drop_reason drop = replay_accept(&keypair_, counter);
        EXPECT_EQ(hint, drop) << counter;
        return drop;
    }

    wg_keypair keypair_{};
};

struct Case {
    int number;
    __u64 counter;
    wg_drop_reason expected;
};

const Case COUNTER_C[] = {
    {1, 0, WG_DROP_NONE},
    {2, 1, WG_DROP_NONE},
    {3, 1, WG_DROP_REPLAYED},
    {4, 9, WG_DROP_NONE},
    {5, 8, WG_DROP_NONE},
    {6, 7, WG_DROP_NONE},
    {7, 7, WG_DROP_REPLAYED},
    {8, LIMIT, WG_DROP_NONE},
    {9, LIMIT - 1, WG_DROP_NONE},
    {10, LIMIT - 1, WG_DROP_REPLAYED},
    {11, LIMIT - 2, WG_DROP_NONE},
    {12, 2, WG_DROP_NONE},
    {13, 2, WG_DROP_REPLAYED},
    {14, LIMIT + 16, WG_DROP_NONE},
    {15, 3, WG_DROP_TOO_OLD},
    {16, LIMIT + 16, WG_DROP_REPLAYED},
    {17, LIMIT * 4, WG_DROP_NONE},
    {18, LIMIT * 4 - (LIMIT - 1), WG_DROP_NONE},
    {19, 10, WG_DROP_TOO_OLD},
    {20, LIMIT * 4 - LIMIT, WG_DROP_TOO_OLD},
    {21, LIMIT * 4 - (LIMIT + 1), WG_DROP_TOO_OLD},
    {22, LIMIT * 4 - (LIMIT - 2), WG_DROP_NONE},
    {23, LIMIT * 4 + 1 - LIMIT, WG_DROP_REPLAYED},
    {24, 0, WG_DROP_TOO_OLD},
    {25, REJECT, WG_DROP_COUNTER_LIMIT},
    {26, REJECT - 1, WG_DROP_NONE},
    {27, REJECT, WG_DROP_COUNTER_LIMIT},
    {28, REJECT - 1, WG_DROP_REPLAYED},
    {29, REJECT - 2, WG_DROP_NONE},
    {30, REJECT + 1, WG_DROP_COUNTER_LIMIT},
    {31, REJECT + 2, WG_DROP_COUNTER_LIMIT},
    {32, REJECT - 2, WG_DROP_REPLAYED},
    {33, REJECT - 3, WG_DROP_NONE},
    {34, 0, WG_DROP_TOO_OLD},
};

TEST_F(ReplayWindow, judges_the_table_of_the_kernel_driver_alike)
{
    for (const Case &each : COUNTER_C)
        EXPECT_EQ(accept(each.counter), each.expected) << "case " << each.number;
}

TEST_F(ReplayWindow, takes_a_whole_window_then_its_oldest_counter_once)
{
    for (__u64 counter = 1; counter <= WINDOW; counter++)
        ASSERT_EQ(accept(counter), WG_DROP_NONE) << counter;
    EXPECT_EQ(accept(0), WG_DROP_NONE);
    EXPECT_EQ(accept(0), WG_DROP_REPLAYED);
}

TEST_F(ReplayWindow, refuses_what_lies_just_behind_a_whole_window)
{
    for (__u64 counter = 2; counter <= WINDOW + 1; counter++)
        ASSERT_EQ(accept(counter), WG_DROP_NONE) << counter;
    EXPECT_EQ(accept(1), WG_DROP_NONE);
    EXPECT_EQ(accept(0), WG_DROP_TOO_OLD);
}

TEST_F(ReplayWindow, takes_a_whole_window_backwards)
{
    for (__u64 counter = WINDOW + 1; counter-- > 0;)
        ASSERT_EQ(accept(counter), WG_DROP_NONE) << counter;
}

TEST_F(ReplayWindow, refuses_one_more_than_a_window_backwards)
{
    for (__u64 counter = WINDOW + 2; counter-- > 1;)
        ASSERT_EQ(accept(counter), WG_DROP_NONE) << counter;
    EXPECT_EQ(accept(0), WG_DROP_TOO_OLD);
}

TEST_F(ReplayWindow, moves_on_after_a_window_backwards_and_leaves_the_oldest_behind)
{
    for (__u64 counter = WINDOW + 1; counter-- > 1;)
        ASSERT_EQ(accept(counter), WG_DROP_NONE) << counter;
    EXPECT_EQ(accept(WINDOW + 1), WG_DROP_NONE);
    EXPECT_EQ(accept(0), WG_DROP_TOO_OLD);
}

TEST_F(ReplayWindow, takes_the_oldest_of_a_window_backwards_before_it_moves_on)
{
    for (__u64 counter = WINDOW + 1; counter-- > 1;)
        ASSERT_EQ(accept(counter), WG_DROP_NONE) << counter;
    EXPECT_EQ(accept(0), WG_DROP_NONE);
    EXPECT_EQ(accept(WINDOW + 1), WG_DROP_NONE);
}

TEST_F(ReplayWindow, is_closed_once_the_greatest_counter_is_beyond_the_limit)
{
    keypair_.replay_next = REJECT + 1;
    EXPECT_EQ(accept(REJECT - 1), WG_DROP_COUNTER_LIMIT);
    EXPECT_EQ(accept(0), WG_DROP_COUNTER_LIMIT);
}

TEST_F(ReplayWindow, a_refused_counter_changes_nothing)
{
    ASSERT_EQ(accept(LIMIT * 2), WG_DROP_NONE);
    const wg_keypair before = keypair_;

    EXPECT_EQ(accept(LIMIT * 2), WG_DROP_REPLAYED);
    EXPECT_EQ(accept(1), WG_DROP_TOO_OLD);
    EXPECT_EQ(accept(REJECT), WG_DROP_COUNTER_LIMIT);
    EXPECT_EQ(std::memcmp(&before, &keypair_, sizeof(keypair_)), 0);
}

TEST_F(ReplayWindow, touches_nothing_of_the_keypair_but_the_window)
{
    std::memset(static_cast<void *>(&keypair_), 0x5a, offsetof(wg_keypair, replay_next));
    const wg_keypair before = keypair_;

    for (__u64 counter = 0; counter < LIMIT * 4; counter += 63)
        accept(counter);
    EXPECT_EQ(std::memcmp(&before, &keypair_, offsetof(wg_keypair, replay_next)), 0);
    EXPECT_EQ(std::memcmp(&before.observed, &keypair_.observed, sizeof(before.observed)), 0);
}

/// The rule in plain words: every counter once, none that is more than a window behind the
/// greatest.
class Model {
  public:
    wg_drop_reason accept(__u64 counter)
    {
        if (counter >= REJECT)
            return WG_DROP_COUNTER_LIMIT;
        if (!seen_.empty() && *seen_.rbegin() - std::min(counter, *seen_.rbegin()) > WINDOW)
            return WG_DROP_TOO_OLD;
        return seen_.insert(counter).second ? WG_DROP_NONE : WG_DROP_REPLAYED;
    }

  private:
    std::set<__u64> seen_;
};

TEST_F(ReplayWindow, agrees_with_the_rule_on_random_walks)
{
    std::mt19937_64 random(1);

    for (const __u64 start : {__u64{0}, __u64{1} << 32, __u64{1} << 48, REJECT - 20 * LIMIT}) {
        Model model;
        __u64 greatest = start;
        keypair_ = {};
        for (int step = 0; step < 100000; step++) {
            const __u64 reach = random() % 16 == 0 ? WINDOW + 200 : 70;
            const __u64 back = random() % (reach * 2);
            const __u64 counter = greatest + reach - std::min(back, greatest + reach);
            ASSERT_EQ(accept(counter), model.accept(counter)) << counter << ", step " << step;
            greatest = std::max(greatest, std::min(counter, REJECT - 1));
        }
    }
}

} // namespace
} // namespace wg::test
