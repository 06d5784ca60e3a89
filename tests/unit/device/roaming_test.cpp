// SPDX-License-Identifier: MIT
//
// Where a peer is: set by people, moved by authentic packets and by nothing else.
#include "unit/device/network.h"

namespace wg::test {

namespace {

const Endpoint ELSEWHERE = endpoint_at("198.51.100.7:4000");

class Roaming : public TwoHosts {
  protected:
    const Endpoint &endpoint_of_a() const { return *b.published(a).endpoint; }
};

} // namespace

TEST_F(Roaming, an_initiation_tells_where_the_peer_is)
{
    Host c(network, "192.0.2.3:1000", 3);
    c.add_peer(a);
    a.add_peer(c, false);
    c.device->up(network.clock.now());
    c.transmit(a, 1);
    network.settle();
    ASSERT_TRUE(a.info(c).endpoint);
    EXPECT_TRUE(a.info(c).endpoint->same_place(c.endpoint));
    EXPECT_EQ(a.delivered, std::vector<std::uint32_t>{1});
}

TEST_F(Roaming, a_response_tells_where_the_peer_is)
{
    network.route = [this](const Datagram &datagram) {
        if (datagram.kind == Kind::initiation)
            b.endpoint = ELSEWHERE; // b moves before it answers
        return std::vector<Duration>{1ms};
    };
    b.endpoint = endpoint_at("192.0.2.2:1000");
    a.transmit(b, 1);
    b.receive(network.last(a, Kind::initiation));
    network.settle();
    EXPECT_TRUE(a.info(b).endpoint->same_place(ELSEWHERE));
    EXPECT_EQ(a.device->endpoint_of(a.peer_of(b)), a.info(b).endpoint);
}

TEST_F(Roaming, data_tells_where_the_peer_is)
{
    connect();
    network.run_for(1s);
    b.endpoint_changes.clear();
    a.endpoint = ELSEWHERE;
    a.transmit(b, 1);
    network.settle();
    EXPECT_TRUE(endpoint_of_a().same_place(ELSEWHERE));
    EXPECT_EQ(b.endpoint_changes, std::vector<PeerId>{b.peer_of(a)});
    b.transmit(a, 2);
    network.settle();
    EXPECT_EQ(a.delivered, std::vector<std::uint32_t>{2});
}

TEST_F(Roaming, the_source_address_sticks_to_what_the_peer_last_addressed)
{
    connect();
    EXPECT_EQ(endpoint_of_a().source, b.endpoint.address);
    EXPECT_EQ(endpoint_of_a().source_ifindex, 7U);
}

TEST_F(Roaming, the_sticky_source_goes_with_a_new_port_or_mark)
{
    connect();
    DeviceChange change;
    change.fwmark = 51820;
    b.apply(std::move(change));
    EXPECT_FALSE(endpoint_of_a().source);
    EXPECT_EQ(endpoint_of_a().source_ifindex, 0U);
    EXPECT_TRUE(endpoint_of_a().same_place(a.endpoint));

    a.transmit(b, 1);
    network.settle();
    EXPECT_TRUE(endpoint_of_a().source);
    change = {};
    change.listen_port = 7;
    b.apply(std::move(change));
    EXPECT_FALSE(endpoint_of_a().source);
}

TEST_F(Roaming, the_sticky_source_goes_with_each_retry)
{
    connect();
    network.run_for(60s);
    network.cut();
    ASSERT_TRUE(a.published(b).endpoint->source);
    a.transmit(b, 1);
    network.run_for(16s);
    EXPECT_EQ(network.count(a, Kind::initiation), 2U);
    EXPECT_FALSE(a.published(b).endpoint->source);
}

TEST_F(Roaming, a_source_that_no_route_takes_is_no_news_until_the_peer_moves)
{
    connect();
    b.device->lose_source(b.peer_of(a));
    EXPECT_FALSE(endpoint_of_a().source);
    EXPECT_EQ(endpoint_of_a().source_ifindex, 0U);
    b.endpoint_changes.clear();
    a.transmit(b, 1);
    network.settle();
    EXPECT_FALSE(endpoint_of_a().source);
    EXPECT_EQ(b.endpoint_changes, std::vector<PeerId>{});

    a.endpoint = ELSEWHERE;
    a.transmit(b, 2);
    network.settle();
    EXPECT_EQ(endpoint_of_a().source, b.endpoint.address);
}

TEST_F(Roaming, the_confirming_packet_moves_the_endpoint_before_staged_packets_leave)
{
    network.route = [](const Datagram &datagram) {
        return datagram.kind == Kind::data || datagram.kind == Kind::keepalive
                   ? std::vector<Duration>{}
                   : std::vector<Duration>{1ms};
    };
    a.transmit(b, 1);
    network.settle();
    b.transmit(a, 2); // staged: the key is not confirmed
    network.heal();
    a.endpoint = ELSEWHERE;
    a.transmit(b, 3);
    network.settle();
    EXPECT_EQ(a.delivered, std::vector<std::uint32_t>{2});
}

TEST_F(Roaming, a_note_from_before_people_set_the_endpoint_does_not_undo_it)
{
    connect();
    network.run_for(1s);
    a.endpoint = ELSEWHERE;
    a.transmit(b, 1);
    b.receive(network.last(a, Kind::data)); // noted, but the bell has not been heard
    ASSERT_TRUE(b.datapath.is_raised(b.peer_of(a), WG_EVENT_ENDPOINT));

    network.cut();
    const Endpoint wanted = endpoint_at("203.0.113.1:5");
    PeerChange change = change_of(a);
    change.endpoint = wanted;
    b.apply_to_peer(std::move(change));
    network.run_for(100us);
    EXPECT_FALSE(b.datapath.is_raised(b.peer_of(a), WG_EVENT_ENDPOINT));
    EXPECT_TRUE(endpoint_of_a().same_place(wanted));
}

TEST_F(Roaming, the_newest_of_several_notes_wins)
{
    connect();
    network.run_for(125s);
    // A second session, so that notes of two keypairs compete.
    a.transmit(b, 1);
    network.settle();
    ASSERT_NE(b.published(a).previous, 0U);

    a.endpoint = ELSEWHERE;
    a.transmit(b, 2);
    network.settle();
    Datagram old_key = network.last(a, Kind::data);
    a.endpoint = endpoint_at("198.51.100.8:4000");
    a.transmit(b, 3);
    network.settle();
    EXPECT_TRUE(endpoint_of_a().same_place(a.endpoint));
    old_key.data.counter += 100; // replayed or late: whatever is authentic and new counts
    b.receive(old_key);
    network.settle();
    EXPECT_TRUE(endpoint_of_a().same_place(ELSEWHERE));
}

TEST_F(Roaming, forged_and_replayed_messages_move_nobody)
{
    connect();
    const auto expect_unmoved = [this] { EXPECT_TRUE(endpoint_of_a().same_place(a.endpoint)); };

    Datagram initiation = network.last(a, Kind::initiation);
    initiation.from = ELSEWHERE;
    network.run_for(1s);
    b.receive(initiation); // replayed
    expect_unmoved();
    Datagram data = network.last(a, Kind::data);
    data.from = ELSEWHERE;
    b.receive(data); // replayed
    network.settle();
    expect_unmoved();
    data.data.counter += 1;
    data.data.key = {};
    b.receive(data); // forged
    network.settle();
    expect_unmoved();
}

TEST_F(Roaming, cookies_move_nobody)
{
    b.device->handshakes_queued(512, network.clock.now());
    network.route = [](const Datagram &datagram) {
        return datagram.kind == Kind::cookie ? std::vector<Duration>{} : std::vector<Duration>{1ms};
    };
    a.transmit(b, 1);
    network.settle();
    Datagram cookie = network.last(b, Kind::cookie);
    cookie.from = ELSEWHERE;
    a.receive(cookie);
    EXPECT_EQ(a.dropped(WG_DROP_BAD_COOKIE), 0U) << "it was good";
    EXPECT_TRUE(a.published(b).endpoint->same_place(b.endpoint));
    EXPECT_EQ(a.info(b).rx_bytes, 0U) << "and is counted nowhere";
}

} // namespace wg::test
