// SPDX-License-Identifier: MIT
//
// The AEAD over packet memory against RFC 8439 and libsodium: every length, extreme counters, each
// byte forged, and never a byte touched beyond the tag. Packets are exactly as long as they say:
// AddressSanitizer guards their ends.
#include <algorithm>
#include <cstring>
#include <memory>
#include <random>

#include <gtest/gtest.h>

#include "unit/crypto/cipher.h"

namespace wg::test {
namespace {

constexpr std::uint64_t COUNTERS[] = {
    0, 1, 0xffffffff, 1ULL << 32, 1ULL << 48, 1ULL << 63, REJECT_AFTER_MESSAGES - 1};

// Around every step of the code: bytes, words, blocks, chunks, the longest.
constexpr std::size_t EDGES[] = {0,    1,    7,    8,    9,    15,   16,   17,   31,   32,  33,
                                 47,   48,   49,   63,   64,   65,   79,   80,   127,  128, 129,
                                 1408, 1419, 1420, 1421, 1471, 1472, 1473, 1520, 1534, 1535};

/// One packet of one session: key, counter, the slot for it, plaintext, and what libsodium makes of
/// it.
struct Sample {
    explicit Sample(std::size_t length, std::uint64_t counter = 7)
        : key(random_key()), slot(slot_of(state_of(key, counter))), plaintext(random_bytes(length)),
          sealed(reference_seal(key, nonce_of(counter), plaintext))
    {
    }

    CipherKey key;
    wg_slot slot;
    Buffer plaintext;
    Buffer sealed;
};

/// The plaintext, decrypted in place, with the tag still behind it.
Buffer opened(const Sample &sample)
{
    Buffer packet = sample.sealed;
    std::ranges::copy(sample.plaintext, packet.begin());
    return packet;
}

aead_result run(aead_mode mode, Buffer &packet, const wg_slot &slot)
{
    const auto length = static_cast<__u32>(packet.size() - WG_TAG_SIZE);
    return aead_run(packet.data(), packet.data() + packet.size(), length, &slot, mode);
}

/* All that are not jumbo, and then every remainder of a chunk, again and again. */
std::size_t next_length(std::size_t length)
{
    return length + (length <= WG_STANDARD_PAYLOAD ? 1 : 61);
}

class EveryLength : public testing::TestWithParam<std::uint64_t> {};

TEST_P(EveryLength, seals_opens_verifies_and_decrypts_as_libsodium)
{
    for (std::size_t length = 0; length <= WG_MAX_PAYLOAD; length = next_length(length)) {
        const Sample sample(length, GetParam());

        Buffer packet = sample.plaintext;
        packet.resize(length + WG_TAG_SIZE, 0xa5);
        ASSERT_EQ(run(AEAD_SEAL, packet, sample.slot), AEAD_OK) << length;
        ASSERT_EQ(packet, sample.sealed) << length;

        ASSERT_EQ(run(AEAD_VERIFY, packet, sample.slot), AEAD_OK) << length;
        ASSERT_EQ(packet, sample.sealed) << "verify wrote, length " << length;

        ASSERT_EQ(run(AEAD_DECRYPT, packet, sample.slot), AEAD_OK) << length;
        ASSERT_EQ(packet, opened(sample)) << length;

        packet = sample.sealed;
        ASSERT_EQ(run(AEAD_OPEN, packet, sample.slot), AEAD_OK) << length;
        ASSERT_EQ(packet, opened(sample)) << length;
    }
}

INSTANTIATE_TEST_SUITE_P(Aead, EveryLength, testing::ValuesIn(COUNTERS));

TEST(Aead, named_functions_are_the_modes)
{
    const Sample sample(100);
    const __u32 length = 100;
    Buffer packet = sample.plaintext;
    packet.resize(length + WG_TAG_SIZE);
    __u8 *payload = packet.data();
    const __u8 *end = payload + packet.size();

    EXPECT_EQ(aead_seal(payload, end, length, &sample.slot), AEAD_OK);
    EXPECT_EQ(packet, sample.sealed);
    EXPECT_EQ(aead_verify(payload, end, length, &sample.slot), AEAD_OK);
    EXPECT_EQ(packet, sample.sealed);
    EXPECT_EQ(aead_decrypt(payload, end, length, &sample.slot), AEAD_OK);
    EXPECT_EQ(packet, opened(sample));
    packet = sample.sealed;
    payload = packet.data();
    EXPECT_EQ(aead_open(payload, payload + packet.size(), length, &sample.slot), AEAD_OK);
    EXPECT_EQ(packet, opened(sample));
}

TEST(Aead, refuses_a_packet_forged_in_any_byte)
{
    std::mt19937 random(1);

    for (const std::size_t length : EDGES) {
        const Sample sample(length);
        for (std::size_t at = 0; at < sample.sealed.size(); at++) {
            Buffer forged = sample.sealed;
            forged[at] ^= static_cast<std::uint8_t>(1U << random() % 8);
            const Buffer before = forged;

            ASSERT_EQ(run(AEAD_VERIFY, forged, sample.slot), AEAD_BAD_TAG) << length << " " << at;
            ASSERT_EQ(forged, before) << "verify wrote";
            ASSERT_EQ(run(AEAD_OPEN, forged, sample.slot), AEAD_BAD_TAG) << length << " " << at;
        }
    }
}

TEST(Aead, refuses_the_stream_of_another_counter_or_key)
{
    const Sample sample(200, 5);

    for (const chacha20_state &other : {state_of(sample.key, 6), state_of(random_key(), 5)}) {
        Buffer packet = sample.sealed;
        EXPECT_EQ(run(AEAD_VERIFY, packet, slot_of(other)), AEAD_BAD_TAG);
        EXPECT_EQ(run(AEAD_OPEN, packet, slot_of(other)), AEAD_BAD_TAG);
    }
}

TEST(Aead, refuses_a_true_packet_that_claims_another_length)
{
    for (const std::size_t length : EDGES) {
        if (length == 0)
            continue;
        const Sample sample(length);
        Buffer shorter(sample.sealed.begin(), sample.sealed.end() - 1);
        EXPECT_EQ(run(AEAD_VERIFY, shorter, sample.slot), AEAD_BAD_TAG) << length;
    }
}

TEST(Aead, needs_nothing_of_the_slot_but_the_key_to_verify)
{
    for (const std::size_t length : EDGES) {
        const Sample sample(length);
        wg_slot key_only{};
        Buffer packet = sample.sealed;

        std::ranges::copy(sample.slot.poly_key, key_only.poly_key);
        EXPECT_EQ(run(AEAD_VERIFY, packet, key_only), AEAD_OK) << length;
    }
}

TEST(Aead, says_so_when_the_packet_ends_early)
{
    for (const aead_mode mode : {AEAD_SEAL, AEAD_OPEN, AEAD_VERIFY, AEAD_DECRYPT}) {
        for (const std::size_t length : EDGES) {
            const Sample sample(length);
            for (std::size_t size = 0; size < sample.sealed.size(); size++) {
                const auto cut = std::make_unique<std::uint8_t[]>(size);
                std::copy_n(sample.sealed.begin(), size, cut.get());
                ASSERT_EQ(aead_run(cut.get(), cut.get() + size, static_cast<__u32>(length),
                                   &sample.slot, mode),
                          AEAD_OUT_OF_BOUNDS)
                    << mode << ", " << size << " of " << length;
            }
        }
    }
}

TEST(Aead, refuses_lengths_that_a_slot_cannot_carry_before_it_writes)
{
    const Sample sample(0);

    for (const aead_mode mode : {AEAD_SEAL, AEAD_OPEN, AEAD_VERIFY, AEAD_DECRYPT}) {
        for (const __u32 length : {WG_MAX_PAYLOAD + 1U, 9024U, 20000U, 0x80000000U, ~0U}) {
            Buffer packet(4096);
            EXPECT_EQ(
                aead_run(packet.data(), packet.data() + packet.size(), length, &sample.slot, mode),
                AEAD_OUT_OF_BOUNDS)
                << mode << " " << length;
            EXPECT_EQ(packet, Buffer(4096)) << mode << " " << length;
        }
    }
}

TEST(Aead, leaves_alone_what_lies_around_payload_and_tag)
{
    constexpr std::size_t BEFORE = 5; // odd: no alignment helps
    constexpr std::size_t AFTER = 64;

    for (const aead_mode mode : {AEAD_SEAL, AEAD_OPEN, AEAD_VERIFY, AEAD_DECRYPT}) {
        for (const std::size_t length : EDGES) {
            const Sample sample(length);
            Buffer memory(BEFORE + sample.sealed.size() + AFTER, 0xee);
            std::ranges::copy(sample.sealed, memory.begin() + BEFORE);
            aead_run(memory.data() + BEFORE, memory.data() + memory.size(),
                     static_cast<__u32>(length), &sample.slot, mode);

            const auto untouched = [](std::uint8_t byte) { return byte == 0xee; };
            EXPECT_TRUE(std::all_of(memory.begin(), memory.begin() + BEFORE, untouched));
            EXPECT_TRUE(std::all_of(memory.end() - AFTER, memory.end(), untouched))
                << mode << " " << length;
        }
    }
}

TEST(Aead, carries_rightly_where_key_and_ciphertext_are_as_large_as_they_can_be)
{
    for (const std::uint8_t byte : Buffer{0xff, 0xfb, 0x00}) {
        for (std::size_t length = 0; length <= WG_MAX_PAYLOAD; length = next_length(length)) {
            wg_slot slot{}; // no keystream: the payload is its own ciphertext
            std::memset(slot.poly_key, 0xff, sizeof(slot.poly_key));
            Buffer packet(length + WG_TAG_SIZE, byte);
            const Buffer tag = tag_with_data(slot, {}, Buffer(length, byte));

            ASSERT_EQ(run(AEAD_SEAL, packet, slot), AEAD_OK);
            ASSERT_TRUE(std::ranges::equal(Buffer(packet.end() - WG_TAG_SIZE, packet.end()), tag))
                << int{byte} << " " << length;
            ASSERT_EQ(run(AEAD_OPEN, packet, slot), AEAD_OK);
        }
    }
}

TEST(Aead, gives_ciphertext_and_tag_of_rfc_8439_2_8_2)
{
    const std::string_view text = "Ladies and Gentlemen of the class of '99: If I could offer you "
                                  "only one tip for the future, sunscreen would be it.";
    const Buffer data = from_hex("50515253c0c1c2c3c4c5c6c7");
    CipherKey key;
    CipherNonce nonce;
    std::ranges::copy(from_hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"),
                      key.begin());
    std::ranges::copy(from_hex("070000004041424344454647"), nonce.begin());
    const wg_slot slot = slot_of(state_of(key, nonce));

    Buffer packet(text.begin(), text.end());
    packet.resize(text.size() + WG_TAG_SIZE);
    ASSERT_EQ(run(AEAD_SEAL, packet, slot), AEAD_OK);
    packet.resize(text.size());

    EXPECT_EQ(packet, from_hex("d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
                               "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
                               "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
                               "3ff4def08e4b7a9de576d26586cec64b6116"));
    EXPECT_EQ(tag_with_data(slot, data, packet), from_hex("1ae10b594f09e26a7e902ecbd0600691"));
}

} // namespace
} // namespace wg::test
