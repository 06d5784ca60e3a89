// SPDX-License-Identifier: MIT
//
// The SymmetricState of the Noise framework (revision 34, section 5.2): the running key and hash of
// a handshake.
#pragma once

#include <array>
#include <string_view>

#include "noise/crypto.h"

namespace wg {

/// Wipes itself; moves, and is copied only by name. A default one is zeroed and good for nothing
/// but assignment.
class SymmetricState {
  public:
    SymmetricState() = default;
    /// h = ck = HASH(protocol name), then MixHash(prologue). The name is longer than a hash, as all
    /// that we use are.
    SymmetricState(std::string_view protocol_name, Bytes prologue);
    SymmetricState clone() const;

    void mix_hash(Bytes data);
    /// MixKey: what every public ephemeral key and every DH result goes through.
    void mix_key(Bytes input);
    /// MixKeyAndHash: the preshared key.
    void mix_key_and_hash(Bytes input);

    /// `ciphertext` is WG_TAG_SIZE longer than `plaintext`. In IKpsk2 each key encrypts once, so
    /// the nonce is always 0.
    void encrypt_and_hash(MutableBytes ciphertext, Bytes plaintext);
    /// False: not authentic, and the state is as it was.
    [[nodiscard]] bool decrypt_and_hash(MutableBytes plaintext, Bytes ciphertext);

    /// The initiator's sending key, then the responder's.
    std::array<Key, 2> split() const;
    /// The handshake hash, for channel binding and for tests.
    Bytes hash() const { return hash_.bytes(); }
    Bytes chaining_key() const { return chaining_key_.bytes(); }

  private:
    Key chaining_key_;
    Key hash_; // as good as public, but the driver wipes it with the rest
    Key key_;
};

} // namespace wg
