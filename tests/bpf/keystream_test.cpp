// SPDX-License-Identifier: MIT
//
// Who gets a ring, when, and what is left of it afterwards.
#include <thread>

#include "bpf/ring_fixture.h"
#include "datapath/keystream.h"

namespace wg::test {

class KeystreamTest : public BpfTest {
  protected:
    void SetUp() override
    {
        BpfTest::SetUp();
        peer = add_peer(2, false);
        keystream = start(true);
    }

    void TearDown() override
    {
        keystream.reset();
        std::ignore = start(false); // erases what is left
        BpfTest::TearDown();
    }

    std::unique_ptr<Keystream> start(bool enabled)
    {
        auto started = must(Keystream::start(Sandbox::get().programs(), enabled));
        datapath->set_keystream(started.get());
        return started;
    }

    void expect_sealed(std::size_t size = 200)
    {
        const Buffer inner = to_peer(2, false, size);
        const Outcome run = send(inner);
        ASSERT_EQ(run.verdict, TC_ACT_REDIRECT);
        ASSERT_TRUE(same_frame(run.frame, sealed(peer, inner, counter++, 0)));
    }

    void make_busy()
    {
        for (int i = 0; i < 64; i++) {
            stop_the_clock(peer);
            expect_sealed();
        }
    }

    /// The packets of a burst come within one interval, however slow the machine is.
    void stop_the_clock(const TestPeer &of)
    {
        wg_peer_activity &activity = maps.activity[of.state.id];
        if (activity.send_burst < WG_BURST_PACKETS) // else it has asked, and pauses
            activity.send_burst_since = to_ns(now().instant);
    }

    template <typename Condition>
    [[nodiscard]] static bool within_seconds(Condition condition)
    {
        const Instant deadline = now().instant + 60s; // of a guest without KVM
        while (!condition())
            if (now().instant > deadline)
                return false;
            else
                std::this_thread::sleep_for(1ms);
        return true;
    }

    [[nodiscard]] bool has_rings(std::size_t rings) const
    {
        return within_seconds([&] { return keystream->rings() == rings; });
    }

    [[nodiscard]] std::size_t ring_maps() const
    {
        std::size_t found = 0;
        for (std::uint32_t number = 0; number < WG_MAX_RINGS; number++) {
            std::uint32_t id = 0;
            found += bpf_map_lookup_elem(map("ring_slots"), &number, &id) == 0 ? 1 : 0;
        }
        return found;
    }

    SharedMaps maps;
    TestPeer peer;
    std::uint64_t counter = 0;
    std::unique_ptr<Keystream> keystream;
};

TEST_F(KeystreamTest, gives_a_ring_to_a_keypair_that_is_busy_and_not_before)
{
    for (int i = 0; i < 20; i++)
        expect_sealed();
    EXPECT_EQ(keystream->rings(), 0U);
    EXPECT_EQ(ring_maps(), 0U);
    make_busy();
    ASSERT_TRUE(has_rings(1));
    EXPECT_TRUE(within_seconds([&] {
        make_busy();
        return cipher_counts()[WG_SEALED_READY] >= 1000;
    }));
    EXPECT_EQ(keystream->counts()[WG_SEALED_READY], cipher_counts()[WG_SEALED_READY]);
}

TEST_F(KeystreamTest, wakes_for_a_keypair_that_goes_on_after_a_pause)
{
    make_busy();
    ASSERT_TRUE(has_rings(1));
    wg_ring &header = maps.rings[maps.activity[peer.state.id].send_ring];
    for (int times = 0; times < 5; times++) {
        ASSERT_TRUE(within_seconds([&] { return std::atomic_ref(header.armed).load() == 1; }));
        const std::uint64_t before = cipher_counts()[WG_SEALED_READY];
        for (int i = 0; i < 3000; i++)
            expect_sealed();
        EXPECT_GT(cipher_counts()[WG_SEALED_READY] - before, 800);
    }
}

TEST_F(KeystreamTest, takes_the_ring_from_a_keypair_that_ends_and_leaves_nothing)
{
    make_busy();
    ASSERT_TRUE(has_rings(1));
    const std::uint32_t number = maps.activity[peer.state.id].send_ring;
    std::uint32_t id = 0;
    ASSERT_EQ(bpf_map_lookup_elem(map("ring_slots"), &number, &id), 0);
    const Fd slots(bpf_map_get_fd_by_id(id));

    datapath->retire_keypair(peer.current.id);
    EXPECT_EQ(maps.activity[peer.state.id].send_ring, 0);
    EXPECT_TRUE(within_seconds([&] { return ring_maps() == 0; }));
    for (std::uint32_t index = 0; index < WG_RING_SLOTS; index++) {
        wg_slot slot{};
        ASSERT_EQ(bpf_map_lookup_elem(slots.get(), &index, &slot), 0);
        ASSERT_TRUE(sodium_is_zero(bytes_of(slot).data(), sizeof(slot))) << "slot " << index;
    }
}

TEST_F(KeystreamTest, gives_no_ring_to_a_keypair_that_has_ended)
{
    datapath->retire_keypair(peer.current.id);
    make_busy(); // its element is there until the grace period is over
    TestPeer other = add_peer(3, false);
    const Buffer inner = to_peer(3, false, 64);
    for (int i = 0; i < 64; i++) {
        stop_the_clock(other);
        std::ignore = send(inner);
    }
    ASSERT_TRUE(has_rings(1)); // the bell was heard, and it is the other's
    EXPECT_EQ(maps.activity[peer.state.id].send_ring, 0);
    EXPECT_NE(maps.activity[other.state.id].send_ring, 0);
}

/* Every packet is compared, and every keypair begins at counter 0 again. */
TEST_F(KeystreamTest, hands_on_from_keypair_to_keypair_under_traffic)
{
    for (int rotation = 0; rotation < 20; rotation++) {
        const std::uint64_t before = cipher_counts()[WG_SEALED_READY];
        ASSERT_TRUE(within_seconds([&] {
            make_busy();
            return HasFatalFailure() || cipher_counts()[WG_SEALED_READY] - before >= 200;
        }));
        const KeypairId old = peer.current.id;
        peer.current = add_keypair(peer.state.id);
        peer.state.current = peer.current.id;
        publish(peer);
        counter = 0;
        make_busy();
        datapath->retire_keypair(old);
        io.poll();
        io.restart();
    }
    EXPECT_TRUE(within_seconds([&] {
        make_busy();
        return keystream->rings() == 1;
    }));
}

TEST_F(KeystreamTest, of_a_dead_daemon_is_used_up_and_replaced)
{
    make_busy();
    ASSERT_TRUE(has_rings(1));
    const std::uint32_t number = maps.activity[peer.state.id].send_ring;
    ASSERT_TRUE(within_seconds([&] { return maps.rings[number].armed == 1; }));
    keystream.reset();
    for (int i = 0; i < 2000; i++)
        expect_sealed();
    EXPECT_EQ(maps.activity[peer.state.id].send_ring, number);

    keystream = start(true);
    EXPECT_TRUE(within_seconds([&] {
        make_busy();
        return keystream->rings() == 1 && ring_maps() == 1;
    }));
    const std::uint64_t before = cipher_counts()[WG_SEALED_READY];
    EXPECT_TRUE(within_seconds([&] {
        make_busy();
        return cipher_counts()[WG_SEALED_READY] - before > 500;
    }));
}

TEST_F(KeystreamTest, makes_none_where_it_is_switched_off)
{
    make_busy();
    ASSERT_TRUE(has_rings(1));
    keystream = nullptr;
    keystream = start(false);
    EXPECT_STREQ(keystream->producer(), "none");
    EXPECT_EQ(ring_maps(), 0U);
    const std::uint64_t before = cipher_counts()[WG_SEALED_READY];
    make_busy();
    EXPECT_EQ(cipher_counts()[WG_SEALED_READY], before);
    EXPECT_EQ(keystream->rings(), 0U);
}

TEST_F(KeystreamTest, takes_the_ring_back_from_a_keypair_that_is_idle)
{
    make_busy();
    ASSERT_TRUE(has_rings(1));
    EXPECT_TRUE(has_rings(0));
    EXPECT_EQ(maps.activity[peer.state.id].send_ring, 0);
    EXPECT_TRUE(within_seconds([&] { return ring_maps() == 0; }));
    expect_sealed();
}

} // namespace wg::test
