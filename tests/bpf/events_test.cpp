// SPDX-License-Identifier: MIT
//
// Story 4: what the programs tell the daemon, when, and how often. All of it through
// wg_take_counter and wg_accept_counter, whose steps wg_tx and wg_rx share; roaming through the
// receivers themselves.
#include <asio.hpp>

#include "bpf/bpf_fixture.h"
#include "datapath/event_reader.h"

namespace wg::test {

class Events : public BpfTest {
  protected:
    void SetUp() override
    {
        BpfTest::SetUp();
        peer = add_peer(2, false);
    }

    void send_data(std::uint32_t length = 64)
    {
        ASSERT_TRUE(datapath->take_counter(peer.current.id, length));
    }
    void receive_data(std::uint32_t length = 64) { receive_on(peer.current.id, length); }
    void receive_on(KeypairId id, std::uint32_t length = 64)
    {
        ASSERT_EQ(datapath->accept_counter(id, counter_++, length, *peer.state.endpoint),
                  WG_DROP_NONE);
    }

    /* The bits of the bells since the last call, each with the right peer and keypair. */
    std::vector<std::uint32_t> bells(KeypairId id)
    {
        std::vector<std::uint32_t> bits;
        for (const auto &event : new_events()) {
            EXPECT_EQ(event.peer, peer.state.id);
            EXPECT_EQ(event.keypair, id);
            bits.push_back(event.bits);
        }
        return bits;
    }
    std::vector<std::uint32_t> bells() { return bells(peer.current.id); }

    void use_keypair(KeypairOptions options)
    {
        peer.current = add_keypair(peer.state.id, options);
        peer.state.current = peer.current.id;
        publish(peer);
        datapath->acknowledge(peer.state.id, ~0U);
        std::ignore = new_events();
    }

    using Bits = std::vector<std::uint32_t>;
    TestPeer peer;

  private:
    std::uint64_t counter_ = 0;
};

TEST_F(Events, tell_the_first_data_sent_after_something_was_received)
{
    send_data();
    EXPECT_EQ(bells(), Bits{WG_EVENT_SENT});
    const auto unanswered = activity(peer.state.id).first_unanswered;
    datapath->acknowledge(peer.state.id, WG_EVENT_SENT);
    send_data();
    EXPECT_EQ(bells(), Bits{WG_EVENT_SENT}); // of the same that waits for an answer
    EXPECT_EQ(activity(peer.state.id).first_unanswered, unanswered);
    datapath->acknowledge(peer.state.id, WG_EVENT_SENT);
    receive_data(0); // a keepalive is an answer
    send_data();
    EXPECT_EQ(bells(), Bits{WG_EVENT_SENT});
    EXPECT_GT(activity(peer.state.id).first_unanswered, unanswered);
}

TEST_F(Events, that_bring_each_other_about_let_others_have_their_turn)
{
    asio::io_context loop;
    int rung = 0;
    int before_others = 0;
    const auto reader = must(EventReader::start(loop, map("events"), [&](const wg_event &event) {
        if (rung++ == 0)
            asio::post(loop, [&] { before_others = rung; });
        datapath->acknowledge(event.peer, event.bits);
        if (rung < 1000)
            send_data();
    }));
    send_data();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (rung < 1000 && std::chrono::steady_clock::now() < deadline)
        loop.run_one_for(std::chrono::seconds(1));
    EXPECT_EQ(rung, 1000);
    EXPECT_GT(before_others, 0);
    EXPECT_LT(before_others, 100);
    std::ignore = new_events();
}

TEST_F(Events, tell_the_first_data_received_after_something_was_sent)
{
    receive_data();
    EXPECT_EQ(bells(), Bits{WG_EVENT_RECEIVED});
    const auto unacknowledged = activity(peer.state.id).first_unacknowledged;
    datapath->acknowledge(peer.state.id, WG_EVENT_RECEIVED);
    receive_data();
    EXPECT_EQ(bells(), Bits{WG_EVENT_RECEIVED});
    EXPECT_EQ(activity(peer.state.id).first_unacknowledged, unacknowledged);
    datapath->acknowledge(peer.state.id, WG_EVENT_RECEIVED);
    send_data(0); // a keepalive acknowledges
    receive_data();
    EXPECT_EQ(bells(), Bits{WG_EVENT_RECEIVED});
}

TEST_F(Events, do_not_tell_of_keepalives)
{
    send_data(0);
    receive_data(0);
    EXPECT_EQ(bells(), Bits{});
    EXPECT_EQ(activity(peer.state.id).events, 0);
}

TEST_F(Events, ring_once_until_acknowledged)
{
    for (int i = 0; i < 3; i++) {
        send_data();
        receive_data();
    }
    EXPECT_EQ(bells(), (Bits{WG_EVENT_SENT, WG_EVENT_RECEIVED}));
    EXPECT_EQ(activity(peer.state.id).events, WG_EVENT_SENT | WG_EVENT_RECEIVED);
    datapath->acknowledge(peer.state.id, WG_EVENT_SENT);
    EXPECT_EQ(activity(peer.state.id).events, WG_EVENT_RECEIVED);
    send_data();
    receive_data();
    EXPECT_EQ(bells(), Bits{WG_EVENT_SENT});
}

TEST_F(Events, tell_that_a_next_keypair_is_confirmed)
{
    const TestKeypair next = add_keypair(peer.state.id, {.initiator = false});
    peer.state.next = next.id;
    publish(peer);
    receive_data(0);
    EXPECT_EQ(bells(), Bits{}); // it was the current one
    receive_on(next.id, 0);
    receive_on(next.id, 0);
    EXPECT_EQ(bells(next.id), Bits{WG_EVENT_CONFIRMED});
    peer.state.previous = std::exchange(peer.state.current, std::exchange(peer.state.next, 0));
    publish(peer);
    datapath->acknowledge(peer.state.id, WG_EVENT_CONFIRMED);
    receive_on(next.id, 0);
    EXPECT_EQ(bells(next.id), Bits{});
}

TEST_F(Events, tell_when_a_new_handshake_is_due)
{
    struct Case {
        Duration age;
        bool initiator;
        Bits sent, received;
    };
    const Bits none, rekey{WG_EVENT_REKEY};
    const Case cases[] = {
        {119s, true, none, none},   {120s, true, rekey, none},  {164s, true, rekey, none},
        {165s, true, rekey, rekey}, {179s, true, rekey, rekey}, {120s, false, none, none},
        {165s, false, none, none},  {179s, false, none, none},
    };
    for (const auto &[age, initiator, sent, received] : cases) {
        use_keypair({.age = age, .initiator = initiator});
        send_data(0);
        EXPECT_EQ(bells(), sent) << age.count() << " ns, sent";
        use_keypair({.age = age, .initiator = initiator});
        receive_data(0);
        EXPECT_EQ(bells(), received) << age.count() << " ns, received";
    }
}

TEST_F(Events, tell_either_side_that_a_keypair_has_sent_enough_messages)
{
    for (const bool initiator : {false, true}) {
        use_keypair({.initiator = initiator});
        change_keypair(peer.current.id,
                       [](wg_keypair &keypair) { keypair.tx_counter = REKEY_AFTER_MESSAGES - 1; });
        send_data(0);
        EXPECT_EQ(bells(), Bits{});
        send_data(0);
        EXPECT_EQ(bells(), Bits{WG_EVENT_REKEY});
    }
}

TEST_F(Events, tell_of_a_rekey_at_most_every_five_seconds)
{
    use_keypair({.age = 130s});
    for (int i = 0; i < 3; i++) {
        send_data(0);
        datapath->acknowledge(peer.state.id, WG_EVENT_REKEY);
    }
    EXPECT_EQ(bells(), Bits{WG_EVENT_REKEY});
    const auto told_ago = [&](Duration ago) {
        change_keypair(peer.current.id, [&](wg_keypair &keypair) {
            keypair.rekey_told = to_ns(now().instant - ago);
        });
        send_data(0);
        return bells();
    };
    EXPECT_EQ(told_ago(4s), Bits{});
    EXPECT_EQ(told_ago(5s), Bits{WG_EVENT_REKEY});
}

class Roaming : public ReceiveTest {
  protected:
    void SetUp() override
    {
        ReceiveTest::SetUp();
        for (const bool v6 : {false, true})
            peers.push_back(add_peer(v6 ? 6 : 4, v6));
    }

    /* Where the peer of this address' family roams to after an authentic packet from there. */
    std::optional<Endpoint> roams_to(const Endpoint &from)
    {
        auto &peer = peers.at(from.address.is_v6());
        datapath->acknowledge(peer.state.id, ~0U);
        std::ignore = new_events();
        EXPECT_EQ(receive(arriving(peer, {}, {.counter = counter_++, .from = from})).verdict,
                  dropped());
        const auto events = new_events();
        const auto observed = datapath->observed_endpoint(peer.current.id);
        EXPECT_EQ(observed.has_value(), !events.empty());
        if (observed && !events.empty()) {
            EXPECT_EQ(events.size(), 1);
            EXPECT_EQ(events[0].bits, WG_EVENT_ENDPOINT);
            EXPECT_EQ(events[0].keypair, peer.current.id);
        }
        return observed ? std::optional(observed->first) : std::nullopt;
    }

    std::vector<TestPeer> peers;

  private:
    std::uint64_t counter_ = 0;
};
INSTANTIATE_TEST_SUITE_P(,
                         Roaming,
                         testing::Values(Hook::xdp, Hook::tc),
                         testing::PrintToStringParamName());

TEST_P(Roaming, does_not_happen_when_the_peer_is_where_it_was)
{
    for (const auto &peer : peers)
        EXPECT_EQ(roams_to(*peer.state.endpoint), std::nullopt);
}

TEST_P(Roaming, does_not_follow_a_source_where_nobody_can_be)
{
    for (const char *from :
         {"0.0.0.0:1", "0.1.2.3:1", "127.0.0.1:1", "224.0.0.1:1", "239.1.1.1:1", "240.0.0.1:1",
          "255.255.255.255:1", "[::]:1", "[::1]:1", "[ff02::1]:1", "[ff0e::1]:1"})
        EXPECT_EQ(roams_to(must(Endpoint::parse(from))), std::nullopt) << from;
    EXPECT_EQ(roams_to({.address = address("203.0.113.5"), .port = 0}), std::nullopt);
    EXPECT_EQ(roams_to({.address = address("2001:db8:2::5"), .port = 0}), std::nullopt);
}

TEST_P(Roaming, follows_a_new_address_or_port)
{
    for (const char *from :
         {"203.0.113.5:40004", "198.51.100.4:9", "[2001:db8:2::5]:40006", "[2001:db8:1::6]:9"}) {
        const auto wanted = must(Endpoint::parse(from));
        const auto observed = roams_to(wanted);
        ASSERT_TRUE(observed) << from;
        EXPECT_TRUE(observed->same_place(wanted)) << from << ": " << observed->text();
        EXPECT_EQ(observed->source, our_address(wanted.address.is_v6()));
        EXPECT_EQ(observed->source_ifindex, nic);
    }
}

TEST_P(Roaming, keeps_the_interface_of_a_link_local_peer)
{
    const auto observed = roams_to({.address = address("fe80::5"), .port = 7});
    ASSERT_TRUE(observed);
    EXPECT_EQ(observed->scope_id, nic);
    EXPECT_EQ(observed->port, 7);
}

/* A port has no native XDP. */
TEST_P(Roaming, is_seen_at_the_bridge_of_a_port)
{
    constexpr std::uint32_t BRIDGE = 1 << 20;
    wg_nic port = datapath->nic(nic).value();
    port.receiver = BRIDGE;
    must(datapath->put_nic(nic, port));
    const std::uint32_t seen_at = GetParam() == Hook::tc ? BRIDGE : nic;
    EXPECT_EQ(roams_to({.address = address("203.0.113.5"), .port = 9})->source_ifindex, seen_at);
    EXPECT_EQ(roams_to({.address = address("fe80::5"), .port = 7})->scope_id, seen_at);
}

TEST_P(Roaming, notes_another_address_of_ours_that_the_peer_has_sent_to)
{
    auto &peer = peers[0];
    peer.state.endpoint->source = address("192.0.2.77");
    publish(peer);
    const auto observed = roams_to(*peer.state.endpoint);
    ASSERT_TRUE(observed);
    EXPECT_EQ(observed->source, our_address(false));
}

TEST_P(Roaming, rings_once_until_acknowledged_but_keeps_the_last_place)
{
    const auto &peer = peers[0];
    for (std::uint16_t port = 1; port <= 3; port++) {
        const Endpoint from{.address = address("203.0.113.5"), .port = port};
        EXPECT_EQ(receive(arriving(peer, {}, {.counter = port, .from = from})).verdict, dropped());
    }
    EXPECT_EQ(new_events().size(), 1);
    EXPECT_EQ(datapath->observed_endpoint(peer.current.id).value().first.port, 3);
}

TEST_P(Roaming, sends_nothing_to_where_the_peer_was_until_it_is_acknowledged)
{
    auto &peer = peers[0];
    const Buffer inner = to_peer(peer.number, false, 100);
    ASSERT_EQ(send(inner).verdict, TC_ACT_REDIRECT);
    ASSERT_TRUE(roams_to(must(Endpoint::parse("203.0.113.5:9"))));
    const Outcome run = send(inner);
    EXPECT_EQ(run.verdict, TC_ACT_OK); // the daemon's
    EXPECT_TRUE(same_frame(run.frame, inner_frame(inner, false)));
    EXPECT_EQ(keypair(peer.current.id).tx_counter, 1);
    datapath->acknowledge(peer.state.id, WG_EVENT_ENDPOINT);
    EXPECT_EQ(send(inner).verdict, TC_ACT_REDIRECT);
}

TEST_P(Roaming, goes_on_sending_when_only_our_interface_is_another)
{
    auto &peer = peers[0];
    peer.state.endpoint->source_ifindex = nic + 1;
    publish(peer);
    const Buffer packet = arriving(peer, {}, {.counter = 1, .from = *peer.state.endpoint});
    EXPECT_EQ(receive(packet).verdict, dropped());
    const auto events = new_events();
    ASSERT_EQ(events.size(), 1);
    EXPECT_EQ(events[0].bits, WG_EVENT_INTERFACE);
    const auto observed = datapath->observed_endpoint(peer.current.id);
    ASSERT_TRUE(observed);
    EXPECT_EQ(observed->first.source_ifindex, nic);
    EXPECT_EQ(send(to_peer(peer.number, false, 100)).verdict, TC_ACT_REDIRECT);
}

TEST_P(Roaming, does_not_follow_a_replayed_packet)
{
    const auto &peer = peers[0];
    ASSERT_EQ(datapath->accept_counter(peer.current.id, 8, 0, *peer.state.endpoint), WG_DROP_NONE);
    const auto from = must(Endpoint::parse("203.0.113.5:9"));
    EXPECT_EQ(receive(arriving(peer, {}, {.counter = 8, .from = from})).verdict, dropped());
    EXPECT_EQ(new_drops(), (std::map<wg_drop_reason, std::uint64_t>{{WG_DROP_REPLAYED, 1}}));
    EXPECT_EQ(datapath->observed_endpoint(peer.current.id), std::nullopt);
    EXPECT_TRUE(new_events().empty());
}

} // namespace wg::test
