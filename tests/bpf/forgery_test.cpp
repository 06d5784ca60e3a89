// SPDX-License-Identifier: MIT
//
// A packet that is not authentic changes one number, the count of drops, and nothing else that
// anybody could use.
#include "bpf/bpf_fixture.h"

namespace wg::test {

namespace {

template <typename T>
Buffer image(const T &object)
{
    const Bytes bytes = bytes_of(object);
    return {bytes.begin(), bytes.end()};
}

} // namespace

class Forgery : public ReceiveTest {
  protected:
    void SetUp() override
    {
        ReceiveTest::SetUp();
        peer =
            add_peer(2, false, {.age = 170s}); // old enough for a rekey event, if it were authentic
        TestKeypair next = add_keypair(peer.state.id, {.initiator = false});
        peer.state.next = next.id;
        publish(peer);
        ASSERT_EQ(datapath->accept_counter(peer.current.id, 100, 64, *peer.state.endpoint),
                  WG_DROP_NONE);
        std::ignore = new_events();
        datapath->acknowledge(peer.state.id, ~0U);
    }

    /* Everything that an authentic packet would have changed. */
    std::vector<Buffer> state() const
    {
        return {image(keypair(peer.current.id)), image(keypair(peer.state.next)),
                image(activity(peer.state.id))};
    }

    void expect_forgery_dropped(Bytes frame, const std::string &what)
    {
        const auto before = state();
        EXPECT_EQ(receive(frame).verdict, dropped()) << what;
        EXPECT_EQ(new_drops(), (std::map<wg_drop_reason, std::uint64_t>{{WG_DROP_BAD_TAG, 1}}))
            << what;
        EXPECT_EQ(state(), before) << what;
        EXPECT_TRUE(new_events().empty()) << what;
    }

    TestPeer peer;
};
INSTANTIATE_TEST_SUITE_P(,
                         Forgery,
                         testing::Values(Hook::xdp, Hook::tc),
                         testing::PrintToStringParamName());

TEST_P(Forgery, of_any_bit_of_the_counter_leaves_no_trace)
{
    const std::uint64_t counter = 5000;
    const Buffer frame = arriving(peer, from_peer(2, false, 64), {.counter = counter});
    for (unsigned bit = 0; bit < 64; bit++) {
        Buffer forged = frame;
        forged[50 + bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
        ASSERT_LT(counter ^ 1ULL << bit, REJECT_AFTER_MESSAGES);
        expect_forgery_dropped(forged, fmt::format("counter bit {}", bit));
    }
    EXPECT_EQ(receive(frame).verdict, delivered());
}

TEST_P(Forgery, of_any_byte_of_ciphertext_or_tag_leaves_no_trace)
{
    const Buffer frame = arriving(peer, from_peer(2, false, 160), {.counter = 5000});
    for (std::size_t at = 58; at < frame.size(); at++)
        for (const unsigned change : {0x01U, 0x80U, 0xffU}) {
            Buffer forged = frame;
            forged[at] = static_cast<std::uint8_t>(forged[at] ^ change);
            expect_forgery_dropped(forged, fmt::format("byte {}", at));
        }
    EXPECT_EQ(receive(frame).verdict, delivered());
}

TEST_P(Forgery, from_elsewhere_with_a_wrong_key_leaves_no_trace)
{
    const TestKeypair wrong{.local_index = peer.current.local_index};
    const auto from = must(Endpoint::parse("203.0.113.9:9"));
    for (const std::size_t size : {0U, 1U, 15U, 16U, 17U, 63U, 64U, 65U, 1420U, 1535U})
        expect_forgery_dropped(
            arriving(peer, Buffer(size), {.counter = 5000, .keypair = &wrong, .from = from}),
            fmt::format("{} bytes", size));
}

TEST_P(Forgery, of_a_keepalive_leaves_no_trace)
{
    const Buffer frame = arriving(peer, {}, {.counter = 5000});
    for (std::size_t at = 58; at < frame.size(); at++) {
        Buffer forged = frame;
        forged[at] ^= 0x10;
        expect_forgery_dropped(forged, fmt::format("byte {}", at));
    }
    EXPECT_EQ(receive(frame).verdict, dropped());
    EXPECT_EQ(keypair(peer.current.id).replay_next, 5001);
}

TEST_P(Forgery, of_a_shorter_or_longer_packet_leaves_no_trace)
{
    const Buffer frame = arriving(peer, from_peer(2, false, 160), {.counter = 5000});
    for (const int change : {-16, -1, 1, 16}) {
        const auto udp_length = static_cast<std::uint16_t>(8 + 32 + 160 + change);
        Buffer message(frame.begin() + 42, frame.end());
        message.resize(static_cast<std::size_t>(udp_length - 8));
        const Buffer forged =
            PacketBuilder()
                .ethernet({.destination = NIC_MAC, .source = GATEWAY_MAC})
                .ip({.source = peer.state.endpoint->address, .destination = our_address(false)})
                .udp({.source_port = peer.state.endpoint->port, .destination_port = LISTEN_PORT})
                .payload(message)
                .build();
        expect_forgery_dropped(forged, fmt::format("{} bytes", change));
    }
}

} // namespace wg::test
