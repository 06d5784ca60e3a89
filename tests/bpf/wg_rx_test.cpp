// SPDX-License-Identifier: MIT
//
// Story 1: what wg_rx_xdp and wg_rx_tc make of an authentic packet.
#include "bpf/bpf_fixture.h"

namespace wg::test {

class WgRx : public ReceiveTest {
  protected:
    /* Delivered as exactly this inner packet, with the mark that wg_deliver wants (XDP). */
    [[nodiscard]] testing::AssertionResult
    is_delivered(const Outcome &run, Bytes inner, const TestPeer &peer) const
    {
        if (run.verdict != delivered())
            return testing::AssertionFailure() << "verdict " << run.verdict;
        if (GetParam() == Hook::xdp) {
            if (run.metadata.size() != sizeof(wg_mark))
                return testing::AssertionFailure() << run.metadata.size() << " bytes of metadata";
            const auto mark = load<wg_mark>(run.metadata);
            if (mark.secret != secret() || mark.tunnel != tunnel || mark.peer != peer.state.id)
                return testing::AssertionFailure()
                       << "mark of tunnel " << mark.tunnel << ", peer " << mark.peer;
        }
        return same_frame(run.frame, inner_frame(inner, true));
    }

    std::uint64_t secret() const
    {
        Buffer value(4096);
        const std::uint32_t zero = 0;
        EXPECT_EQ(bpf_map_lookup_elem(map("config"), &zero, value.data()), 0);
        return load<wg_config>(Bytes(value).first(sizeof(wg_config))).mark_secret;
    }
};
INSTANTIATE_TEST_SUITE_P(,
                         WgRx,
                         testing::Values(Hook::xdp, Hook::tc),
                         testing::PrintToStringParamName());

TEST_P(WgRx, delivers_an_inner_packet_of_every_length_without_its_padding)
{
    for (const auto &[outer_v6, inner_v6] : FAMILIES) {
        const TestPeer peer = add_peer(outer_v6 ? 6 : 4, outer_v6);
        std::uint64_t counter = 0;
        for (std::size_t size = inner_v6 ? 40 : 20; size <= TUNNEL_MTU; size++) {
            const Buffer inner = from_peer(peer.number, inner_v6, size);
            const Outcome run =
                receive(arriving(peer, padded(inner, TUNNEL_MTU), {.counter = counter++}));
            ASSERT_TRUE(is_delivered(run, inner, peer)) << "inner packet of " << size << " bytes";
        }
    }
}

TEST_P(WgRx, delivers_the_longest_packet_that_a_slot_can_carry)
{
    const TestPeer peer = add_peer(2, false);
    const Buffer inner = from_peer(2, false, WG_STANDARD_PAYLOAD);
    EXPECT_TRUE(is_delivered(receive(arriving(peer, inner, {})), inner, peer));
}

TEST_P(WgRx, delivers_what_a_sender_padded_less_or_more_than_it_should)
{
    const TestPeer peer = add_peer(2, false);
    const Buffer inner = from_peer(2, false, 61);
    std::uint64_t counter = 0;
    for (const std::size_t size : {61U, 62U, 63U, 64U, 80U, 300U, 1535U}) {
        Buffer payload = inner;
        payload.resize(size, 0xee); // what it holds is nobody's business
        EXPECT_TRUE(
            is_delivered(receive(arriving(peer, payload, {.counter = counter++})), inner, peer))
            << size;
    }
}

TEST_P(WgRx, ignores_bytes_after_the_ip_packet)
{
    for (const bool outer_v6 : {false, true}) {
        const TestPeer peer = add_peer(2, outer_v6);
        const Buffer inner = from_peer(2, false, 64);
        Buffer frame = arriving(peer, inner, {});
        frame.resize(frame.size() + 18, 0xee);
        EXPECT_TRUE(is_delivered(receive(frame), inner, peer));
    }
}

TEST_P(WgRx, takes_a_datagram_whose_udp_checksum_is_absent_or_wrong)
{
    const TestPeer peer = add_peer(2, false);
    const Buffer inner = from_peer(2, false, 64);
    std::uint64_t counter = 0;
    for (const std::uint8_t low :
         std::initializer_list<std::uint8_t>{0x00, 0x5a}) { // the tag is the better checksum
        Buffer frame = arriving(peer, inner, {.counter = counter++});
        frame[40] = 0;
        frame[41] = low;
        EXPECT_TRUE(is_delivered(receive(frame), inner, peer));
    }
}

TEST_P(WgRx, hands_the_outer_ecn_field_to_an_inner_packet_as_the_driver_does)
{
    constexpr std::uint8_t AFTER[4][4] = {
        // Not-ECT, ECT(1), ECT(0), CE inside
        {0, 1, 2, 3}, // outside: Not-ECT
        {0, 1, 1, 3}, // ECT(1)
        {0, 1, 2, 3}, // ECT(0)
        {0, 3, 3, 3}, // CE
    };
    for (const auto &[outer_v6, inner_v6] : FAMILIES) {
        const TestPeer peer = add_peer(outer_v6 ? 6 : 4, outer_v6);
        std::uint64_t counter = 0;
        for (std::uint8_t outer = 0; outer < 4; outer++)
            for (std::uint8_t ecn = 0; ecn < 4; ecn++) {
                const auto inner_ds = static_cast<std::uint8_t>(0xb8 | ecn),
                           outer_ds = static_cast<std::uint8_t>(0x20 | outer);
                const Buffer inner = from_peer(peer.number, inner_v6, 64, inner_ds);
                const Buffer wanted = from_peer(
                    peer.number, inner_v6, 64, static_cast<std::uint8_t>(0xb8 | AFTER[outer][ecn]));
                const Outcome run =
                    receive(arriving(peer, inner, {.counter = counter++, .ds = outer_ds}));
                EXPECT_TRUE(is_delivered(run, wanted, peer))
                    << "outer " << +outer << ", inner " << +ecn;
            }
    }
}

TEST_P(WgRx, ends_a_keepalive_and_accounts_for_it)
{
    for (const bool outer_v6 : {false, true}) {
        const TestPeer peer = add_peer(2, outer_v6);
        const auto begin = to_ns(now().instant);
        EXPECT_EQ(receive(arriving(peer, {}, {.counter = 3})).verdict, dropped());
        const auto noted = activity(peer.state.id);
        EXPECT_EQ(noted.rx_bytes, 32);
        EXPECT_GE(noted.last_received, begin);
        EXPECT_EQ(noted.last_data_received, 0);
        EXPECT_EQ(noted.first_unacknowledged, 0);
        EXPECT_EQ(keypair(peer.current.id).replay_next, 4);
    }
    EXPECT_TRUE(new_events().empty());
}

TEST_P(WgRx, counts_bytes_and_notes_the_time)
{
    const TestPeer peer = add_peer(2, false);
    const auto begin = to_ns(now().instant);
    for (const std::size_t size : {100U, 1420U}) {
        const Buffer payload = padded(from_peer(2, false, size), TUNNEL_MTU);
        EXPECT_EQ(receive(arriving(peer, payload, {.counter = size})).verdict, delivered());
    }
    const auto noted = activity(peer.state.id);
    EXPECT_EQ(noted.rx_bytes, (32 + 112) + (32 + 1420));
    EXPECT_EQ(noted.tx_bytes, 0);
    EXPECT_GE(noted.first_unacknowledged, begin);
    EXPECT_GT(noted.last_received, noted.first_unacknowledged);
    EXPECT_EQ(noted.last_data_received, noted.last_received);
    EXPECT_EQ(noted.last_sent, 0);
}

TEST_P(WgRx, keeps_a_replay_window_of_8128_counters)
{
    const TestPeer peer = add_peer(2, false);
    const Buffer payload = from_peer(2, false, 64);
    struct Step {
        std::uint64_t counter;
        wg_drop_reason drop;
    };
    const Step steps[] = {
        {0, WG_DROP_NONE},        {1, WG_DROP_NONE},        {1, WG_DROP_REPLAYED},
        {9, WG_DROP_NONE},        {8, WG_DROP_NONE},        {8, WG_DROP_REPLAYED},
        {8129, WG_DROP_NONE},     {8129, WG_DROP_REPLAYED}, {2, WG_DROP_NONE},
        {2, WG_DROP_REPLAYED},    {0, WG_DROP_TOO_OLD},     {20000, WG_DROP_NONE},
        {11871, WG_DROP_TOO_OLD}, {11872, WG_DROP_NONE},    {11872, WG_DROP_REPLAYED},
        {19999, WG_DROP_NONE}};
    for (const auto &[counter, drop] : steps) {
        const int verdict = receive(arriving(peer, payload, {.counter = counter})).verdict;
        EXPECT_EQ(verdict, drop == WG_DROP_NONE ? delivered() : dropped()) << "counter " << counter;
        const auto drops = new_drops();
        EXPECT_EQ(drops.size(), drop == WG_DROP_NONE ? 0 : 1) << "counter " << counter;
        EXPECT_EQ(drops.count(drop), drops.size()) << "counter " << counter;
    }
    EXPECT_EQ(keypair(peer.current.id).replay_next, 20001);
}

TEST_P(WgRx, receives_with_previous_current_and_next_keypairs_alike)
{
    TestPeer peer = add_peer(2, false);
    const TestKeypair previous = add_keypair(peer.state.id),
                      next = add_keypair(peer.state.id, {.initiator = false});
    peer.state.previous = previous.id;
    peer.state.next = next.id;
    publish(peer);
    const Buffer inner = from_peer(2, false, 100);
    for (const TestKeypair *used :
         std::initializer_list<const TestKeypair *>{&previous, &next, &peer.current})
        EXPECT_TRUE(is_delivered(
            receive(arriving(peer, padded(inner, TUNNEL_MTU), {.keypair = used})), inner, peer));
}

TEST_P(WgRx, receives_with_a_key_of_179_seconds)
{
    const TestPeer peer = add_peer(2, false, {.age = 179s, .initiator = false});
    const Buffer inner = from_peer(2, false, 64);
    EXPECT_TRUE(is_delivered(receive(arriving(peer, inner, {})), inner, peer));
}

} // namespace wg::test
