// SPDX-License-Identifier: MIT
//
// What the tests of the cipher share: vectors as text, slots made by our own ChaCha20, and tags by
// our own Poly1305.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "crypto/aead.h"
#include "crypto/chacha20.h"

namespace wg::test {

using Buffer = std::vector<std::uint8_t>;
using CipherKey = std::array<std::uint8_t, 32>;
using CipherNonce = std::array<std::uint8_t, 12>;

/// Bytes of hex digits; spaces and line breaks between bytes do not count.
Buffer from_hex(std::string_view text);

/// Initialises libsodium, too.
Buffer random_bytes(std::size_t size);
CipherKey random_key();

std::array<__u32, 8> words_of(const CipherKey &key);

/// WireGuard's nonce.
CipherNonce nonce_of(std::uint64_t counter);

chacha20_state state_of(const CipherKey &key, std::uint64_t counter);

/// With a nonce whose first four bytes need not be zero, as the vectors of others have it.
chacha20_state state_of(const CipherKey &key, const CipherNonce &nonce);

std::array<std::uint8_t, 64> block_of(chacha20_state state, std::uint32_t block_counter);

/// All of a slot: the blocks 0 to 24 of the stream.
wg_slot slot_of(chacha20_state state);

/// Poly1305 over a message of any length.
Buffer poly1305(const Buffer &one_time_key, const Buffer &message);

/// The tag of RFC 8439, section 2.8, with associated data, which the AEAD over packets has not.
Buffer tag_with_data(const wg_slot &slot, const Buffer &data, const Buffer &ciphertext);

/// The answer of libsodium: ciphertext and tag.
Buffer reference_seal(const CipherKey &key, const CipherNonce &nonce, const Buffer &plaintext);

} // namespace wg::test
