// SPDX-License-Identifier: MIT
//
// What people allow a peer: a rate each way and a quota, on the fast and the slow path alike, and
// no nonce for what is refused.
#include <atomic>
#include <thread>

#include "bpf/bpf_fixture.h"

namespace wg::test {

namespace {

constexpr std::uint64_t SHORT = 64, SHORT_SHARE = WG_TRANSPORT_OVERHEAD + SHORT;
constexpr std::uint64_t LONG_SHARE = WG_TRANSPORT_OVERHEAD + TUNNEL_MTU;
/// So slow that a packet's share does not come back while a test runs.
constexpr std::uint64_t RATE = 10;
/// All that begin within a burst of 64 KiB.
constexpr std::uint64_t BURST_PACKETS = 65'536 / LONG_SHARE + 1;

using Drops = std::map<wg_drop_reason, std::uint64_t>;

} // namespace

template <typename Base>
class WithLimits : public Base {
  protected:
    void SetUp() override
    {
        Base::SetUp();
        peer = this->add_peer(2, false);
    }

    void limit(std::uint64_t rate_limit, std::uint64_t quota)
    {
        peer.state.rate_limit = rate_limit;
        peer.state.quota = quota;
        this->publish(peer);
    }

    void change_activity(const std::function<void(wg_peer_activity &)> &change)
    {
        auto element = this->activity(peer.state.id);
        change(element);
        ASSERT_EQ(
            bpf_map_update_elem(this->map("peer_activity"), &peer.state.id, &element, BPF_ANY), 0);
    }

    std::uint64_t quota_used() { return this->activity(peer.state.id).quota_used; }
    std::uint64_t counters_taken() { return this->keypair(peer.current.id).tx_counter; }

    TestPeer peer;
};

class SendLimits : public WithLimits<BpfTest> {
  protected:
    /// How many of `attempts` packets were sent. No counter is taken for the others.
    std::uint64_t sent(std::uint64_t attempts, std::size_t size)
    {
        const Buffer inner = to_peer(2, false, size);
        const std::uint64_t before = counters_taken();
        std::uint64_t sent = 0;
        for (std::uint64_t i = 0; i < attempts; i++)
            sent += send(inner).verdict == TC_ACT_REDIRECT ? 1 : 0;
        EXPECT_EQ(counters_taken() - before, sent);
        return sent;
    }
};

TEST_F(SendLimits, a_quota_is_kept_to_the_byte)
{
    limit(0, 5 * SHORT_SHARE + SHORT_SHARE - 1);
    EXPECT_EQ(sent(7, SHORT), 5);
    EXPECT_EQ(quota_used(), 5 * SHORT_SHARE);
    EXPECT_EQ(new_drops(), (Drops{{WG_DROP_OVER_QUOTA, 2}}));
    limit(0, 6 * SHORT_SHARE);
    EXPECT_EQ(sent(2, SHORT), 1) << "raised";
    datapath->set_quota_used(peer.state.id, 0);
    EXPECT_EQ(sent(7, SHORT), 6) << "begun anew";
    EXPECT_EQ(new_drops(), (Drops{{WG_DROP_OVER_QUOTA, 2}}));
}

TEST_F(SendLimits, a_rate_lets_a_burst_pass_and_then_what_time_gives_back)
{
    limit(RATE, 0);
    EXPECT_EQ(sent(BURST_PACKETS + 3, TUNNEL_MTU), BURST_PACKETS);
    change_activity([](wg_peer_activity &activity) { // as if it were so much later
        activity.send_free_at -= 2 * LONG_SHARE * 1'000'000'000 / RATE;
    });
    EXPECT_EQ(sent(5, TUNNEL_MTU), 2);
    change_activity([](wg_peer_activity &activity) { activity.send_free_at = 1; });
    EXPECT_EQ(sent(BURST_PACKETS + 3, TUNNEL_MTU), BURST_PACKETS) << "a pause saves up no more";
    EXPECT_EQ(new_drops(), (Drops{{WG_DROP_OVER_RATE, 9}}));
    limit(0, 0);
    EXPECT_EQ(sent(3, TUNNEL_MTU), 3);
}

TEST_F(SendLimits, hold_on_the_slow_path_too_but_for_keepalives)
{
    limit(0, SHORT_SHARE);
    EXPECT_EQ(datapath->take_counter(peer.current.id, SHORT), 0);
    EXPECT_EQ(datapath->take_counter(peer.current.id, SHORT), tl::unexpected(WG_DROP_OVER_QUOTA));
    EXPECT_EQ(datapath->take_counter(peer.current.id, 0), 1);
    limit(RATE, 0);
    change_activity([](wg_peer_activity &activity) { activity.send_free_at = ~0ULL; });
    EXPECT_EQ(datapath->take_counter(peer.current.id, SHORT), tl::unexpected(WG_DROP_OVER_RATE));
    EXPECT_EQ(datapath->take_counter(peer.current.id, 0), 2);
    EXPECT_EQ(counters_taken(), 3);
}

TEST_F(SendLimits, are_shared_by_threads_that_send_at_once)
{
    constexpr std::uint64_t THREADS = 4, ATTEMPTS = 200;
    for (const bool quota : {false, true}) {
        limit(quota ? 0 : RATE, quota ? BURST_PACKETS * LONG_SHARE : 0);
        std::atomic<std::uint64_t> taken = 0;
        std::vector<std::jthread> threads;
        for (std::uint64_t i = 0; i < THREADS; i++)
            threads.emplace_back([&] {
                for (std::uint64_t attempt = 0; attempt < ATTEMPTS; attempt++)
                    taken += datapath->take_counter(peer.current.id, TUNNEL_MTU) ? 1 : 0;
            });
        threads.clear();
        EXPECT_GE(taken, BURST_PACKETS - (quota ? THREADS - 1 : 0));
        EXPECT_LE(taken, BURST_PACKETS + (quota ? 0 : THREADS - 1));
        EXPECT_EQ(quota_used(), quota ? taken * LONG_SHARE : 0);
    }
}

TEST_F(SendLimits, nothing_is_counted_for_a_peer_without)
{
    EXPECT_EQ(sent(3, SHORT), 3);
    EXPECT_EQ(quota_used(), 0);
    EXPECT_EQ(activity(peer.state.id).send_free_at, 0);
}

class ReceiveLimits : public WithLimits<ReceiveTest> {
  protected:
    /// How many of `attempts` packets were delivered.
    std::uint64_t received(std::uint64_t attempts, std::size_t size)
    {
        std::uint64_t received = 0;
        for (std::uint64_t i = 0; i < attempts; i++) {
            const Buffer inner = from_peer(2, false, size);
            const auto run =
                receive(arriving(peer, padded(inner, TUNNEL_MTU), {.counter = next_counter_++}));
            received += run.verdict == delivered() ? 1 : 0;
        }
        return received;
    }

  private:
    std::uint64_t next_counter_ = 0;
};
INSTANTIATE_TEST_SUITE_P(,
                         ReceiveLimits,
                         testing::Values(Hook::xdp, Hook::tc),
                         testing::PrintToStringParamName());

TEST_P(ReceiveLimits, a_quota_counts_both_ways)
{
    limit(0, 5 * SHORT_SHARE);
    EXPECT_EQ(datapath->take_counter(peer.current.id, SHORT), 0);
    EXPECT_EQ(received(6, SHORT), 4);
    EXPECT_EQ(quota_used(), 5 * SHORT_SHARE);
    EXPECT_EQ(new_drops(), (Drops{{WG_DROP_OVER_QUOTA, 2}}));
    EXPECT_EQ(datapath->accept_counter(peer.current.id, 100, SHORT, *peer.state.endpoint),
              WG_DROP_OVER_QUOTA);
    EXPECT_EQ(datapath->accept_counter(peer.current.id, 101, 0, *peer.state.endpoint), WG_DROP_NONE)
        << "a keepalive";
}

TEST_P(ReceiveLimits, a_rate_is_each_ways_own)
{
    limit(RATE, 0);
    EXPECT_EQ(received(BURST_PACKETS + 2, TUNNEL_MTU), BURST_PACKETS);
    EXPECT_EQ(new_drops(), (Drops{{WG_DROP_OVER_RATE, 2}}));
    EXPECT_EQ(datapath->accept_counter(peer.current.id, 100, SHORT, *peer.state.endpoint),
              WG_DROP_OVER_RATE);
    EXPECT_EQ(datapath->take_counter(peer.current.id, SHORT), 0);
}

/* What is refused was authentic all the same: it may not come again, and the session lives. */
TEST_P(ReceiveLimits, what_is_refused_counts_as_received)
{
    limit(0, 1);
    const Buffer frame = arriving(peer, from_peer(2, false, SHORT), {.counter = 7});
    EXPECT_EQ(receive(frame).verdict, dropped());
    EXPECT_EQ(receive(frame).verdict, dropped());
    EXPECT_EQ(new_drops(), (Drops{{WG_DROP_OVER_QUOTA, 1}, {WG_DROP_REPLAYED, 1}}));
    EXPECT_NE(activity(peer.state.id).last_data_received, 0);
    EXPECT_EQ(quota_used(), 0);
}

} // namespace wg::test
