// SPDX-License-Identifier: MIT
//
// Sessions over time: retries, rekeying and the end of keys, at the driver's times.
#include "unit/device/network.h"

namespace wg::test {

using Sessions = TwoHosts;

TEST_F(Sessions, unanswered_data_begins_a_handshake_after_15_s)
{
    connect();
    network.run_for(60s);
    network.forget();
    network.cut();

    const Instant sent = network.clock.instant;
    a.transmit(b, 1);
    network.run_for(3s);
    a.transmit(b, 2); // the first one counts
    network.run_for(13s);
    ASSERT_EQ(network.count(a, Kind::initiation), 1U);
    expect_at(network.times(a, Kind::initiation)[0], sent + 15s, 334ms);
}

TEST_F(Sessions, answered_data_begins_no_handshake)
{
    connect();
    network.forget();
    converse(100s);
    network.run_for(15s);
    EXPECT_EQ(network.count(a, Kind::initiation), 0U);
    EXPECT_EQ(network.count(b, Kind::initiation), 0U);
}

TEST_F(Sessions, a_handshake_is_tried_20_times_5_s_apart_and_given_up)
{
    network.cut();
    a.transmit(b, 1);
    network.run_for(200s);

    const auto times = network.times(a, Kind::initiation);
    ASSERT_EQ(times.size(), 20U);
    for (std::size_t i = 1; i < times.size(); ++i) {
        EXPECT_GE(times[i] - times[i - 1], 5s);
        EXPECT_LE(times[i] - times[i - 1], 5s + 334ms);
    }
    EXPECT_EQ(a.dropped(WG_DROP_STAGED_PURGED), 1U);
    expect_at(a.device->next_deadline(), times.back() + 5s + 540s, 334ms);

    network.forget();
    a.transmit(b, 2); // later traffic starts afresh
    network.run_for(200s);
    EXPECT_EQ(network.count(a, Kind::initiation), 20U);
}

TEST_F(Sessions, jitter_differs_from_retry_to_retry)
{
    network.cut();
    a.transmit(b, 1);
    network.run_for(60s);
    const auto times = network.times(a, Kind::initiation);
    std::set<Duration> gaps;
    for (std::size_t i = 1; i < times.size(); ++i)
        gaps.insert(times[i] - times[i - 1]);
    EXPECT_GT(gaps.size(), 5U);
}

TEST_F(Sessions, more_traffic_keeps_the_retries_going)
{
    network.cut();
    for (int second = 0; second < 300; ++second) {
        a.transmit(b, 1);
        network.run_for(1s);
    }
    EXPECT_GT(network.count(a, Kind::initiation), 50U);
}

TEST_F(Sessions, data_on_a_key_that_is_still_valid_keeps_the_retries_going)
{
    connect();
    network.cut();
    network.forget();
    for (int second = 0; second < 170; ++second) {
        b.transmit(a,
                   1); // by the data plane: the device sees no packet; a responder does not rekey
        network.run_for(1s);
    }
    const auto times = network.times(b, Kind::initiation);
    ASSERT_GT(times.size(), 25U);
    EXPECT_GT(times.back(), network.clock.instant - 6s);
}

TEST_F(Sessions, data_after_the_retries_were_given_up_begins_them_again_after_15_s)
{
    connect();
    network.cut();
    b.transmit(a, 1); // a responder: it does not rekey, and its key is valid for 180 s
    network.run_for(130s);
    EXPECT_EQ(network.count(b, Kind::initiation), 20U);
    network.forget();
    const Instant sent = network.clock.instant;
    b.transmit(a, 2);
    network.run_for(16s);
    ASSERT_EQ(network.count(b, Kind::initiation), 1U);
    expect_at(network.times(b, Kind::initiation)[0], sent + 15s, 334ms);
}

TEST_F(Sessions, the_initiator_rekeys_after_120_s_without_loss)
{
    connect();
    const Instant began = network.last(a, Kind::data).sent_at;
    network.forget();
    converse(125s);

    ASSERT_EQ(network.count(a, Kind::initiation), 1U);
    expect_at(network.times(a, Kind::initiation)[0], began + 120s, 1s + 1ms);
    EXPECT_EQ(network.count(b, Kind::initiation), 0U);
    network.settle();
    EXPECT_EQ(a.delivered.size(), 125U);
    EXPECT_EQ(b.delivered.size(), 125U + 1);
    EXPECT_NE(a.published(b).previous, 0U);
    EXPECT_NE(b.published(a).previous, 0U);
}

TEST_F(Sessions, the_responder_does_not_rekey_while_the_initiator_can)
{
    connect();
    network.forget();
    while (network.clock.instant < Instant(1130s)) {
        b.transmit(a, 1);
        network.run_for(1s);
    }
    EXPECT_EQ(network.count(b, Kind::initiation), 0U);
}

TEST_F(Sessions, an_initiator_that_only_receives_rekeys_at_165_s_in_each_session)
{
    connect();
    Instant began = network.last(a, Kind::data).sent_at;
    for (int session = 0; session < 2; ++session) {
        // b begins so late that a owes no keepalive for it before 165 s: a's own packets would
        // rekey at 120 s.
        network.run_until(began + 156s);
        network.forget();
        for (int packet = 0; packet < 14; ++packet) {
            b.transmit(a, 1);
            network.run_for(700ms);
        }
        const auto times = network.times(a, Kind::initiation);
        ASSERT_EQ(times.size(), 1U);
        expect_at(times[0], began + 165s, 701ms);
        began = times[0] + 2ms;
    }
}

TEST_F(Sessions, the_last_minute_handshake_is_begun_once_and_then_retried_with_jitter)
{
    connect();
    const Instant began = network.last(a, Kind::data).sent_at;
    network.run_until(began + 156s);
    network.route = [this](const Datagram &datagram) {
        return datagram.sender == &a && datagram.kind == Kind::initiation
                   ? std::vector<Duration>{}
                   : std::vector<Duration>{1ms};
    };
    network.forget();
    while (network.clock.instant < began + 170900ms) { // the bell rings every 5 s
        b.transmit(a, 1);
        network.run_for(10ms);
    }
    const auto times = network.times(a, Kind::initiation);
    ASSERT_EQ(times.size(), 2U);
    expect_at(times[0], began + 165s, 12ms);
    EXPECT_GT(times[1] - times[0], 5s + 12ms) << "not the bell: the timer, with its jitter";
}

TEST_F(Sessions, a_key_that_is_not_to_be_sent_with_is_not_kept_fresh)
{
    connect();
    const Instant began = network.last(a, Kind::data).sent_at;
    a.device->expire_sending_keys(network.clock.now());
    network.run_until(began + 166s);
    network.forget();
    b.transmit(a, 1);
    network.settle();
    EXPECT_EQ(network.count(a, Kind::initiation), 0U);
}

TEST_F(Sessions, a_key_without_nonces_is_replaced_and_no_packet_is_lost)
{
    connect();
    const KeypairId spent = a.published(b).current;
    network.run_for(6s);
    a.datapath.set_counter(spent, REJECT_AFTER_MESSAGES - 2);
    network.cut(); // REKEY_AFTER_MESSAGES is long over, but nobody answers
    a.transmit(b, 1);
    a.transmit(b, 2);
    EXPECT_EQ(network.count(a, Kind::data), 1U + 2U);
    network.heal();
    a.transmit(b, 3);
    a.transmit(b, 4);
    EXPECT_EQ(network.count(a, Kind::data), 1U + 2U);
    EXPECT_FALSE(a.published(b).sending_valid);
    network.run_for(6s);
    EXPECT_EQ(b.delivered, (std::vector<std::uint32_t>{0, 3, 4}));
    EXPECT_NE(a.published(b).current, spent);
    EXPECT_EQ(a.dropped(WG_DROP_SEND_LIMIT), 0U);
}

TEST_F(Sessions, a_responder_rekeys_after_2_to_the_60_messages_too)
{
    connect();
    network.run_for(6s);
    const KeypairId old = b.published(a).current;
    b.datapath.set_counter(old, REKEY_AFTER_MESSAGES - 1);
    b.transmit(a, 1);
    network.settle();
    EXPECT_EQ(network.count(b, Kind::initiation), 0U);
    b.transmit(a, 2);
    network.settle();
    EXPECT_EQ(network.count(b, Kind::initiation), 1U);
    EXPECT_NE(b.published(a).current, old);
}

TEST_F(Sessions, a_key_older_than_180_s_is_not_sent_with)
{
    connect();
    network.run_for(179s);
    network.forget();
    a.transmit(b, 1);
    EXPECT_EQ(network.count(a, Kind::data), 1U);

    network.cut();
    network.run_for(2s);
    network.forget();
    a.transmit(b, 2); // the fake data plane aborts if this goes out with the old key
    EXPECT_EQ(network.count(a, Kind::data), 0U);
    network.heal();
    network.run_for(6s);
    EXPECT_EQ(b.delivered.back(), 2U);
}

TEST_F(Sessions, all_keys_are_wiped_540_s_after_the_last_session)
{
    connect();
    network.run_for(539s);
    EXPECT_EQ(a.datapath.keypair_count(), 1U);
    network.run_for(2s);
    EXPECT_EQ(a.datapath.keypair_count(), 0U);
    EXPECT_EQ(b.datapath.keypair_count(), 0U);
    EXPECT_EQ(a.published(b).current, 0U);
    EXPECT_EQ(a.device->next_deadline(), NEVER);

    a.transmit(b, 5);
    network.settle();
    EXPECT_EQ(b.delivered.back(), 5U);
}

TEST_F(Sessions, a_response_resets_the_clock_of_initiations)
{
    network.route = [this](const Datagram &datagram) {
        return datagram.sender == &a && datagram.kind == Kind::data ? std::vector<Duration>{}
                                                                    : std::vector<Duration>{1ms};
    };
    a.transmit(b, 1);
    network.settle();
    ASSERT_EQ(network.count(b, Kind::response), 1U);
    const Instant responded = network.times(b, Kind::response)[0];
    b.transmit(a, 2);
    network.run_until(responded + 4900ms);
    b.transmit(a, 3);
    EXPECT_EQ(network.count(b, Kind::initiation), 0U);
    network.run_until(responded + 5001ms);
    b.transmit(a, 4);
    EXPECT_EQ(network.count(b, Kind::initiation), 1U);
}

} // namespace wg::test
