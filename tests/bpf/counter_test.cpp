// SPDX-License-Identifier: MIT
//
// The slow path's share: wg_take_counter and wg_accept_counter change the same element that the
// fast path uses.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/bpf_fixture.h"

namespace wg::test {

class Counter : public BpfTest {
  protected:
    void SetUp() override
    {
        BpfTest::SetUp();
        peer = add_peer(2, false);
    }

    wg_drop_reason accept(std::uint64_t counter)
    {
        return datapath->accept_counter(peer.current.id, counter, 64, *peer.state.endpoint);
    }

    TestPeer peer;
};

TEST_F(Counter, is_taken_once_by_fast_and_slow_path)
{
    const Buffer inner = to_peer(2, false, 64);
    EXPECT_EQ(datapath->take_counter(peer.current.id, 64), 0);
    EXPECT_TRUE(same_frame(send(inner).frame, sealed(peer, inner, 1, 0)));
    EXPECT_EQ(datapath->take_counter(peer.current.id, 0), 2);
    EXPECT_TRUE(same_frame(send(inner).frame, sealed(peer, inner, 3, 0)));
    EXPECT_EQ(activity(peer.state.id).tx_bytes, 3 * (32 + 64) + 32);
}

TEST_F(Counter, is_accepted_once_by_fast_and_slow_path)
{
    const Buffer frame = arriving(peer, from_peer(2, false, 64), {.counter = 7});
    EXPECT_EQ(accept(6), WG_DROP_NONE);
    EXPECT_EQ(run_xdp(program("wg_rx_xdp"), frame, nic).verdict, XDP_PASS);
    EXPECT_EQ(accept(7), WG_DROP_REPLAYED);
    EXPECT_EQ(run_tc(program("wg_rx_tc"), frame, {.ifindex = nic}).verdict, TC_ACT_SHOT);
    EXPECT_EQ(new_drops(), (std::map<wg_drop_reason, std::uint64_t>{{WG_DROP_REPLAYED, 1}}));
    EXPECT_EQ(activity(peer.state.id).rx_bytes, 2 * (32 + 64));
}

/* The cases of drivers/net/wireguard/selftest/counter.c, in its order. */
TEST_F(Counter, is_accepted_as_the_kernel_driver_does)
{
    constexpr std::uint64_t LIM = WG_REPLAY_WINDOW + 1, R = REJECT_AFTER_MESSAGES;
    struct Case {
        std::uint64_t counter;
        bool accepted;
    };
    const Case cases[] = {
        {0, true},
        {1, true},
        {1, false},
        {9, true},
        {8, true},
        {7, true},
        {7, false},
        {LIM, true},
        {LIM - 1, true},
        {LIM - 1, false},
        {LIM - 2, true},
        {2, true},
        {2, false},
        {LIM + 16, true},
        {3, false},
        {LIM + 16, false},
        {LIM * 4, true},
        {LIM * 4 - (LIM - 1), true},
        {10, false},
        {LIM * 4 - LIM, false},
        {LIM * 4 - (LIM + 1), false},
        {LIM * 4 - (LIM - 2), true},
        {LIM * 4 + 1 - LIM, false},
        {0, false},
        {R, false},
        {R - 1, true},
        {R, false},
        {R - 1, false},
        {R - 2, true},
        {R + 1, false},
        {R + 2, false},
        {R - 2, false},
        {R - 3, true},
        {0, false},
    };
    int number = 1;
    for (const auto &[counter, accepted] : cases)
        EXPECT_EQ(accept(counter) == WG_DROP_NONE, accepted)
            << "case " << number++ << ", counter " << counter;
}

TEST_F(Counter, is_refused_by_reason)
{
    EXPECT_EQ(accept(20000), WG_DROP_NONE);
    EXPECT_EQ(accept(20000), WG_DROP_REPLAYED);
    EXPECT_EQ(accept(20000 - WG_REPLAY_WINDOW), WG_DROP_NONE);
    EXPECT_EQ(accept(20000 - WG_REPLAY_WINDOW - 1), WG_DROP_TOO_OLD);
    EXPECT_EQ(accept(REJECT_AFTER_MESSAGES), WG_DROP_COUNTER_LIMIT);
    EXPECT_EQ(accept(~0ULL), WG_DROP_COUNTER_LIMIT);
    EXPECT_EQ(activity(peer.state.id).rx_bytes, 2 * (32 + 64)); // of the two that were accepted
}

TEST_F(Counter, is_refused_for_an_old_or_unknown_keypair)
{
    change_keypair(peer.current.id,
                   [](wg_keypair &keypair) { keypair.created_at = to_ns(now().instant - 180s); });
    EXPECT_EQ(accept(0), WG_DROP_KEYPAIR_EXPIRED);
    EXPECT_EQ(datapath->take_counter(peer.current.id, 64), tl::unexpected(WG_DROP_KEYPAIR_EXPIRED));
    EXPECT_EQ(keypair(peer.current.id).tx_counter, 0);
    EXPECT_EQ(datapath->take_counter(4711, 64), tl::unexpected(WG_DROP_NO_STATE));
    EXPECT_EQ(datapath->accept_counter(4711, 0, 64, *peer.state.endpoint), WG_DROP_NO_STATE);
}

TEST_F(Counter, is_refused_at_the_send_limit)
{
    change_keypair(peer.current.id,
                   [](wg_keypair &keypair) { keypair.tx_counter = REJECT_AFTER_MESSAGES; });
    EXPECT_EQ(datapath->take_counter(peer.current.id, 64), tl::unexpected(WG_DROP_SEND_LIMIT));
    EXPECT_EQ(keypair(peer.current.id).tx_counter, REJECT_AFTER_MESSAGES);
}

TEST_F(Counter, programs_refuse_a_request_that_is_cut_off)
{
    const Buffer request(sizeof(wg_counter_request) - 1);
    for (const char *name : {"wg_take_counter", "wg_accept_counter"})
        EXPECT_EQ(run_tc(program(name), request, {}).verdict, WG_DROP_BAD_LENGTH) << name;
}

TEST_F(Counter, accepted_from_elsewhere_is_noted_unless_the_daemon_says_not_to_roam)
{
    const auto from = must(Endpoint::parse("203.0.113.5:9"));
    EXPECT_EQ(datapath->accept_counter(peer.current.id, 0, 64, {}), WG_DROP_NONE);
    EXPECT_EQ(datapath->observed_endpoint(peer.current.id), std::nullopt);
    EXPECT_EQ(datapath->accept_counter(peer.current.id, 1, 64, from), WG_DROP_NONE);
    EXPECT_TRUE(datapath->observed_endpoint(peer.current.id).value().first.same_place(from));
}

} // namespace wg::test
