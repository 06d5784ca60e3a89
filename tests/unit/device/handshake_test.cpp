// SPDX-License-Identifier: MIT
//
// Handshakes and sessions between two devices: who answers what, and what waits for the key.
#include "unit/device/network.h"

namespace wg::test {

TEST_F(TwoHosts, the_first_packet_makes_a_session_and_arrives)
{
    a.transmit(b, 17);
    network.settle();

    EXPECT_EQ(b.delivered, std::vector<std::uint32_t>{17});
    EXPECT_EQ(network.count(a, Kind::initiation), 1U);
    EXPECT_EQ(network.count(b, Kind::response), 1U);
    EXPECT_EQ(network.count(a, Kind::keepalive), 0U) << "the packet itself confirms the key";
    EXPECT_NE(b.published(a).current, 0U);
    EXPECT_EQ(b.published(a).next, 0U);

    b.transmit(a, 18);
    network.settle();
    EXPECT_EQ(a.delivered, std::vector<std::uint32_t>{18});
    EXPECT_EQ(network.count(b, Kind::initiation), 0U);
}

TEST_F(TwoHosts, handshakes_go_out_marked_af41)
{
    connect();
    EXPECT_EQ(network.last(a, Kind::initiation).ds, 0x88);
    EXPECT_EQ(network.last(b, Kind::response).ds, 0x88);
}

TEST_F(TwoHosts, both_sides_note_the_time_of_a_handshake_when_it_completes)
{
    const WallTime before = network.clock.now().wall;
    connect();
    ASSERT_TRUE(a.info(b).last_handshake);
    ASSERT_TRUE(b.info(a).last_handshake);
    EXPECT_GE(*a.info(b).last_handshake, before);
    EXPECT_GT(*b.info(a).last_handshake, *a.info(b).last_handshake)
        << "the responder waits for the first packet";
    EXPECT_EQ(a.published(b).last_handshake, a.info(b).last_handshake);
}

TEST_F(TwoHosts, byte_counters_include_handshakes_of_identified_peers)
{
    connect();
    EXPECT_EQ(a.info(b).tx_bytes, 148U + 32 + 4);
    EXPECT_EQ(a.info(b).rx_bytes, 92U);
    EXPECT_EQ(b.info(a).tx_bytes, 92U);
    EXPECT_EQ(b.info(a).rx_bytes, 148U + 32 + 4);
}

TEST_F(TwoHosts, without_a_packet_the_initiator_confirms_the_key_with_a_keepalive)
{
    a.set_keepalive(b, 1000);
    network.settle();
    EXPECT_EQ(network.count(a, Kind::keepalive), 1U);
    EXPECT_NE(b.published(a).current, 0U);
}

TEST_F(TwoHosts, the_responder_does_not_send_before_it_hears_from_the_initiator)
{
    // The initiator's first packet is lost: the responder has its key only as next.
    network.route = [](const Datagram &datagram) {
        return datagram.kind == Kind::data ? std::vector<Duration>{} : std::vector<Duration>{1ms};
    };
    a.transmit(b, 1);
    network.settle();
    ASSERT_NE(b.published(a).next, 0U);
    EXPECT_EQ(b.published(a).current, 0U);

    b.transmit(a, 2);
    network.settle();
    EXPECT_EQ(network.count(b, Kind::data), 0U);

    network.heal();
    a.transmit(b, 3);
    network.settle();
    EXPECT_EQ(b.delivered, std::vector<std::uint32_t>{3});
    EXPECT_EQ(a.delivered, std::vector<std::uint32_t>{2})
        << "what was staged goes out on confirmation";
}

TEST_F(TwoHosts, staged_packets_leave_in_order)
{
    for (std::uint32_t number = 1; number <= 5; ++number)
        a.transmit(b, number);
    network.settle();
    EXPECT_EQ(b.delivered, (std::vector<std::uint32_t>{1, 2, 3, 4, 5}));
}

TEST_F(TwoHosts, staging_too_much_drops_the_oldest)
{
    network.cut();
    for (std::uint32_t number = 0; number < MAX_STAGED_PACKETS + 3; ++number)
        a.transmit(b, number);
    EXPECT_EQ(a.dropped(WG_DROP_STAGED_OVERFLOW), 3U);

    network.heal();
    network.run_for(6s);
    ASSERT_EQ(b.delivered.size(), MAX_STAGED_PACKETS);
    EXPECT_EQ(b.delivered.front(), 3U);
    EXPECT_EQ(b.delivered.back(), MAX_STAGED_PACKETS + 2);
}

TEST_F(TwoHosts, a_peer_without_endpoint_is_sent_nothing)
{
    Host c(network, "192.0.2.3:1000", 3);
    a.add_peer(c, false);
    a.transmit(c, 1);
    network.settle();
    EXPECT_EQ(a.dropped(WG_DROP_NO_ENDPOINT), 1U);
    EXPECT_TRUE(network.log.empty());
}

TEST_F(TwoHosts, a_response_may_take_until_the_next_initiation)
{
    network.route = [](const Datagram &datagram) {
        return std::vector<Duration>{datagram.kind == Kind::response ? Duration(4900ms) : 1ms};
    };
    a.transmit(b, 1);
    network.run_for(4920ms);
    EXPECT_EQ(b.delivered, std::vector<std::uint32_t>{1});
    EXPECT_EQ(network.count(a, Kind::initiation), 1U);
}

TEST_F(TwoHosts, a_second_response_to_one_initiation_is_refused)
{
    connect();
    const Datagram response = network.last(b, Kind::response);
    const KeypairId current = a.published(b).current;

    a.receive(response);
    EXPECT_EQ(a.dropped(WG_DROP_UNEXPECTED_RESPONSE), 1U);
    EXPECT_EQ(a.published(b).current, current);
}

TEST_F(TwoHosts, a_response_to_an_overtaken_initiation_is_refused)
{
    network.route = [](const Datagram &datagram) {
        return datagram.kind == Kind::response ? std::vector<Duration>{}
                                               : std::vector<Duration>{1ms};
    };
    a.transmit(b, 1);
    network.settle();
    const Datagram late = network.last(b, Kind::response);
    network.run_for(6s); // another initiation
    ASSERT_EQ(network.count(a, Kind::initiation), 2U);

    a.receive(late);
    EXPECT_EQ(a.dropped(WG_DROP_UNEXPECTED_RESPONSE), 1U);
    EXPECT_EQ(a.published(b).current, 0U);
}

TEST_F(TwoHosts, a_damaged_response_leaves_the_handshake_waiting_for_the_true_one)
{
    network.route = [](const Datagram &datagram) {
        return datagram.kind == Kind::response ? std::vector<Duration>{}
                                               : std::vector<Duration>{1ms};
    };
    PeerChange change = change_of(a);
    change.preshared_key = generate_private_key(b.random);
    b.apply_to_peer(std::move(change)); // only b has it: its responses do not open
    a.transmit(b, 1);
    network.settle();
    a.receive(network.last(b, Kind::response));
    EXPECT_EQ(a.dropped(WG_DROP_BAD_HANDSHAKE), 1U);

    change = change_of(a);
    change.preshared_key = Key();
    b.apply_to_peer(std::move(change));
    network.heal();
    network.run_for(6s);
    EXPECT_EQ(b.delivered, std::vector<std::uint32_t>{1});
}

TEST_F(TwoHosts, a_replayed_initiation_is_refused)
{
    connect();
    const Datagram initiation = network.last(a, Kind::initiation);
    network.run_for(1s);
    b.receive(initiation);
    EXPECT_EQ(b.dropped(WG_DROP_REPLAYED_TIMESTAMP), 1U);
    EXPECT_EQ(network.count(b, Kind::response), 1U);
}

TEST_F(TwoHosts, initiations_closer_than_20_ms_are_a_flood)
{
    // The wall clock of the initiator jumps on, so that the second timestamp is newer.
    network.cut();
    a.transmit(b, 1);
    const Datagram first = network.last(a, Kind::initiation);
    network.run_for(6s);
    const Datagram second = network.last(a, Kind::initiation);
    ASSERT_NE(first.message, second.message);

    b.receive(first);
    network.run_for(19ms);
    b.receive(second);
    EXPECT_EQ(b.dropped(WG_DROP_INITIATION_FLOOD), 1U);
    network.run_for(1ms);
    b.receive(second);
    EXPECT_EQ(network.count(b, Kind::response), 2U);
}

TEST_F(TwoHosts, an_initiation_of_a_stranger_is_counted_and_not_answered)
{
    Host stranger(network, "192.0.2.9:1000", 9);
    stranger.add_peer(b);
    stranger.device->up(network.clock.now());
    stranger.transmit(b, 1);
    network.settle();
    EXPECT_EQ(b.dropped(WG_DROP_UNKNOWN_PEER), 1U);
    EXPECT_EQ(network.count(b, Kind::response), 0U);
}

TEST_F(TwoHosts, what_is_no_handshake_message_is_counted_and_dropped)
{
    const auto receive = [this](Buffer datagram) {
        b.device->receive(datagram, a.endpoint, network.clock.now());
    };
    receive({});
    receive({1, 0, 0});
    receive(Buffer(148, 9));
    Buffer reserved(148);
    reserved[0] = WG_HANDSHAKE_INITIATION;
    reserved[3] = 1;
    receive(reserved);
    EXPECT_EQ(b.dropped(WG_DROP_BAD_TYPE), 4U);

    for (std::size_t size : {147U, 149U}) {
        Buffer initiation(size);
        initiation[0] = WG_HANDSHAKE_INITIATION;
        receive(initiation);
    }
    EXPECT_EQ(b.dropped(WG_DROP_BAD_LENGTH), 2U);

    Buffer forged(148);
    forged[0] = WG_HANDSHAKE_INITIATION;
    receive(forged);
    EXPECT_EQ(b.dropped(WG_DROP_BAD_MAC1), 1U);
}

TEST_F(TwoHosts, crossing_initiations_leave_both_with_a_working_session)
{
    a.transmit(b, 1);
    b.transmit(a, 2);
    network.run_for(30s);
    EXPECT_EQ(b.delivered, std::vector<std::uint32_t>{1});
    EXPECT_EQ(a.delivered, std::vector<std::uint32_t>{2});
    network.forget();
    a.transmit(b, 3);
    b.transmit(a, 4);
    network.settle();
    EXPECT_EQ(b.delivered.back(), 3U);
    EXPECT_EQ(a.delivered.back(), 4U);
    EXPECT_EQ(network.count(a, Kind::initiation) + network.count(b, Kind::initiation), 0U);
}

TEST_F(TwoHosts, the_timestamp_of_an_accepted_initiation_is_published)
{
    connect();
    EXPECT_NE(b.published(a).latest_timestamp, Timestamp{});
    EXPECT_EQ(a.published(b).latest_timestamp, Timestamp{});
}

} // namespace wg::test
