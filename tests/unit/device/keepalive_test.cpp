// SPDX-License-Identifier: MIT
//
// Keepalives, passive and persistent, at the driver's times; and that peers at rest are at rest.
#include "unit/device/network.h"

namespace wg::test {

using Keepalives = TwoHosts;

TEST_F(Keepalives, received_data_is_acknowledged_by_a_keepalive_after_10_s)
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

TEST_F(Keepalives, an_answer_spares_the_keepalive)
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

TEST_F(Keepalives, data_that_comes_while_a_keepalive_is_pending_asks_for_another)
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

TEST_F(Keepalives, a_keepalive_that_finds_no_key_begins_a_handshake)
{
    connect();
    const Instant began = network.clock.instant;
    network.run_until(began + 175s);
    network.route = [this](const Datagram &datagram) { // a's own attempts to rekey are lost
        return datagram.sender == &a && datagram.kind == Kind::initiation
                   ? std::vector<Duration>{}
                   : std::vector<Duration>{1ms};
    };
    network.forget();
    a.transmit(b, 1);
    network.run_for(11s);
    ASSERT_EQ(network.count(b, Kind::initiation), 1U);
    expect_at(network.times(b, Kind::initiation)[0], began + 175s + 1ms + 10s);
    EXPECT_EQ(network.count(b, Kind::keepalive), 1U);
}

TEST_F(Keepalives, two_idle_peers_go_silent)
{
    connect();
    converse(30s);
    network.run_for(40s);
    network.forget();
    network.run_for(400s);
    EXPECT_TRUE(network.log.empty()) << "keepalives are not answered by keepalives";
}

TEST_F(Keepalives, idle_peers_have_no_deadline_but_the_wiping_of_keys)
{
    connect();
    const Instant derived = network.last(a, Kind::data).sent_at;
    network.run_for(60s);
    expect_at(a.device->next_deadline(), derived + 540s - 1us);
}

TEST_F(Keepalives, a_persistent_keepalive_leaves_after_its_interval_of_silence_either_way)
{
    connect();
    a.set_keepalive(b, 25);
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

TEST_F(Keepalives, a_handshake_counts_as_a_packet_for_persistent_keepalives)
{
    connect();
    a.set_keepalive(b, 20);
    network.run_for(20s - 1ms - (network.clock.instant - network.times(a, Kind::keepalive)[0]));
    network.forget();
    b.device->expire_sending_keys(network.clock.now());
    b.transmit(a, 1); // a answers the initiation 1 ms before its keepalive would be due
    network.run_for(5s);
    EXPECT_EQ(network.count(a, Kind::response), 1U);
    EXPECT_EQ(network.count(a, Kind::keepalive), 0U);
}

TEST_F(Keepalives, an_active_session_needs_no_persistent_keepalive)
{
    a.set_keepalive(b, 5);
    network.settle();
    network.forget();
    converse(60s);
    EXPECT_EQ(network.count(a, Kind::keepalive), 0U);
}

TEST_F(Keepalives, a_persistent_keepalive_set_from_0_sends_one_at_once)
{
    connect();
    network.run_for(60s);
    network.forget();
    a.set_keepalive(b, 25);
    EXPECT_EQ(network.count(a, Kind::keepalive), 1U);
    a.set_keepalive(b, 30);
    EXPECT_EQ(network.count(a, Kind::keepalive), 1U) << "only from 0";
    a.set_keepalive(b, 0);
    network.run_for(100s);
    EXPECT_EQ(network.count(a, Kind::keepalive), 1U) << "0 is off";
}

TEST_F(Keepalives, a_persistent_keepalive_goes_on_trying_a_dead_peer)
{
    network.cut();
    a.set_keepalive(b, 25);
    network.run_for(1000s);
    const auto times = network.times(a, Kind::initiation);
    EXPECT_GT(times.size(), 100U);
    EXPECT_GT(times.back(), network.clock.instant - 30s);
}

TEST_F(Keepalives, a_persistent_keepalive_to_nowhere_does_nothing)
{
    Host c(network, "192.0.2.3:1000", 3);
    a.add_peer(c, false);
    a.set_keepalive(c, 5);
    network.run_for(60s);
    EXPECT_TRUE(network.log.empty());
    EXPECT_EQ(a.device->next_deadline(), NEVER);
}

} // namespace wg::test
