// SPDX-License-Identifier: MIT
//
// Opening with keystream made ahead: only the true packet takes its slot.
#include <algorithm>
#include <atomic>
#include <random>

#include "bpf/ring_fixture.h"

namespace wg::test {

class RingReceive : public ReceiveTest {
  protected:
    void SetUp() override
    {
        ReceiveTest::SetUp();
        peer = add_peer(2, false);
    }

    Buffer packet(std::uint64_t counter, std::size_t size = 200) const
    {
        return arriving(peer, padded(from_peer(2, false, size), TUNNEL_MTU), {.counter = counter});
    }

    void expect_delivered(std::uint64_t counter, std::size_t size = 200)
    {
        const Outcome run = receive(packet(counter, size));
        ASSERT_EQ(run.verdict, delivered()) << "counter " << counter;
        ASSERT_TRUE(same_frame(run.frame, inner_frame(from_peer(2, false, size), true)))
            << "counter " << counter << ", " << size << " bytes";
    }

    using Drops = std::map<wg_drop_reason, std::uint64_t>;
    SharedMaps maps;
    TestPeer peer;
};
INSTANTIATE_TEST_SUITE_P(,
                         RingReceive,
                         testing::Values(Hook::xdp, Hook::tc),
                         testing::PrintToStringParamName());

TEST_P(RingReceive, opens_packets_of_every_length)
{
    TestRing ring(maps, peer, WG_RECEIVE);
    std::uint64_t counter = 0;
    for (std::size_t size = 20; size <= TUNNEL_MTU; size++) {
        if ((size - 20) % 512 == 0) {
            ASSERT_GE(ring.fill(512), 512U);
        }
        expect_delivered(counter++, size);
    }
    EXPECT_EQ(cipher_counts()[WG_OPENED_READY], TUNNEL_MTU - 19);
    EXPECT_EQ(ring.header().next, counter);
    EXPECT_EQ(ring.header().longest, 1420);
}

TEST_P(RingReceive, opens_a_keepalive)
{
    TestRing ring(maps, peer, WG_RECEIVE);
    ring.fill(16);
    EXPECT_EQ(receive(arriving(peer, {}, {.counter = 0})).verdict, dropped());
    EXPECT_EQ(keypair(peer.current.id).replay_next, 1);
    EXPECT_EQ(cipher_counts()[WG_OPENED_READY], 1);
}

TEST_P(RingReceive, opens_the_true_packet_whatever_counter_bit_was_forged_before)
{
    TestRing ring(maps, peer, WG_RECEIVE, 500);
    ring.fill();
    const std::uint64_t counter = 600;
    const auto before = keypair(peer.current.id);
    for (unsigned bit = 0; bit < 64; bit++) {
        Buffer forged = packet(counter);
        forged[50 + bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
        EXPECT_EQ(receive(forged).verdict, dropped()) << "bit " << bit;
        EXPECT_EQ(new_drops(), (Drops{{WG_DROP_BAD_TAG, 1}})) << "bit " << bit;
        EXPECT_EQ(std::memcmp(&before, bytes_of(keypair(peer.current.id)).data(), sizeof(before)),
                  0);
    }
    EXPECT_EQ(ring.state(counter), WG_SLOT_READY | counter);
    EXPECT_EQ(ring.header().next, 500);
    expect_delivered(counter);
    EXPECT_EQ(cipher_counts()[WG_OPENED_READY], 1);
    EXPECT_EQ(cipher_counts()[WG_OPENED_INLINE], 0);
}

TEST_P(RingReceive, survives_a_forgery_of_every_coming_counter)
{
    TestRing ring(maps, peer, WG_RECEIVE);
    ring.fill();
    for (std::uint64_t counter = 0; counter < 400; counter++) {
        Buffer forged = packet(counter, 20 + counter * 3);
        forged[forged.size() - 1 - counter % 32] ^= 0x20;
        EXPECT_EQ(receive(forged).verdict, dropped());
    }
    EXPECT_EQ(new_drops(), (Drops{{WG_DROP_BAD_TAG, 400}}));
    for (std::uint64_t counter = 0; counter < 400; counter++)
        expect_delivered(counter);
    EXPECT_EQ(cipher_counts()[WG_OPENED_READY], 400);
    EXPECT_EQ(cipher_counts()[WG_OPENED_INLINE], 0);
}

TEST_P(RingReceive, does_not_learn_lengths_from_forgeries_nor_give_them_short_slots)
{
    TestRing ring(maps, peer, WG_RECEIVE);
    ring.learn(64);
    ring.fill(32);
    Buffer forged = packet(20, 1400);
    forged.back() ^= 1;
    EXPECT_EQ(receive(forged).verdict, dropped());
    EXPECT_EQ(new_drops(), (Drops{{WG_DROP_BAD_TAG, 1}}));
    EXPECT_EQ(ring.header().longest, 0);
    EXPECT_EQ(ring.state(20), WG_SLOT_READY | 20);
    expect_delivered(20, 64);
    EXPECT_EQ(cipher_counts()[WG_OPENED_READY], 1);
    expect_delivered(21, 1400);
    EXPECT_EQ(cipher_counts()[WG_OPENED_INLINE], 1);
    EXPECT_EQ(ring.state(21), WG_SLOT_READY | 21);
}

TEST_P(RingReceive, refuses_a_replay_and_does_not_open_it_again)
{
    TestRing ring(maps, peer, WG_RECEIVE);
    ring.fill(32);
    expect_delivered(7);
    EXPECT_EQ(receive(packet(7)).verdict, dropped());
    EXPECT_EQ(new_drops(), (Drops{{WG_DROP_REPLAYED, 1}}));
    EXPECT_EQ(cipher_counts()[WG_OPENED_READY], 1);
}

TEST_P(RingReceive, opens_each_of_many_reordered_packets_once)
{
    TestRing ring(maps, peer, WG_RECEIVE);
    std::vector<std::uint64_t> counters(6000);
    for (std::size_t i = 0; i < counters.size(); i++)
        counters[i] = i;
    std::minstd_rand random;
    for (std::size_t i = 0; i + 200 < counters.size(); i += 100)
        std::shuffle(counters.begin() + static_cast<long>(i),
                     counters.begin() + static_cast<long>(i + 200), random);
    for (std::size_t i = 0; i < counters.size(); i++) {
        if (i % 32 == 0)
            ring.fill(64);
        expect_delivered(counters[i], 20 + i % 500);
    }
    EXPECT_GT(cipher_counts()[WG_OPENED_READY], 3000);
    EXPECT_EQ(keypair(peer.current.id).replay_next, counters.size());
}

TEST_P(RingReceive, takes_no_slot_for_a_counter_that_reaches_into_the_state)
{
    TestRing ring(maps, peer, WG_RECEIVE, 0);
    ring.fill(16);
    expect_delivered(WG_SLOT_COUNTERS + 5);
    EXPECT_EQ(ring.state(5), WG_SLOT_READY | 5);
    EXPECT_EQ(cipher_counts()[WG_OPENED_INLINE], 1);
}

/* Both CPUs get every packet, and forgeries of it, while the producer stalls. */
TEST_P(RingReceive, gives_each_packet_to_one_of_two_cpus)
{
    constexpr std::uint64_t PACKETS = 4000;
    TestRing ring(maps, peer, WG_RECEIVE);
    std::vector<Buffer> frames;
    for (std::uint64_t counter = 0; counter < PACKETS; counter++)
        frames.push_back(packet(counter, 20 + counter * 11 % 1400));
    std::vector<Outcome> outcomes[2];
    std::atomic<int> receiving = 2;
    const auto receiver = [&](std::vector<Outcome> &to) {
        return [&] {
            for (std::size_t i = 0; i < frames.size(); i++) {
                Buffer forged = frames[i];
                forged[70] ^= 0x01;
                std::ignore = receive(forged);
                to.push_back(receive(frames[i]));
            }
            receiving--;
        };
    };
    run_at_once({receiver(outcomes[0]), receiver(outcomes[1]), [&] {
                     std::minstd_rand random;
                     while (receiving > 0)
                         if (ring.fill(16 * (1 + random() % 8)) == 0 || random() % 32 == 0)
                             std::this_thread::sleep_for(
                                 std::chrono::microseconds(random() % 2000));
                 }});
    for (std::uint64_t counter = 0; counter < PACKETS; counter++) {
        int times = 0;
        for (const auto &by_cpu : outcomes)
            if (const Outcome &run = by_cpu[counter]; run.verdict == delivered()) {
                times++;
                ASSERT_TRUE(same_frame(
                    run.frame, inner_frame(from_peer(2, false, 20 + counter * 11 % 1400), true)));
            }
        ASSERT_EQ(times, 1) << "counter " << counter;
    }
    const auto drops = new_drops();
    EXPECT_EQ(drops.at(WG_DROP_REPLAYED) + drops.at(WG_DROP_BAD_TAG), 3 * PACKETS);
    EXPECT_GT(cipher_counts()[WG_OPENED_READY], 100);
}

} // namespace wg::test
