// SPDX-License-Identifier: MIT
//
// Interface up and down, and a daemon that takes over from another.
#include "unit/device/network.h"

namespace wg::test {

namespace {

class Lifecycle : public TwoHosts {
  protected:
    void down(Host &host) { host.device->down(network.clock.now()); }
    void up(Host &host) { host.device->up(network.clock.now()); }
};

} // namespace

TEST_F(Lifecycle, down_wipes_all_keys_and_stops_all_timers)
{
    connect();
    a.transmit(b, 1);
    down(a);
    EXPECT_FALSE(a.device->is_up());
    EXPECT_EQ(a.datapath.keypair_count(), 0U);
    EXPECT_EQ(a.published(b).current, 0U);
    EXPECT_EQ(a.device->next_deadline(), NEVER);
    EXPECT_TRUE(a.published(b).endpoint) << "the configuration stays";
}

TEST_F(Lifecycle, down_purges_what_waits)
{
    network.cut();
    a.transmit(b, 1);
    a.transmit(b, 2);
    down(a);
    EXPECT_EQ(a.dropped(WG_DROP_STAGED_PURGED), 2U);
    up(a);
    network.heal();
    network.run_for(10s);
    EXPECT_TRUE(b.delivered.empty());
}

TEST_F(Lifecycle, nothing_is_sent_or_answered_while_down)
{
    down(a);
    a.transmit(b, 1);
    b.transmit(a, 2);
    network.run_for(10s);
    EXPECT_EQ(network.count(a, Kind::initiation), 0U);
    EXPECT_EQ(network.count(a, Kind::response), 0U);
    EXPECT_EQ(a.dropped(WG_DROP_NO_STATE), 1U);
}

TEST_F(Lifecycle, down_resets_the_clock_of_initiations)
{
    connect();
    down(a);
    up(a);
    network.forget();
    a.transmit(b, 1);
    EXPECT_EQ(network.count(a, Kind::initiation), 1U);
    network.settle();
    EXPECT_EQ(b.delivered.back(), 1U);
}

TEST_F(Lifecycle, a_bell_from_before_down_does_not_silence_the_next_session)
{
    connect();
    network.run_for(30s);
    b.transmit(a, 1);
    network.run_for(1ms + 1us); // has arrived; a's daemon has not read the bell
    ASSERT_EQ(a.datapath.events.size(), 1U);
    down(a);
    network.settle();
    up(a);
    b.transmit(a, 2); // with b's key of before: lost, and a does not know
    a.transmit(b, 3);
    network.settle();
    network.forget();
    b.transmit(a, 4);
    network.run_for(11s);
    EXPECT_EQ(network.count(a, Kind::keepalive), 1U);
}

TEST_F(Lifecycle, up_sends_persistent_keepalives)
{
    down(a);
    a.set_keepalive(b, 25);
    network.run_for(60s);
    EXPECT_TRUE(network.log.empty());
    up(a);
    network.settle();
    EXPECT_EQ(network.count(a, Kind::initiation), 1U);
    EXPECT_EQ(network.count(a, Kind::keepalive), 1U);
}

TEST_F(Lifecycle, the_timestamp_survives_down_and_a_new_daemon)
{
    connect();
    const Datagram initiation = network.last(a, Kind::initiation);
    down(b);
    up(b);
    b.receive(initiation);
    EXPECT_EQ(b.dropped(WG_DROP_REPLAYED_TIMESTAMP), 1U);
    b.restart();
    b.receive(initiation);
    EXPECT_EQ(b.dropped(WG_DROP_REPLAYED_TIMESTAMP), 2U);
}

TEST_F(Lifecycle, a_new_daemon_goes_on_with_the_sessions_it_finds)
{
    connect();
    a.apply_to_peer([this] {
        PeerChange change = change_of(b);
        change.allowed_ips.push_back({.prefix = Prefix::parse("10.0.0.0/24").value()});
        change.persistent_keepalive = 50;
        return change;
    }());
    const PeerInfo before = a.info(b);
    const PeerState published = a.published(b);
    a.restart();

    const PeerInfo after = a.info(b);
    EXPECT_EQ(after.id, before.id);
    EXPECT_EQ(after.endpoint, before.endpoint);
    EXPECT_EQ(after.allowed_ips, before.allowed_ips);
    EXPECT_EQ(after.last_handshake, before.last_handshake);
    EXPECT_EQ(after.persistent_keepalive, 50);
    EXPECT_EQ(a.published(b).current, published.current);

    network.forget();
    a.transmit(b, 1);
    b.transmit(a, 2);
    network.settle();
    EXPECT_EQ(b.delivered.back(), 1U);
    EXPECT_EQ(a.delivered.back(), 2U);
    EXPECT_EQ(network.count(a, Kind::initiation), 0U);

    const Instant derived = Instant(1000s);
    network.run_until(derived + 530s);
    EXPECT_GT(a.datapath.keypair_count(), 0U);
}

TEST_F(Lifecycle, a_new_daemon_wipes_old_keys_in_time)
{
    connect();
    const Instant derived = network.clock.instant;
    network.run_for(200s);
    a.restart();
    network.run_until(derived + 541s);
    EXPECT_EQ(a.datapath.keypair_count(), 0U);
}

TEST_F(Lifecycle, a_new_daemon_owes_what_the_old_one_owed)
{
    connect();
    network.run_for(30s);
    network.forget();
    const Instant sent = network.clock.instant;
    a.transmit(b, 1);
    network.run_for(3s);
    b.restart();
    network.run_for(10s);
    ASSERT_EQ(network.count(b, Kind::keepalive), 1U);
    expect_at(network.times(b, Kind::keepalive)[0], sent + 1ms + 10s);

    network.run_for(30s);
    network.cut();
    network.forget();
    const Instant asked = network.clock.instant;
    a.transmit(b, 2);
    network.run_for(3s);
    a.restart();
    network.run_for(13s);
    ASSERT_EQ(network.count(a, Kind::initiation), 1U);
    expect_at(network.times(a, Kind::initiation)[0], asked + 15s, 334ms);
}

TEST_F(Lifecycle, a_new_daemon_confirms_what_was_confirmed_meanwhile)
{
    a.transmit(b, 1);
    network.run_for(1ms + 1us); // the response is under way
    while (b.datapath.events.empty())
        network.run_for(10us);
    ASSERT_NE(b.published(a).next,
              0U); // confirmed in the data plane; the old daemon dies before it reads the bell
    b.restart();
    EXPECT_NE(b.published(a).current, 0U);
    EXPECT_EQ(b.published(a).next, 0U);
    EXPECT_TRUE(b.info(a).last_handshake);
}

TEST_F(Lifecycle, a_new_daemon_follows_a_peer_whose_move_the_old_one_did_not_hear_of)
{
    connect();
    network.run_for(1s);
    a.endpoint.port = 4000;
    a.transmit(b, 1);
    network.run_for(1ms + 1us);
    ASSERT_TRUE(b.datapath.is_raised(b.peer_of(a), WG_EVENT_ENDPOINT));
    b.restart(); // what stood in the ring is lost
    a.transmit(b, 2);
    network.settle();
    EXPECT_TRUE(b.published(a).endpoint->same_place(a.endpoint));
}

TEST_F(Lifecycle, a_new_daemon_rekeys_though_the_old_one_did_not_hear_the_bell)
{
    connect();
    network.run_for(121s);
    network.forget();
    a.transmit(b, 1);
    ASSERT_TRUE(a.datapath.is_raised(a.peer_of(b), WG_EVENT_REKEY));
    a.restart();
    network.run_for(6s); // as often as it rings
    a.transmit(b, 2);
    network.settle();
    EXPECT_EQ(network.count(a, Kind::initiation), 1U);
}

TEST_F(Lifecycle, a_new_daemon_hears_of_data_though_it_finds_no_key_but_an_old_bell)
{
    connect();
    network.run_for(30s);
    a.transmit(b, 1);
    network.settle();
    a.device->wipe_keys(a.now());
    ASSERT_TRUE(a.datapath.is_raised(a.peer_of(b), WG_EVENT_SENT));
    a.restart();
    a.transmit(b, 2);
    network.settle();
    network.run_for(30s);
    network.cut();
    network.forget();
    a.transmit(b, 3);
    network.run_for(16s);
    EXPECT_EQ(network.count(a, Kind::initiation), 1U);
}

TEST_F(Lifecycle, a_new_daemon_retires_keypairs_that_nobody_names)
{
    connect();
    const PeerId id = a.peer_of(b);
    NewKeypair stray;
    stray.id = a.datapath.allocate_keypair();
    stray.peer = id;
    stray.local_index = 77;
    ASSERT_TRUE(a.datapath.install_keypair(stray));
    EXPECT_EQ(a.datapath.keypair_count(), 2U);
    a.restart();
    EXPECT_EQ(a.datapath.keypair_count(), 1U);
    EXPECT_FALSE(a.datapath.has_keypair(stray.id));
}

TEST_F(Lifecycle, a_peer_is_adopted_once)
{
    connect();
    const auto result = a.device->adopt(a.datapath.left_behind(a.peer_of(b)), network.clock.now());
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code.value(), EEXIST);
}

TEST_F(Lifecycle, a_state_that_cannot_be_published_retires_nothing)
{
    connect();
    network.run_for(125s);
    a.transmit(b, 1);
    network.settle();
    ASSERT_NE(a.published(b).previous, 0U);
    const std::size_t keypairs = a.datapath.keypair_count();

    a.datapath.refuses_publication = true;
    down(a); // the fake data plane aborts if a keypair goes that it still names
    EXPECT_EQ(a.datapath.keypair_count(), keypairs);
    a.datapath.refuses_publication = false;
    up(a);
    PeerChange change = change_of(b);
    change.persistent_keepalive = 25; // any next state makes up for it
    a.apply_to_peer(std::move(change));
    EXPECT_EQ(a.datapath.keypair_count(), 0U);
}

} // namespace wg::test
