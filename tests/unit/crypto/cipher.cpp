// SPDX-License-Identifier: MIT
//
// What the tests of the cipher share: see cipher.h.
#include "unit/crypto/cipher.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include <sodium.h>

namespace wg::test {

Buffer from_hex(std::string_view text)
{
    if (text.empty())
        return {};
    Buffer bytes(text.size() / 2);
    std::size_t size = 0;
    const char *end = nullptr;
    if (sodium_hex2bin(bytes.data(), bytes.size(), text.data(), text.size(), " \n", &size, &end) !=
            0 ||
        end != text.data() + text.size())
        throw std::invalid_argument("a vector is not hex");
    bytes.resize(size);
    return bytes;
}

Buffer random_bytes(std::size_t size)
{
    static const int ready = sodium_init();
    if (ready < 0)
        throw std::runtime_error("libsodium does not start");
    Buffer bytes(size);
    if (size > 0)
        randombytes_buf(bytes.data(), bytes.size());
    return bytes;
}

CipherKey random_key()
{
    CipherKey key;
    std::ranges::copy(random_bytes(key.size()), key.begin());
    return key;
}

std::array<__u32, 8> words_of(const CipherKey &key)
{
    std::array<__u32, 8> words;
    std::memcpy(words.data(), key.data(), key.size());
    return words;
}

CipherNonce nonce_of(std::uint64_t counter)
{
    CipherNonce nonce{};
    std::memcpy(nonce.data() + 4, &counter, sizeof(counter));
    return nonce;
}

chacha20_state state_of(const CipherKey &key, std::uint64_t counter)
{
    chacha20_state state;
    chacha20_init(&state, words_of(key).data(), counter);
    return state;
}

chacha20_state state_of(const CipherKey &key, const CipherNonce &nonce)
{
    chacha20_state state = state_of(key, 0);
    std::memcpy(state.words + CHACHA20_NONCE, nonce.data(), nonce.size());
    return state;
}

std::array<std::uint8_t, 64> block_of(chacha20_state state, std::uint32_t block_counter)
{
    chacha20_block block;
    std::array<std::uint8_t, sizeof(block)> bytes;
    state.words[CHACHA20_BLOCK_COUNTER] = block_counter;
    if (chacha20_generate(&block, &state) != 0)
        throw std::logic_error("chacha20_generate refused");
    std::memcpy(bytes.data(), &block, bytes.size());
    return bytes;
}

wg_slot slot_of(chacha20_state state)
{
    wg_slot slot;
    auto *to = reinterpret_cast<std::uint8_t *>(&slot);
    for (std::uint32_t block = 0; block < sizeof(slot) / sizeof(chacha20_block); block++)
        to = std::ranges::copy(block_of(state, block), to).out;
    return slot;
}

Buffer poly1305(const Buffer &one_time_key, const Buffer &message)
{
    std::array<__u32, 8> key_words;
    std::memcpy(key_words.data(), one_time_key.data(), 32);
    poly1305_key key;
    poly1305_init(&key, key_words.data());

    poly1305_sum sum{};
    const std::uint8_t *from = message.data();
    std::size_t left = message.size();
    for (; left >= AEAD_CHUNK; left -= AEAD_CHUNK, from += AEAD_CHUNK)
        poly1305_absorb_chunk(&sum, &key, from);
    for (; left >= AEAD_BLOCK; left -= AEAD_BLOCK, from += AEAD_BLOCK)
        poly1305_absorb(&sum, &key, from);
    if (left > 0) { // a short block ends in a 1 bit of its own, not in 2^128
        std::array<std::uint8_t, AEAD_BLOCK> last{};
        std::copy_n(from, left, last.begin());
        last[left] = 1;
        sum.h3 -= key.block_bit;
        poly1305_absorb(&sum, &key, last.data());
    }

    const poly1305_tag tag = poly1305_finish(&sum, key_words.data());
    Buffer bytes(WG_TAG_SIZE);
    std::memcpy(bytes.data(), &tag, bytes.size());
    return bytes;
}

Buffer tag_with_data(const wg_slot &slot, const Buffer &data, const Buffer &ciphertext)
{
    Buffer message;
    for (const Buffer *part : {&data, &ciphertext}) {
        message.insert(message.end(), part->begin(), part->end());
        message.resize((message.size() + AEAD_BLOCK - 1) / AEAD_BLOCK * AEAD_BLOCK);
    }
    for (const std::uint64_t length : {data.size(), ciphertext.size()}) {
        message.resize(message.size() + sizeof(length));
        std::memcpy(message.data() + message.size() - sizeof(length), &length, sizeof(length));
    }
    const auto *key = reinterpret_cast<const std::uint8_t *>(slot.poly_key);
    return poly1305(Buffer(key, key + sizeof(slot.poly_key)), message);
}

Buffer reference_seal(const CipherKey &key, const CipherNonce &nonce, const Buffer &plaintext)
{
    Buffer sealed(plaintext.size() + WG_TAG_SIZE);
    unsigned long long size = 0;
    crypto_aead_chacha20poly1305_ietf_encrypt(sealed.data(), &size, plaintext.data(),
                                              plaintext.size(), nullptr, 0, nullptr, nonce.data(),
                                              key.data());
    return sealed;
}

} // namespace wg::test
