// SPDX-License-Identifier: MIT
//
// What wg_tx leaves to the daemon: the packet goes on unchanged (to the packet socket on wg0x), and
// no counter is used up.
#include "bpf/bpf_fixture.h"

namespace wg::test {

namespace {

/* Changes one thing of a peer that BPF could otherwise send to. */
struct Reason {
    const char *name;
    std::function<void(TestPeer &, wg_keypair &, wg_tunnel &)> change;
    std::size_t size = 100;
};
void PrintTo(const Reason &reason, std::ostream *out)
{
    *out << reason.name;
}

const Reason REASONS[] = {
    {"no_current_keypair",
     [](TestPeer &peer, wg_keypair &, wg_tunnel &) { peer.state.current = 0; }},
    {"current_keypair_is_gone",
     [](TestPeer &peer, wg_keypair &, wg_tunnel &) { peer.state.current = 12345; }},
    {"sending_is_invalid",
     [](TestPeer &peer, wg_keypair &, wg_tunnel &) { peer.state.sending_valid = false; }},
    {"key_is_180_seconds_old",
     [](TestPeer &, wg_keypair &keypair, wg_tunnel &) {
         keypair.created_at = to_ns(now().instant - 180s);
     }},
    {"counter_is_at_its_limit",
     [](TestPeer &, wg_keypair &keypair, wg_tunnel &) {
         keypair.tx_counter = REJECT_AFTER_MESSAGES;
     }},
    {"counter_is_beyond_its_limit",
     [](TestPeer &, wg_keypair &keypair, wg_tunnel &) { keypair.tx_counter = ~0ULL; }},
    {"no_route", [](TestPeer &peer, wg_keypair &, wg_tunnel &) { peer.route = {}; }},
    {"route_is_not_direct",
     [](TestPeer &peer, wg_keypair &, wg_tunnel &) { peer.route.kind = WG_ROUTE_NONE; }},
    {"longer_than_the_routes_mtu",
     [](TestPeer &peer, wg_keypair &, wg_tunnel &) {
         peer.route.mtu = (peer.v6() ? 40U : 20U) + 8 + 32 + 100 - 1;
     }},
    {"longer_than_the_tunnels_mtu", [](TestPeer &, wg_keypair &, wg_tunnel &) {}, TUNNEL_MTU + 1},
    {"longer_than_a_slot",
     [](TestPeer &peer, wg_keypair &, wg_tunnel &wg0) { wg0.mtu = peer.route.mtu = 9000; }, 1521},
    {"much_longer_than_a_slot",
     [](TestPeer &peer, wg_keypair &, wg_tunnel &wg0) { wg0.mtu = peer.route.mtu = 9000; }, 3000},
};

} // namespace

class WgTxHandsOver : public BpfTest, public testing::WithParamInterface<Reason> {};
INSTANTIATE_TEST_SUITE_P(,
                         WgTxHandsOver,
                         testing::ValuesIn(REASONS),
                         testing::PrintToStringParamName());

TEST_P(WgTxHandsOver, the_packet_unchanged_when)
{
    for (const auto &[outer_v6, inner_v6] : FAMILIES) {
        TestPeer peer = add_peer(outer_v6 ? 6 : 4, outer_v6);
        change_keypair(peer.current.id, [&](wg_keypair &keypair) {
            put_tunnel([&](wg_tunnel &wg0) { GetParam().change(peer, keypair, wg0); });
        });
        publish(peer);
        const wg_keypair before = keypair(peer.current.id);
        const Buffer inner = to_peer(peer.number, inner_v6, GetParam().size);
        const Outcome run = send(inner);
        EXPECT_EQ(run.verdict, TC_ACT_OK);
        EXPECT_EQ(run.mark, 0);
        EXPECT_TRUE(same_frame(run.frame, inner_frame(inner, false)));
        EXPECT_EQ(keypair(peer.current.id).tx_counter, before.tx_counter);
        EXPECT_EQ(activity(peer.state.id).tx_bytes, 0);
    }
    EXPECT_TRUE(new_events().empty());
}

TEST_F(BpfTest, wg_tx_sends_by_itself_up_to_the_very_limits)
{
    TestPeer peer = add_peer(2, false);
    put_tunnel([](wg_tunnel &wg0) { wg0.mtu = 9000; });
    peer.route.mtu = 20 + 8 + 32 + 1520;
    publish(peer);
    const Buffer longest = to_peer(2, false, 1520);
    Outcome run = send(longest);
    EXPECT_EQ(run.verdict, TC_ACT_REDIRECT);
    EXPECT_TRUE(same_frame(run.frame, sealed(peer, longest, 0, 0)));
    change_keypair(peer.current.id,
                   [](wg_keypair &keypair) { keypair.created_at = to_ns(now().instant - 179s); });
    EXPECT_EQ(send(longest).verdict, TC_ACT_REDIRECT);
    EXPECT_EQ(send(to_peer(2, false, 1521)).verdict, TC_ACT_OK);
}

TEST_F(BpfTest, wg_tx_sends_with_a_next_keypair_once_the_peer_has_used_it)
{
    TestPeer peer = add_peer(2, false);
    TestKeypair next = add_keypair(peer.state.id, {.initiator = false});
    peer.state.next = next.id;
    publish(peer);
    const Buffer inner = to_peer(2, false, 100);
    EXPECT_TRUE(same_frame(send(inner).frame, sealed(peer, inner, 0, 0)));
    EXPECT_EQ(keypair(next.id).tx_counter, 0);

    ASSERT_EQ(datapath->accept_counter(next.id, 0, 0, *peer.state.endpoint), WG_DROP_NONE);
    peer.current = std::move(next);
    EXPECT_TRUE(same_frame(send(inner).frame, sealed(peer, inner, 0, 0)));
    EXPECT_EQ(keypair(peer.current.id).tx_counter, 1);
    EXPECT_EQ(keypair(peer.state.current).tx_counter, 1);
}

TEST_F(BpfTest, wg_tx_waits_with_an_unconfirmed_next_keypair_when_there_is_no_current_one)
{
    TestPeer peer = add_peer(2, false);
    peer.state.next = std::exchange(peer.state.current, 0);
    publish(peer);
    EXPECT_EQ(send(to_peer(2, false, 100)).verdict, TC_ACT_OK);
    EXPECT_EQ(keypair(peer.current.id).tx_counter, 0);
}

TEST_F(BpfTest, padding_is_not_what_makes_a_packet_too_long_for_its_route)
{
    for (const auto &[outer_v6, inner_v6] : FAMILIES) {
        TestPeer peer = add_peer(outer_v6 ? 6 : 4, outer_v6);
        const Buffer inner = to_peer(peer.number, inner_v6, 100);
        for (const std::uint32_t room : {100U, 101U, 111U, 112U, 113U}) {
            peer.route.mtu = (outer_v6 ? 40U : 20U) + 8 + 32 + room;
            publish(peer);
            const std::uint64_t counter = keypair(peer.current.id).tx_counter;
            EXPECT_TRUE(same_frame(send(inner).frame, sealed(peer, inner, counter, 0, room)));
        }
    }
}

TEST_F(BpfTest, wg_tx_leaves_a_packet_that_can_go_nowhere_to_the_daemon_but_not_every_one)
{
    TestPeer peer = add_peer(2, false);
    peer.state.endpoint.reset();
    publish(peer);
    for (const auto &[number, reason] : {std::pair{2, WG_DROP_NO_ENDPOINT}, {9, WG_DROP_NO_PEER}}) {
        const Buffer inner = to_peer(number, false, 100);
        tell_unreachable_from(0);
        const Outcome first = send(inner);
        EXPECT_EQ(first.verdict, TC_ACT_OK);
        EXPECT_TRUE(same_frame(first.frame, inner_frame(inner, false)));
        std::uint64_t dropped = 0;
        for (int i = 0; i < 50; i++)
            dropped += send(inner).verdict == TC_ACT_SHOT ? 1 : 0;
        EXPECT_GT(dropped, 0);
        EXPECT_EQ(new_drops(), (std::map<wg_drop_reason, std::uint64_t>{{reason, dropped}}));
    }
}

} // namespace wg::test
