// SPDX-License-Identifier: MIT
//
// The primitives of WireGuard (whitepaper, section 5.4): X25519, ChaCha20-Poly1305 and
// XChaCha20-Poly1305 by libsodium, BLAKE2s and what is built on it by the header that the BPF
// programs use too.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>

#include <wgxdp/protocol.h>

#include "base/bytes.h"
#include "base/random.h"
#include "base/secret.h"

namespace wg {

using Hash = std::array<std::uint8_t, 32>;
using Mac = std::array<std::uint8_t, WG_COOKIE_SIZE>; ///< mac1, mac2, a cookie
using CookieNonce = std::array<std::uint8_t, WG_COOKIE_NONCE_SIZE>;

// --- X25519 ---

/// A private key as wg(8) makes them: random, clamped.
Key generate_private_key(Random &random);
/// Fixes the bits that X25519 ignores, as the kernel driver does with keys it is given.
void clamp_private_key(Key &private_key);
PublicKey derive_public_key(const Key &private_key);
/// The shared secret; nothing if it is all zeros (the public key is of low order).
std::optional<Key> x25519(const Key &private_key, const PublicKey &public_key);

// --- AEAD ---
// `ciphertext` is WG_TAG_SIZE longer than the plaintext and may begin where the plaintext does. The
// sizes of the two must fit: that is the caller's contract, not the peer's. A false return means
// "not authentic"; then the output holds nothing that came from the peer.

/// ChaCha20-Poly1305 with WireGuard's nonce: 32 zero bits, then the counter, little endian.
void chacha20poly1305_seal(MutableBytes ciphertext,
                           Bytes plaintext,
                           Bytes associated_data,
                           const Key &key,
                           std::uint64_t counter);
[[nodiscard]] bool chacha20poly1305_open(MutableBytes plaintext,
                                         Bytes ciphertext,
                                         Bytes associated_data,
                                         const Key &key,
                                         std::uint64_t counter);

void xchacha20poly1305_seal(MutableBytes ciphertext,
                            Bytes plaintext,
                            Bytes associated_data,
                            const Key &key,
                            std::span<const std::uint8_t, WG_COOKIE_NONCE_SIZE> nonce);
[[nodiscard]] bool
xchacha20poly1305_open(MutableBytes plaintext,
                       Bytes ciphertext,
                       Bytes associated_data,
                       const Key &key,
                       std::span<const std::uint8_t, WG_COOKIE_NONCE_SIZE> nonce);

// --- BLAKE2s --- over the concatenation of `parts`

Hash blake2s(std::initializer_list<Bytes> parts);
/// Keyed BLAKE2s with 16 bytes of output; a key has at most 32.
Mac blake2s_mac(Bytes key, std::initializer_list<Bytes> parts);
/// HMAC-BLAKE2s (RFC 2104); a key has at most 64 bytes.
Key hmac_blake2s(Bytes key, std::initializer_list<Bytes> parts);

/// KDF1 to KDF3 of the whitepaper: HKDF with HMAC-BLAKE2s, `chaining_key` as the salt. Fills 1 to 3
/// keys, none of which may be `chaining_key` itself.
void kdf(std::span<Key> out, const Key &chaining_key, Bytes input);
template <std::size_t N>
std::array<Key, N> kdf(const Key &chaining_key, Bytes input)
{
    static_assert(N >= 1 && N <= 3);
    std::array<Key, N> out;
    kdf(out, chaining_key, input);
    return out;
}

} // namespace wg
