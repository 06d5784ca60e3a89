// SPDX-License-Identifier: MIT
//
// Story 2: every byte that wg_tx writes. The expected frame is made by the builder: its own
// checksums, libsodium's cipher.
#include <arpa/inet.h>

#include "bpf/bpf_fixture.h"
#include "noise/crypto.h"

namespace wg::test {

class WgTx : public BpfTest, public testing::WithParamInterface<Families> {
  protected:
    bool outer_v6() const { return GetParam().outer_v6; }
    bool inner_v6() const { return GetParam().inner_v6; }
    std::size_t shortest() const { return inner_v6() ? 40 : 20; }
    std::size_t outer_size() const { return outer_v6() ? 40 : 20; }
};
INSTANTIATE_TEST_SUITE_P(, WgTx, testing::ValuesIn(FAMILIES), testing::PrintToStringParamName());

TEST_P(WgTx, seals_and_wraps_an_inner_packet_of_every_length)
{
    const TestPeer peer = add_peer(2, outer_v6());
    std::uint64_t counter = 0;
    for (std::size_t size = shortest(); size <= TUNNEL_MTU; size++) {
        const Buffer inner = to_peer(2, inner_v6(), size);
        const Outcome run = send(inner);
        ASSERT_EQ(run.verdict, TC_ACT_REDIRECT) << size;
        ASSERT_EQ(run.mark, FWMARK) << size;
        ASSERT_TRUE(same_frame(run.frame, sealed(peer, inner, counter++, 0)))
            << "inner packet of " << size << " bytes";
    }
}

/* The same once more without the builder: what each field must be, by its place. */
TEST_P(WgTx, writes_every_outer_field)
{
    TestPeer peer = add_peer(2, outer_v6());
    change_keypair(peer.current.id,
                   [](wg_keypair &keypair) { keypair.tx_counter = 0x0102030405060708; });
    const Outcome run = send(to_peer(2, inner_v6(), 90, 0xb9)); // DSCP 46, ECT(1)
    const auto field = [&](std::size_t at, std::size_t size) {
        return Buffer(run.frame.begin() + static_cast<long>(at),
                      run.frame.begin() + static_cast<long>(at + size));
    };
    const std::size_t udp_size = 8 + 16 + 96 + 16;
    ASSERT_EQ(run.frame.size(), 14 + outer_size() + udp_size);
    EXPECT_EQ(field(0, 6), Buffer(GATEWAY_MAC.begin(), GATEWAY_MAC.end()));
    EXPECT_EQ(field(6, 6), Buffer(NIC_MAC.begin(), NIC_MAC.end()));
    if (outer_v6()) {
        EXPECT_EQ(field(12, 2), (Buffer{0x86, 0xdd}));
        EXPECT_EQ(field(14, 4), (Buffer{0x60, 0x10, 0, 0})); // version, ECT(1), no flow label
        EXPECT_EQ(field(18, 4), (Buffer{0, static_cast<std::uint8_t>(udp_size), 17, HOP_LIMIT}));
        EXPECT_EQ(IpAddress::v6(std::span<const std::uint8_t, 16>(&run.frame[22], 16)),
                  our_address(true));
        EXPECT_EQ(IpAddress::v6(std::span<const std::uint8_t, 16>(&run.frame[38], 16)),
                  peer.state.endpoint->address);
    } else {
        EXPECT_EQ(field(12, 2), (Buffer{0x08, 0x00}));
        EXPECT_EQ(field(14, 4), (Buffer{0x45, 0x01, 0, static_cast<std::uint8_t>(20 + udp_size)}));
        EXPECT_EQ(field(18, 4), (Buffer{0x07, 0x08, 0, 0})); // id from the counter, DF clear
        EXPECT_EQ(field(22, 2), (Buffer{HOP_LIMIT, 17}));
        EXPECT_EQ(checksum_field(add_words(field(14, 20))), 0);
        EXPECT_EQ(field(26, 8), (Buffer{192, 0, 2, 1, 198, 51, 100, 2}));
    }
    const std::size_t udp = 14 + outer_size();
    EXPECT_EQ(field(udp, 4), (Buffer{51820 >> 8, 51820 & 0xff, 40002 >> 8, 40002 & 0xff}));
    EXPECT_EQ(field(udp + 4, 2), (Buffer{0, static_cast<std::uint8_t>(udp_size)}));
    Buffer covered = field(udp - (outer_v6() ? 32 : 8), (outer_v6() ? 32 : 8) + udp_size);
    EXPECT_EQ(checksum_field(add_words(covered, 17 + static_cast<std::uint32_t>(udp_size))), 0);
    EXPECT_EQ(field(udp + 8, 4), (Buffer{4, 0, 0, 0}));
    const std::uint32_t index = peer.current.remote_index;
    EXPECT_EQ(field(udp + 12, 4), (Buffer{static_cast<std::uint8_t>(index), 0, 0,
                                          static_cast<std::uint8_t>(index >> 24)}));
    EXPECT_EQ(field(udp + 16, 8), (Buffer{8, 7, 6, 5, 4, 3, 2, 1}));
}

TEST_P(WgTx, makes_a_message_that_libsodium_opens)
{
    const TestPeer peer = add_peer(2, outer_v6());
    const Buffer inner = to_peer(2, inner_v6(), 999);
    const Outcome run = send(inner);
    const Bytes message = Bytes(run.frame).subspan(14 + outer_size() + 8);
    Buffer opened(message.size() - WG_TRANSPORT_OVERHEAD);
    ASSERT_TRUE(chacha20poly1305_open(opened, message.subspan(16), {}, peer.current.send, 0));
    Buffer wanted = inner;
    wanted.resize(1008); // zeros up to the next multiple of 16
    EXPECT_EQ(opened, wanted);
}

TEST_P(WgTx, copies_ecn_but_not_dscp_and_does_not_mark_twice)
{
    const TestPeer peer = add_peer(2, outer_v6());
    const std::uint8_t outer[] = {0, 1, 2, 2}; // not-ECT, ECT(1), ECT(0), CE → ECT(0)
    std::uint64_t counter = 0;
    for (unsigned ds = 0; ds < 256; ds++) {
        const Buffer inner = to_peer(2, inner_v6(), 60, static_cast<std::uint8_t>(ds));
        EXPECT_TRUE(same_frame(send(inner).frame, sealed(peer, inner, counter++, outer[ds & 3])))
            << "inner DS " << ds;
    }
}

TEST_P(WgTx, writes_a_udp_checksum_of_zero_as_ffff)
{
    const TestPeer peer = add_peer(2, outer_v6());
    const Buffer inner = to_peer(2, inner_v6(), 77);
    put_tunnel([](wg_tunnel &wg0) { wg0.listen_port = 0; });
    const Outcome before = send(inner);
    const std::size_t udp = 14 + outer_size();
    // the port that was zero takes what is missing in the sum; the counter must be the same again
    const auto missing =
        static_cast<std::uint16_t>(before.frame[udp + 6] << 8 | before.frame[udp + 7]);
    put_tunnel([&](wg_tunnel &wg0) { wg0.listen_port = htons(missing); });
    change_keypair(peer.current.id, [](wg_keypair &keypair) { keypair.tx_counter = 0; });
    const Outcome run = send(inner);
    EXPECT_EQ(run.frame[udp] << 8 | run.frame[udp + 1], missing);
    EXPECT_EQ(run.frame[udp + 6] << 8 | run.frame[udp + 7], 0xffff);
}

TEST_P(WgTx, sends_no_trailing_bytes_of_the_frame_it_was_given)
{
    const TestPeer peer = add_peer(2, outer_v6());
    const Buffer inner = to_peer(2, inner_v6(), 45);
    Buffer frame = inner_frame(inner, false);
    frame.resize(frame.size() + 30, 0xee); // Ethernet padding that is not zero
    const Outcome run = run_tc(program("wg_tx"), frame, {.ifindex = tunnel});
    EXPECT_TRUE(same_frame(run.frame, sealed(peer, inner, 0, 0)));
}

TEST_P(WgTx, counts_bytes_and_notes_the_time)
{
    const TestPeer peer = add_peer(2, outer_v6());
    const auto begin = to_ns(now().instant);
    for (const std::size_t size : {100U, 1420U})
        EXPECT_EQ(send(to_peer(2, inner_v6(), size)).verdict, TC_ACT_REDIRECT);
    const auto noted = activity(peer.state.id);
    EXPECT_EQ(noted.tx_bytes, (32 + 112) + (32 + 1420));
    EXPECT_EQ(noted.rx_bytes, 0);
    EXPECT_GE(noted.first_unanswered, begin);
    EXPECT_GT(noted.last_sent, noted.first_unanswered);
    EXPECT_LE(noted.last_sent, to_ns(now().instant));
    EXPECT_EQ(noted.last_received, 0);
    EXPECT_EQ(keypair(peer.current.id).tx_counter, 2);
}

TEST_P(WgTx, sends_to_the_peer_with_the_longest_prefix)
{
    const TestPeer bob = add_peer(3, outer_v6()), alice = add_peer(2, outer_v6());
    must(datapath->set_allowed_ip(tunnel, must(Prefix::parse(inner_v6() ? "::/0" : "0.0.0.0/0")),
                                  bob.state.id));
    const Buffer to_alice = to_peer(2, inner_v6(), 60), to_anyone = to_peer(77, inner_v6(), 60);
    EXPECT_TRUE(same_frame(send(to_alice).frame, sealed(alice, to_alice, 0, 0)));
    EXPECT_TRUE(same_frame(send(to_anyone).frame, sealed(bob, to_anyone, 0, 0)));
}

} // namespace wg::test
