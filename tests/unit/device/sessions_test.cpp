// SPDX-License-Identifier: MIT
//
// Sessions over time: keepalives, retries, rekeying and the end of keys, at the driver's times.
#include "unit/device/network.h"

namespace wg::test {

namespace {

class Sessions : public TwoHosts {
  protected:
    /// One packet each way every second.
    void converse(Duration duration)
    {
        const Instant end = network.clock.instant + duration;
        while (network.clock.instant < end) {
            a.transmit(b, ++number);
            b.transmit(a, number);
            network.run_for(1s);
        }
    }
    void set_keepalive(Host &host, const Host &other, std::uint16_t seconds)
    {
        PeerChange change = change_of(other);
        change.persistent_keepalive = seconds;
        host.apply_to_peer(std::move(change));
    }

    std::uint32_t number = 100;
};

} // namespace

TEST_F(Sessions, received_data_is_acknowledged_by_a_keepalive_after_10_s)
{
    connect();
    network.run_for(60s);
    network.forget();

    const Instant sent = network.clock.instant;
    a.transmit(b, 1);
    network.run_for(60s);
    ASSERT_EQ(network.count(b, Kind::keepalive), 1U);
    expect_at(network.times(b, Kind::keepalive)[0], sent + 1ms + 10s);
    EXPECT_EQ(network.count(a, Kind::keepalive), 0U);
}

TEST_F(Sessions, an_answer_spares_the_keepalive)
{
    connect();
    network.run_for(60s);
    network.forget();

    a.transmit(b, 1);
    network.run_for(9s);
    b.transmit(a, 2);
    network.run_for(5s);
    EXPECT_EQ(network.count(b, Kind::keepalive), 0U);
}

TEST_F(Sessions, data_that_comes_while_a_keepalive_is_pending_asks_for_another)
{
    connect();
    network.run_for(60s);
    network.forget();

    const Instant sent = network.clock.instant;
    a.transmit(b, 1);
    network.run_for(5s);
    a.transmit(b, 2);
    network.run_for(60s);
    const auto times = network.times(b, Kind::keepalive);
    ASSERT_EQ(times.size(), 2U);
    expect_at(times[0], sent + 1ms + 10s);
    expect_at(times[1], sent + 1ms + 20s);
}

TEST_F(Sessions, two_idle_peers_go_silent)
{
    connect();
    converse(30s);
    network.run_for(40s);
    network.forget();
    network.run_for(400s);
    EXPECT_TRUE(network.log.empty()) << "keepalives are not answered by keepalives";
}

TEST_F(Sessions, idle_peers_have_no_deadline_but_the_wiping_of_keys)
{
    connect();
    const Instant derived = network.last(a, Kind::data).sent_at;
    network.run_for(60s);
    expect_at(a.device->next_deadline(), derived + 540s - 1us);
}

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
    for (int second = 0; second < 160; ++second) { // the data plane sends: the device sees no packet
        a.transmit(b, 1);
        network.run_for(1s);
    }
    const auto times = network.times(a, Kind::initiation);
    ASSERT_FALSE(times.empty());
    EXPECT_GT(times.back(), network.clock.instant - 6s);
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

TEST_F(Sessions, an_initiator_that_only_receives_rekeys_at_165_s)
{
    connect();
    const Instant began = network.last(a, Kind::data).sent_at;
    network.run_for(60s);
    network.forget();
    // b sends often enough that a owes no keepalive for it before 165 s: a's own packets would rekey at 120 s.
    network.run_until(began + 156s);
    network.forget();
    for (int packet = 0; packet < 14; ++packet) {
        b.transmit(a, 1);
        network.run_for(700ms);
    }
    const auto times = network.times(a, Kind::initiation);
    ASSERT_EQ(times.size(), 1U);
    expect_at(times[0], began + 165s, 701ms);
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

TEST_F(Sessions, a_persistent_keepalive_leaves_after_its_interval_of_silence_either_way)
{
    connect();
    set_keepalive(a, b, 25);
    network.run_for(15s);
    network.forget();
    const auto last = a.activity(b);
    network.run_for(60s);
    auto times = network.times(a, Kind::keepalive);
    ASSERT_EQ(times.size(), 2U);
    expect_at(times[0], std::max(last.last_sent, last.last_received) + 25s);
    expect_at(times[1], times[0] + 25s);
    EXPECT_EQ(network.count(b, Kind::keepalive), 0U);

    b.transmit(a, 1); // a packet received counts too
    network.settle();
    const Instant received = a.activity(b).last_received;
    network.forget();
    network.run_for(9s); // before the passive keepalive
    EXPECT_EQ(network.count(a, Kind::keepalive), 0U);
    network.run_for(60s);
    times = network.times(a, Kind::keepalive);
    ASSERT_GE(times.size(), 2U);
    expect_at(times[0], received + 10s);
    expect_at(times[1], times[0] + 25s);
}

TEST_F(Sessions, an_active_session_needs_no_persistent_keepalive)
{
    set_keepalive(a, b, 5);
    network.settle();
    network.forget();
    converse(60s);
    EXPECT_EQ(network.count(a, Kind::keepalive), 0U);
}

TEST_F(Sessions, a_persistent_keepalive_set_from_0_sends_one_at_once)
{
    connect();
    network.run_for(60s);
    network.forget();
    set_keepalive(a, b, 25);
    EXPECT_EQ(network.count(a, Kind::keepalive), 1U);
    set_keepalive(a, b, 30);
    EXPECT_EQ(network.count(a, Kind::keepalive), 1U) << "only from 0";
    set_keepalive(a, b, 0);
    network.run_for(100s);
    EXPECT_EQ(network.count(a, Kind::keepalive), 1U) << "0 is off";
}

TEST_F(Sessions, a_persistent_keepalive_goes_on_trying_a_dead_peer)
{
    network.cut();
    set_keepalive(a, b, 25);
    network.run_for(1000s);
    const auto times = network.times(a, Kind::initiation);
    EXPECT_GT(times.size(), 100U);
    EXPECT_GT(times.back(), network.clock.instant - 30s);
}

TEST_F(Sessions, a_persistent_keepalive_to_nowhere_does_nothing)
{
    Host c(network, "192.0.2.3:1000", 3);
    a.add_peer(c, false);
    set_keepalive(a, c, 5);
    network.run_for(60s);
    EXPECT_TRUE(network.log.empty());
    EXPECT_EQ(a.device->next_deadline(), NEVER);
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

TEST_F(Sessions, bells_are_few_however_many_packets_pass)
{
    connect();
    network.run_for(30s);
    std::size_t bells = 0;
    for (int packet = 0; packet < 8000; ++packet) {
        a.transmit(b, 1);
        network.run_for(2ms);
        bells += a.datapath.events.size() + b.datapath.events.size();
        b.transmit(a, 1);
        network.run_for(2ms);
    }
    EXPECT_LT(bells, 50U);
}

} // namespace wg::test
