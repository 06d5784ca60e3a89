// SPDX-License-Identifier: MIT
//
// The primitives, by libsodium and crypto/blake2s.h.
#include "noise/crypto.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <sodium.h>

#include "crypto/blake2s.h"

namespace wg {
namespace {

constexpr std::size_t BLAKE2S_BLOCK_SIZE = WG_BLAKE2S_BLOCK_SIZE;
constexpr std::size_t KEY_SIZE = WG_KEY_SIZE;

// Without it libsodium works, but with its slowest code.
[[maybe_unused]] const bool SODIUM_READY = [] {
    if (sodium_init() >= 0)
        return true;
    std::fputs("libsodium cannot be initialised\n", stderr);
    std::abort();
}();

/// One BLAKE2s computation; wipes itself, because HMAC and the KDFs hash keys.
class Blake2s {
  public:
    Blake2s(std::size_t hash_size, Bytes key)
    {
        wg_blake2s_init(&state_, static_cast<__u32>(hash_size), key.data(),
                        static_cast<__u32>(key.size()));
    }
    Blake2s(const Blake2s &) = delete;
    Blake2s &operator=(const Blake2s &) = delete;
    ~Blake2s() { sodium_memzero(&state_, sizeof(state_)); }

    void update(Bytes data) { wg_blake2s_update(&state_, data.data(), data.size()); }
    void update(std::initializer_list<Bytes> parts)
    {
        for (const Bytes part : parts)
            update(part);
    }
    void final(std::uint8_t *hash) { wg_blake2s_final(&state_, hash); }

  private:
    wg_blake2s state_;
};

using Nonce = std::array<std::uint8_t, crypto_aead_chacha20poly1305_IETF_NPUBBYTES>;

Nonce nonce_of(std::uint64_t counter)
{
    Nonce nonce{};
    for (std::size_t i = 0; i < sizeof(counter); ++i)
        nonce[4 + i] = static_cast<std::uint8_t>(counter >> 8 * i);
    return nonce;
}

} // namespace

Key generate_private_key(Random &random)
{
    Key key;
    random.fill(key.mutable_bytes());
    clamp_private_key(key);
    return key;
}

void clamp_private_key(Key &private_key)
{
    const auto bytes = private_key.mutable_bytes();
    bytes.front() &= 0xf8;
    bytes.back() = static_cast<std::uint8_t>((bytes.back() & 0x7f) | 0x40);
}

PublicKey derive_public_key(const Key &private_key)
{
    PublicKey public_key;
    crypto_scalarmult_curve25519_base(public_key.data(), private_key.bytes().data());
    return public_key;
}

std::optional<Key> x25519(const Key &private_key, const PublicKey &public_key)
{
    Key shared;
    // libsodium refuses a result that is all zeros, in constant time.
    if (crypto_scalarmult_curve25519(shared.mutable_bytes().data(), private_key.bytes().data(),
                                     public_key.data()) != 0)
        return std::nullopt;
    return shared;
}

void chacha20poly1305_seal(MutableBytes ciphertext,
                           Bytes plaintext,
                           Bytes associated_data,
                           const Key &key,
                           std::uint64_t counter)
{
    crypto_aead_chacha20poly1305_ietf_encrypt(
        ciphertext.data(), nullptr, plaintext.data(), plaintext.size(), associated_data.data(),
        associated_data.size(), nullptr, nonce_of(counter).data(), key.bytes().data());
}

bool chacha20poly1305_open(MutableBytes plaintext,
                           Bytes ciphertext,
                           Bytes associated_data,
                           const Key &key,
                           std::uint64_t counter)
{
    return crypto_aead_chacha20poly1305_ietf_decrypt(
               plaintext.data(), nullptr, nullptr, ciphertext.data(), ciphertext.size(),
               associated_data.data(), associated_data.size(), nonce_of(counter).data(),
               key.bytes().data()) == 0;
}

void xchacha20poly1305_seal(MutableBytes ciphertext,
                            Bytes plaintext,
                            Bytes associated_data,
                            const Key &key,
                            std::span<const std::uint8_t, WG_COOKIE_NONCE_SIZE> nonce)
{
    crypto_aead_xchacha20poly1305_ietf_encrypt(
        ciphertext.data(), nullptr, plaintext.data(), plaintext.size(), associated_data.data(),
        associated_data.size(), nullptr, nonce.data(), key.bytes().data());
}

bool xchacha20poly1305_open(MutableBytes plaintext,
                            Bytes ciphertext,
                            Bytes associated_data,
                            const Key &key,
                            std::span<const std::uint8_t, WG_COOKIE_NONCE_SIZE> nonce)
{
    return crypto_aead_xchacha20poly1305_ietf_decrypt(
               plaintext.data(), nullptr, nullptr, ciphertext.data(), ciphertext.size(),
               associated_data.data(), associated_data.size(), nonce.data(),
               key.bytes().data()) == 0;
}

Hash blake2s(std::initializer_list<Bytes> parts)
{
    Hash hash;
    Blake2s state(hash.size(), {});
    state.update(parts);
    state.final(hash.data());
    return hash;
}

Mac blake2s_mac(Bytes key, std::initializer_list<Bytes> parts)
{
    Mac mac;
    Blake2s state(mac.size(), key);
    state.update(parts);
    state.final(mac.data());
    return mac;
}

Key hmac_blake2s(Bytes key, std::initializer_list<Bytes> parts)
{
    Secret<BLAKE2S_BLOCK_SIZE> pad;
    std::copy(key.begin(), key.end(), pad.mutable_bytes().begin());
    for (auto &byte : pad.mutable_bytes())
        byte ^= 0x36;

    Key inner;
    Blake2s inner_state(KEY_SIZE, {});
    inner_state.update(pad.bytes());
    inner_state.update(parts);
    inner_state.final(inner.mutable_bytes().data());

    for (auto &byte : pad.mutable_bytes())
        byte ^= 0x36 ^ 0x5c;
    Key hmac;
    Blake2s outer_state(KEY_SIZE, {});
    outer_state.update({pad.bytes(), inner.bytes()});
    outer_state.final(hmac.mutable_bytes().data());
    return hmac;
}

void kdf(std::span<Key> out, const Key &chaining_key, Bytes input)
{
    const Key secret = hmac_blake2s(chaining_key.bytes(), {input});
    Bytes previous;
    std::uint8_t counter = 1;
    for (Key &key : out) {
        key = hmac_blake2s(secret.bytes(), {previous, bytes_of(counter)});
        previous = key.bytes();
        ++counter;
    }
}

} // namespace wg
