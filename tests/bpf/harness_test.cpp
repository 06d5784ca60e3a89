// SPDX-License-Identifier: MIT
//
// The harness can fail: the builder against bytes written by hand, the comparer with wrong
// expectations.
#include "bpf/bpf_fixture.h"
#include "noise/crypto.h"

namespace wg::test {

namespace {

using Differences = std::vector<std::string>;

Buffer datagram(bool v6, const Key &key)
{
    return PacketBuilder()
        .ethernet({.destination = NIC_MAC, .source = GATEWAY_MAC})
        .ip({.source = our_address(v6), .destination = our_address(v6)})
        .udp({.source_port = 1, .destination_port = 2})
        .transport_data({.receiver_index = 0x01020304, .counter = 5, .key = key})
        .payload(Buffer(64))
        .build();
}

} // namespace

TEST(PacketBuilder, writes_the_ipv4_header_that_rfc_1071_arithmetic_gives)
{
    // 45 00 00 73 00 00 40 00 40 11 b8 61 c0 a8 00 01 c0 a8 00 c7: the example everybody uses
    const Buffer packet = PacketBuilder()
                              .ip({.source = address("192.168.0.1"),
                                   .destination = address("192.168.0.199"),
                                   .fragment = 0x4000})
                              .payload(Buffer(0x73 - 20))
                              .build();
    const Buffer header{0x45, 0,    0,   0x73, 0, 0, 0x40, 0,   0x40, 0x11,
                        0xb8, 0x61, 192, 168,  0, 1, 192,  168, 0,    199};
    EXPECT_EQ(Buffer(packet.begin(), packet.begin() + 20), header);
}

TEST(PacketBuilder, seals_what_libsodium_opens)
{
    const Key key(std::array<std::uint8_t, 32>{1, 2, 3});
    const Buffer frame = datagram(false, key);
    Buffer opened(64, 1);
    ASSERT_TRUE(chacha20poly1305_open(opened, Bytes(frame).subspan(14 + 20 + 8 + 16), {}, key, 5));
    EXPECT_EQ(opened, Buffer(64));
}

TEST(FrameDiff, gives_every_byte_to_one_field)
{
    const Key key;
    for (const bool v6 : {false, true}) {
        const Buffer frame = datagram(v6, key);
        Buffer joined;
        for (const auto &field : dissect(frame))
            joined.insert(joined.end(), field.bytes.begin(), field.bytes.end());
        EXPECT_EQ(joined, frame);
    }
}

TEST(FrameDiff, names_the_field_of_every_single_byte_that_differs)
{
    const Key key;
    for (const bool v6 : {false, true}) {
        const Buffer expected = datagram(v6, key);
        for (std::size_t at = 0; at < expected.size(); at++) {
            Buffer actual = expected;
            actual[at] ^= 0xff;
            EXPECT_FALSE(same_frame(actual, expected)) << "byte " << at;
        }
    }
}

TEST(FrameDiff, says_in_words_what_a_wrong_expectation_expected)
{
    const Key key;
    Buffer expected = datagram(false, key), actual = expected;
    expected[22] = 63;                   // ttl
    expected[expected.size() - 20] ^= 1; // byte 60 of 64
    EXPECT_EQ(
        differences(actual, expected),
        (Differences{
            "ipv4 ttl: expected 0x3f, found 0x40",
            "encrypted packet: expected 64 bytes, found 64; the first that differs is number 60"}));
    EXPECT_EQ(differences(Bytes(actual).first(20), Bytes(actual).first(21)),
              (Differences{"payload: expected 0x4500007c000000, found 0x4500007c0000"}));
    EXPECT_EQ(differences(Bytes(actual).first(14), Bytes(actual).first(15)),
              (Differences{"payload: expected 0x45, found nothing"}));
}

/* What the other tests rest on: an expectation that is wrong in one field of wg_tx's output is
 * found. */
TEST_F(BpfTest, a_wrong_expectation_of_a_programs_output_is_found)
{
    const TestPeer peer = add_peer(2, false);
    const Buffer inner = to_peer(2, false, 100);
    const Outcome run = send(inner);
    EXPECT_TRUE(same_frame(run.frame, sealed(peer, inner, 0, 0)));
    EXPECT_FALSE(same_frame(run.frame, sealed(peer, inner, 1, 0)));
    EXPECT_FALSE(same_frame(run.frame, sealed(peer, inner, 0, 1)));
    EXPECT_FALSE(same_frame(run.frame, sealed(peer, to_peer(2, false, 101), 0, 0)));
}

TEST_F(BpfTest, a_drop_is_seen_once)
{
    std::ignore = send(to_peer(9, false, 100));
    EXPECT_EQ(new_drops(), (std::map<wg_drop_reason, std::uint64_t>{{WG_DROP_NO_PEER, 1}}));
    EXPECT_TRUE(new_drops().empty());
}

} // namespace wg::test
