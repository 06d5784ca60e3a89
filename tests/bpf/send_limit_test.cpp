// SPDX-License-Identifier: MIT
//
// Rule 3: the limit is compared before the counter is raised, so refused packets never push it
// round to nonces that were used before.
#include <thread>

#include "bpf/bpf_fixture.h"

namespace wg::test {

namespace {

constexpr int ATTEMPTS = 20'000;
constexpr std::uint64_t LEFT = 7;

} // namespace

class SendLimit : public BpfTest {
  protected:
    void SetUp() override
    {
        BpfTest::SetUp();
        peer = add_peer(2, false);
        change_keypair(peer.current.id, [](wg_keypair &keypair) {
            keypair.tx_counter = REJECT_AFTER_MESSAGES - LEFT;
        });
    }

    TestPeer peer;
};

TEST_F(SendLimit, is_kept_by_wg_tx_over_20000_packets)
{
    const Buffer inner = to_peer(2, false, 64);
    std::uint64_t sealed_packets = 0;
    for (int i = 0; i < ATTEMPTS; i++) {
        const Outcome run = send(inner);
        if (run.verdict == TC_ACT_OK)
            continue;
        ASSERT_EQ(run.verdict, TC_ACT_REDIRECT);
        ASSERT_TRUE(same_frame(
            run.frame, sealed(peer, inner, REJECT_AFTER_MESSAGES - LEFT + sealed_packets++, 0)));
    }
    EXPECT_EQ(sealed_packets, LEFT);
    EXPECT_EQ(keypair(peer.current.id).tx_counter, REJECT_AFTER_MESSAGES);
}

TEST_F(SendLimit, is_kept_by_wg_take_counter_over_20000_packets)
{
    std::vector<std::uint64_t> taken;
    for (int i = 0; i < ATTEMPTS; i++)
        if (const auto counter = datapath->take_counter(peer.current.id, 64))
            taken.push_back(*counter);
        else
            ASSERT_EQ(counter.error(), WG_DROP_SEND_LIMIT);
    ASSERT_EQ(taken.size(), LEFT);
    for (std::size_t i = 0; i < LEFT; i++)
        EXPECT_EQ(taken[i], REJECT_AFTER_MESSAGES - LEFT + i);
    EXPECT_EQ(keypair(peer.current.id).tx_counter, REJECT_AFTER_MESSAGES);
}

TEST_F(SendLimit, is_kept_by_threads_that_race_for_the_last_counters)
{
    std::vector<std::vector<std::uint64_t>> taken(4);
    std::vector<std::jthread> threads;
    for (auto &mine : taken)
        threads.emplace_back([&mine, this] {
            for (int i = 0; i < ATTEMPTS / 10; i++)
                if (const auto counter = datapath->take_counter(peer.current.id, 64))
                    mine.push_back(*counter);
        });
    threads.clear();
    std::set<std::uint64_t> all;
    for (const auto &mine : taken)
        for (const auto counter : mine) {
            EXPECT_LT(counter, REJECT_AFTER_MESSAGES);
            EXPECT_TRUE(all.insert(counter).second) << "counter " << counter << " was given twice";
        }
    EXPECT_EQ(all.size(), LEFT);
    // a CPU may have compared before another one added: no more than one too many each, and nothing
    // wraps
    EXPECT_GE(keypair(peer.current.id).tx_counter, REJECT_AFTER_MESSAGES);
    EXPECT_LE(keypair(peer.current.id).tx_counter, REJECT_AFTER_MESSAGES + taken.size());
}

} // namespace wg::test
