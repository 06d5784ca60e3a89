// SPDX-License-Identifier: MIT
//
// The five timers by themselves: exact times, and what makes each void.
#include <gtest/gtest.h>

#include "device/schedule.h"
#include "device/timers.h"
#include "unit/device/network.h"

namespace wg::test {

namespace {

/// Draws the smallest or the greatest jitter.
class FixedRandom final : public Random {
  public:
    explicit FixedRandom(std::uint8_t byte) : byte_(byte) {}
    void fill(MutableBytes bytes) override { std::fill(bytes.begin(), bytes.end(), byte_); }

  private:
    std::uint8_t byte_;
};

constexpr Instant T{1000s};

class TimersTest : public ::testing::Test {
  protected:
    bool expires(Timer timer, Instant now) { return timers.expire(activity, now).has(timer); }

    FixedRandom no_jitter{0};
    Timers timers{no_jitter};
    PeerActivity activity;
};

} // namespace

TEST_F(TimersTest, are_all_off_at_first)
{
    EXPECT_EQ(timers.next_deadline(), NEVER);
    EXPECT_TRUE(timers.due_by(T + 1000s).empty());
}

TEST_F(TimersTest, jitter_is_0_to_333_ms)
{
    FixedRandom most{0xff};
    Timers late(most);
    timers.handshake_initiated(T);
    late.handshake_initiated(T);
    EXPECT_EQ(timers.due(Timer::retransmit_handshake), T + 5s);
    EXPECT_LT(late.due(Timer::retransmit_handshake), T + 5s + 333ms);
    EXPECT_GT(late.due(Timer::retransmit_handshake), T + 5s + 332ms);

    activity.first_unanswered = T;
    timers.data_sent(activity, T);
    late.data_sent(activity, T);
    EXPECT_EQ(timers.due(Timer::new_handshake), T + 15s);
    EXPECT_LT(late.due(Timer::new_handshake), T + 15s + 333ms);
    EXPECT_GT(late.due(Timer::new_handshake), T + 15s + 332ms);
}

TEST_F(TimersTest, retransmit_handshake_ends_with_the_handshake)
{
    timers.handshake_initiated(T);
    timers.count_attempt();
    timers.handshake_complete();
    EXPECT_FALSE(timers.is_armed(Timer::retransmit_handshake));

    timers.handshake_initiated(T);
    EXPECT_FALSE(expires(Timer::retransmit_handshake, T + 5s - 1ns));
    EXPECT_TRUE(expires(Timer::retransmit_handshake, T + 5s));
    EXPECT_FALSE(timers.is_armed(Timer::retransmit_handshake));
}

TEST_F(TimersTest, attempts_are_exhausted_after_19_retries)
{
    for (int retry = 0; retry < 19; ++retry) {
        EXPECT_FALSE(timers.attempts_exhausted()) << retry;
        timers.count_attempt();
    }
    EXPECT_TRUE(timers.attempts_exhausted());
    timers.reset_attempts();
    EXPECT_FALSE(timers.attempts_exhausted());
}

TEST_F(TimersTest, new_handshake_is_void_when_anything_was_received)
{
    activity.first_unanswered = T;
    timers.data_sent(activity, T + 1ms);
    EXPECT_EQ(timers.due(Timer::new_handshake), T + 15s)
        << "counts from the packet, not from the bell";

    activity.last_received = T + 3s;
    EXPECT_FALSE(expires(Timer::new_handshake, T + 15s));
    EXPECT_FALSE(timers.is_armed(Timer::new_handshake));
    timers.data_sent(activity, T + 16s);
    EXPECT_FALSE(timers.is_armed(Timer::new_handshake)) << "all is answered";
}

TEST_F(TimersTest, new_handshake_counts_anew_from_the_first_packet_after_an_answer)
{
    activity.first_unanswered = T;
    timers.data_sent(activity, T);
    activity.last_received = T + 3s;
    activity.first_unanswered = T + 4s;
    EXPECT_FALSE(expires(Timer::new_handshake, T + 15s));
    EXPECT_EQ(timers.due(Timer::new_handshake), T + 19s);
    EXPECT_TRUE(expires(Timer::new_handshake, T + 19s));
}

TEST_F(TimersTest, new_handshake_expires_once_for_the_packets_before_it)
{
    activity.first_unanswered = T;
    timers.data_sent(activity, T);
    EXPECT_TRUE(expires(Timer::new_handshake, T + 15s));
    EXPECT_EQ(timers.next_deadline(), NEVER);
    timers.data_sent(activity, T + 20s); // data again, still no answer
    EXPECT_EQ(timers.due(Timer::new_handshake), T + 35s);
    EXPECT_TRUE(expires(Timer::new_handshake, T + 35s));
}

TEST_F(TimersTest, send_keepalive_is_void_when_anything_was_sent)
{
    activity.first_unacknowledged = activity.last_data_received = T;
    timers.data_received(activity);
    EXPECT_EQ(timers.due(Timer::send_keepalive), T + 10s);
    activity.last_sent = T + 1s;
    EXPECT_FALSE(expires(Timer::send_keepalive, T + 10s));
    EXPECT_FALSE(timers.is_armed(Timer::send_keepalive));
}

TEST_F(TimersTest, send_keepalive_comes_again_only_if_data_did)
{
    activity.first_unacknowledged = activity.last_data_received = T;
    timers.data_received(activity);
    EXPECT_TRUE(expires(Timer::send_keepalive, T + 10s));
    EXPECT_FALSE(timers.needs_another_keepalive());

    activity.last_sent = T + 10s;
    activity.first_unacknowledged = T + 20s;
    activity.last_data_received = T + 25s;
    timers.data_received(activity);
    EXPECT_TRUE(expires(Timer::send_keepalive, T + 30s));
    ASSERT_TRUE(timers.needs_another_keepalive());
    activity.last_sent = T + 30s;
    timers.rearm_keepalive(activity.last_sent);
    EXPECT_EQ(timers.due(Timer::send_keepalive), T + 40s);
    EXPECT_TRUE(expires(Timer::send_keepalive, T + 40s));
    EXPECT_FALSE(timers.needs_another_keepalive());
}

TEST_F(TimersTest, send_keepalive_counts_from_the_first_data_after_the_last_packet_sent)
{
    activity.first_unacknowledged = T;
    timers.data_received(activity);
    activity.last_sent = T + 2s;
    activity.first_unacknowledged = T + 6s;
    EXPECT_FALSE(expires(Timer::send_keepalive, T + 10s));
    EXPECT_EQ(timers.due(Timer::send_keepalive), T + 16s);
}

TEST_F(TimersTest, persistent_keepalive_counts_from_the_last_packet_either_way)
{
    activity.last_sent = T;
    timers.keep_alive_every(25s, activity, T + 1s);
    EXPECT_EQ(timers.due(Timer::persistent_keepalive), T + 25s);
    activity.last_received = T + 20s;
    EXPECT_FALSE(expires(Timer::persistent_keepalive, T + 25s));
    EXPECT_EQ(timers.due(Timer::persistent_keepalive), T + 45s);
    EXPECT_TRUE(expires(Timer::persistent_keepalive, T + 45s));
    EXPECT_EQ(timers.due(Timer::persistent_keepalive), T + 70s);

    timers.keep_alive_every(5s, activity, T + 46s);
    EXPECT_EQ(timers.due(Timer::persistent_keepalive), T + 46s) << "overdue by the new interval";
    timers.keep_alive_every(0s, activity, T + 46s);
    EXPECT_FALSE(timers.is_armed(Timer::persistent_keepalive));
}

TEST_F(TimersTest, zero_key_material_waits_540_s_from_the_last_session)
{
    timers.session_derived(T);
    timers.session_derived(T + 100s);
    EXPECT_EQ(timers.due(Timer::zero_key_material), T + 640s);
    timers.handshake_abandoned(T + 300s);
    EXPECT_EQ(timers.due(Timer::zero_key_material), T + 640s) << "armed already";
    EXPECT_TRUE(expires(Timer::zero_key_material, T + 640s));
    timers.handshake_abandoned(T + 700s);
    EXPECT_EQ(timers.due(Timer::zero_key_material), T + 1240s);
}

TEST_F(TimersTest, stop_turns_all_off)
{
    timers.handshake_initiated(T);
    timers.session_derived(T);
    timers.keep_alive_every(5s, activity, T);
    timers.stop();
    EXPECT_EQ(timers.next_deadline(), NEVER);
    EXPECT_EQ(timers.persistent_keepalive_interval(), 0s);
}

TEST(ScheduleTest, keeps_each_peer_once_with_its_deadline)
{
    Schedule schedule;
    Instant first = NEVER, second = NEVER;
    schedule.move(1, first, T + 5s);
    schedule.move(2, second, T + 3s);
    EXPECT_EQ(schedule.first_due(T + 2s), std::nullopt);
    EXPECT_EQ(schedule.first_due(T + 9s), 2U);
    schedule.move(2, second, T + 8s);
    EXPECT_EQ(schedule.next(), T + 5s);
    schedule.move(1, first, NEVER);
    schedule.move(2, second, NEVER);
    EXPECT_EQ(schedule.next(), NEVER);
}

} // namespace wg::test
