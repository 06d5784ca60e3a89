// SPDX-License-Identifier: MIT
//
// The Noise framework's SymmetricState, function by function.
#include "noise/symmetric_state.h"

namespace wg {
namespace {

constexpr std::uint64_t FIRST_NONCE = 0;

Bytes bytes_of_text(std::string_view text)
{
    return {reinterpret_cast<const std::uint8_t *>(text.data()), text.size()};
}

} // namespace

SymmetricState::SymmetricState(std::string_view protocol_name, Bytes prologue)
    : chaining_key_(blake2s({bytes_of_text(protocol_name)})), hash_(chaining_key_.clone())
{
    mix_hash(prologue);
}

SymmetricState SymmetricState::clone() const
{
    SymmetricState copy;
    copy.chaining_key_ = chaining_key_.clone();
    copy.hash_ = hash_.clone();
    copy.key_ = key_.clone();
    return copy;
}

void SymmetricState::mix_hash(Bytes data)
{
    hash_ = Key(blake2s({hash_.bytes(), data}));
}

void SymmetricState::mix_key(Bytes input)
{
    auto [chaining_key, key] = kdf<2>(chaining_key_, input);
    chaining_key_ = std::move(chaining_key);
    key_ = std::move(key);
}

void SymmetricState::mix_key_and_hash(Bytes input)
{
    auto [chaining_key, hash_input, key] = kdf<3>(chaining_key_, input);
    chaining_key_ = std::move(chaining_key);
    mix_hash(hash_input.bytes());
    key_ = std::move(key);
}

void SymmetricState::encrypt_and_hash(MutableBytes ciphertext, Bytes plaintext)
{
    chacha20poly1305_seal(ciphertext, plaintext, hash_.bytes(), key_, FIRST_NONCE);
    mix_hash(ciphertext);
}

bool SymmetricState::decrypt_and_hash(MutableBytes plaintext, Bytes ciphertext)
{
    if (!chacha20poly1305_open(plaintext, ciphertext, hash_.bytes(), key_, FIRST_NONCE))
        return false;
    mix_hash(ciphertext);
    return true;
}

std::array<Key, 2> SymmetricState::split() const
{
    return kdf<2>(chaining_key_, {});
}

} // namespace wg
