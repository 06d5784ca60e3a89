// SPDX-License-Identifier: MIT
//
// ChaCha20 blocks against RFC 8439 and libsodium.
#include <algorithm>

#include <gtest/gtest.h>
#include <sodium.h>

#include "unit/crypto/cipher.h"

namespace wg::test {
namespace {

CipherKey key_of(std::string_view hex)
{
    CipherKey key;
    std::ranges::copy(from_hex(hex), key.begin());
    return key;
}

CipherNonce nonce_of_hex(std::string_view hex)
{
    CipherNonce nonce;
    std::ranges::copy(from_hex(hex), nonce.begin());
    return nonce;
}

Buffer block_bytes(const chacha20_state &state, std::uint32_t block_counter)
{
    const auto block = block_of(state, block_counter);
    return {block.begin(), block.end()};
}

struct BlockVector {
    const char *name;
    const char *key;
    const char *nonce;
    std::uint32_t block_counter;
    const char *block;
};

constexpr const char *ZERO_KEY = "0000000000000000000000000000000000000000000000000000000000000000";
constexpr const char *COUNTING_KEY =
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

const BlockVector BLOCK_VECTORS[] = {
    {"2.3.2", COUNTING_KEY, "000000090000004a00000000", 1,
     "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e"
     "d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e"},
    {"A.1 #1", ZERO_KEY, "000000000000000000000000", 0,
     "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"
     "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586"},
    {"A.1 #2", ZERO_KEY, "000000000000000000000000", 1,
     "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed"
     "29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f"},
    {"A.1 #3", "0000000000000000000000000000000000000000000000000000000000000001",
     "000000000000000000000000", 1,
     "3aeb5224ecf849929b9d828db1ced4dd832025e8018b8160b82284f3c949aa5a"
     "8eca00bbb4a73bdad192b5c42f73f2fd4e273644c8b36125a64addeb006c13a0"},
    {"A.1 #4", "00ff000000000000000000000000000000000000000000000000000000000000",
     "000000000000000000000000", 2,
     "72d54dfbf12ec44b362692df94137f328fea8da73990265ec1bbbea1ae9af0ca"
     "13b25aa26cb4a648cb9b9d1be65b2c0924a66c54d545ec1b7374f4872e99f096"},
    {"A.1 #5", ZERO_KEY, "000000000000000000000002", 0,
     "c2c64d378cd536374ae204b9ef933fcd1a8b2288b3dfa49672ab765b54ee27c7"
     "8a970e0e955c14f3a88e741b97c286f75f8fc299e8148362fa198a39531bed6d"},
};

TEST(ChaCha20, gives_the_blocks_of_rfc_8439)
{
    for (const BlockVector &vector : BLOCK_VECTORS) {
        const chacha20_state state = state_of(key_of(vector.key), nonce_of_hex(vector.nonce));
        EXPECT_EQ(block_bytes(state, vector.block_counter), from_hex(vector.block)) << vector.name;
    }
}

TEST(ChaCha20, encrypts_the_text_of_rfc_8439_2_4_2)
{
    const std::string_view text = "Ladies and Gentlemen of the class of '99: If I could offer you "
                                  "only one tip for the future, sunscreen would be it.";
    const chacha20_state state =
        state_of(key_of(COUNTING_KEY), nonce_of_hex("000000000000004a00000000"));
    Buffer ciphertext(text.begin(), text.end());

    for (std::size_t at = 0; at < ciphertext.size(); at++)
        ciphertext[at] ^= block_of(state, static_cast<std::uint32_t>(1 + at / 64))[at % 64];

    EXPECT_EQ(ciphertext,
              from_hex("6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c20a27afccfd9fae0b"
                       "f91b65c5524733ab8f593dabcd62b3571639d624e65152ab8f530c359f0861d8"
                       "07ca0dbf500d6a6156a38e088a22b65e52bc514d16ccf806818ce91ab7793736"
                       "5af90bbf74a35be6b40b8eedf2785e42874d"));
}

TEST(ChaCha20, block_0_of_a_counter_is_the_one_time_key_of_rfc_8439_2_6_2)
{
    const CipherKey key =
        key_of("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");
    Buffer block = block_bytes(state_of(key, 0x0706050403020100), 0);

    block.resize(32);
    EXPECT_EQ(block, from_hex("8ad5a08b905f81cc815040274ab29471a833b637e3fd0da508dbb8e2fdd1a646"));
}

TEST(ChaCha20, gives_the_stream_of_libsodium_for_any_counter)
{
    for (const std::uint64_t counter : {0ULL, 1ULL, 0xffffffffULL, 1ULL << 32, 1ULL << 48,
                                        1ULL << 63, REJECT_AFTER_MESSAGES - 1}) {
        const CipherKey key = random_key();
        const wg_slot slot = slot_of(state_of(key, counter));
        Buffer expected(sizeof(slot));
        crypto_stream_chacha20_ietf(expected.data(), expected.size(), nonce_of(counter).data(),
                                    key.data());
        const auto *bytes = reinterpret_cast<const std::uint8_t *>(&slot);
        EXPECT_EQ(Buffer(bytes, bytes + sizeof(slot)), expected) << counter;
    }
}

TEST(ChaCha20, refuses_a_missing_block_or_state)
{
    chacha20_block block;
    const chacha20_state state = state_of(random_key(), 0);

    EXPECT_NE(chacha20_generate(nullptr, &state), 0);
    EXPECT_NE(chacha20_generate(&block, nullptr), 0);
}

} // namespace
} // namespace wg::test
