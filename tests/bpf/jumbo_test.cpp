// SPDX-License-Identifier: MIT
//
// The programs that carry jumbo packets, loaded in place of the others. BPF_PROG_TEST_RUN takes
// less than a page (netns_jumbo has the rest).
#include "bpf/ring_fixture.h"

namespace wg::test {

namespace {

constexpr std::uint32_t JUMBO_MTU = 8920;
constexpr std::size_t LONGEST = 3300;

} // namespace

class Jumbo : public BpfTest, public testing::WithParamInterface<Families> {
  protected:
    static void SetUpTestSuite()
    {
        must(Sandbox::get().load());
        must(Sandbox::get().programs().load_jumbo());
    }
    static void TearDownTestSuite() { must(Sandbox::get().load()); }

    void SetUp() override
    {
        BpfTest::SetUp();
        put_tunnel([](wg_tunnel &wg0) { wg0.mtu = JUMBO_MTU; });
        peer = add_peer(2, GetParam().outer_v6);
        peer.route.mtu = 9000;
        publish(peer);
    }

    void expect_sealed(std::size_t size, std::uint64_t counter)
    {
        const Buffer inner = to_peer(2, GetParam().inner_v6, size);
        ASSERT_TRUE(same_frame(send(inner).frame, sealed(peer, inner, counter, 0, JUMBO_MTU)))
            << size << " bytes";
    }

    /* Of wg_rx_tc: XDP gets frames of less than a page here. */
    void expect_opened(std::size_t size, std::uint64_t counter)
    {
        const Buffer inner = from_peer(2, GetParam().inner_v6, size);
        const Buffer frame = arriving(peer, padded(inner, JUMBO_MTU), {.counter = counter});
        const Outcome run = run_tc(program("wg_rx_tc"), frame, {.ifindex = nic});
        ASSERT_EQ(run.verdict, TC_ACT_REDIRECT) << size << " bytes";
        ASSERT_TRUE(same_frame(run.frame, inner_frame(inner, true))) << size << " bytes";
    }

    SharedMaps maps;
    TestPeer peer;
};
INSTANTIATE_TEST_SUITE_P(, Jumbo, testing::ValuesIn(FAMILIES), testing::PrintToStringParamName());

TEST_P(Jumbo, seals_and_opens_what_is_too_long_for_the_others_and_what_is_not)
{
    std::uint64_t counter = 0;
    for (std::size_t size = 1500; size <= LONGEST; size += size < 1700 ? 1 : 7, counter++) {
        expect_sealed(size, counter);
        expect_opened(size, counter);
    }
    expect_sealed(100, counter);
    expect_opened(100, counter);
}

TEST_P(Jumbo, finds_its_keystream_ready)
{
    TestRing sending(maps, peer, WG_SEND), receiving(maps, peer, WG_RECEIVE);
    for (TestRing *ring : {&sending, &receiving}) {
        ring->learn(LONGEST + 15);
        ring->fill();
    }
    for (std::uint64_t counter = 0; counter < 800; counter++) {
        expect_sealed(LONGEST - counter, counter);
        expect_opened(LONGEST - counter, counter);
    }
    EXPECT_EQ(cipher_counts()[WG_SEALED_READY], 800);
    EXPECT_EQ(cipher_counts()[WG_OPENED_READY], 800);
}

class Growing : public BpfTest {
  protected:
    void TearDown() override
    {
        BpfTest::TearDown();
        datapath.reset();
        must(Sandbox::get().load());
    }
};

TEST_F(Growing, keeps_every_session_and_takes_the_longer_packets)
{
    TestPeer peer = add_peer(2, false);
    put_tunnel([](wg_tunnel &wg0) { wg0.mtu = JUMBO_MTU; });
    peer.route.mtu = 9000;
    publish(peer);
    const Buffer inner = to_peer(2, false, 3000);
    EXPECT_EQ(send(inner).verdict, TC_ACT_OK); // for the daemon
    EXPECT_EQ(send(to_peer(2, false, 100)).verdict, TC_ACT_REDIRECT);
    must(Sandbox::get().programs().load_jumbo());
    EXPECT_TRUE(same_frame(send(inner).frame, sealed(peer, inner, 1, 0, JUMBO_MTU)));
    EXPECT_EQ(keypair(peer.current.id).tx_counter, 2);

    SystemRandom random;
    const auto next_daemon = must(BpfPrograms::load(Sandbox::get().programs().pins(), random));
    EXPECT_TRUE(next_daemon.adopted());
    EXPECT_EQ(next_daemon.max_payload(), WG_JUMBO_PAYLOAD);
}

} // namespace wg::test
