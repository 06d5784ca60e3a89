// SPDX-License-Identifier: MIT
//
// The public-key work of the handshake, Noise_IKpsk2 token by token:
//   <- s
//   ...
//   -> e, es, s, ss, {t}
//   <- e, ee, se, psk, {}
// Each is a value of its own that wipes itself: compute() may run in any thread, while the peer's
// Handshake goes on; whether the result still counts is for Handshake to say.
#pragma once

#include <cstdint>
#include <memory>

#include <tl/expected.hpp>

#include <wgxdp/protocol.h>

#include "base/secret.h"
#include "noise/symmetric_state.h"
#include "noise/tai64n.h"

namespace wg {

/// Why a step of the handshake was refused.
enum class HandshakeError : std::uint8_t {
    zero_shared_secret, ///< a key of low order, or no private key of our own was set
    bad_static,    ///< the initiator's static key is not authentic: damaged, or not meant for us
    bad_timestamp, ///< the timestamp is not authentic: the sender does not have that static key
    replayed_timestamp,  ///< not later than the last one accepted
    initiation_flood,    ///< sooner than INITIATION_INTERVAL after the last one accepted
    unexpected_response, ///< no initiation of ours is waiting for it
    bad_response,        ///< not authentic: damaged, or another preshared key
    wrong_state,         ///< a step of our own out of order
};
const char *handshake_error_name(HandshakeError error);

template <typename T = void>
class [[nodiscard]] HandshakeResult : public tl::expected<T, HandshakeError> {
  public:
    using tl::expected<T, HandshakeError>::expected;
};

/// A device's own static key pair.
struct StaticIdentity {
    Key private_key;
    PublicKey public_key{};

    /// Clamps the key, as the driver does.
    static StaticIdentity from(Key private_key);
};

/// An initiation of which only the first half is read: enough to look the peer up.
struct IdentifiedInitiation {
    PublicKey initiator{}; ///< the claimed static key; proven only when the timestamp opens
    PublicKey ephemeral{};
    std::uint32_t sender_index = 0;
    std::array<std::uint8_t, WG_TIMESTAMP_SIZE + WG_TAG_SIZE> encrypted_timestamp{};
    SymmetricState symmetric;
};

/// Reads an initiation up to the initiator's static key. The caller has checked type, length and
/// mac1. Costs one DH. Errors: zero_shared_secret, bad_static.
HandshakeResult<IdentifiedInitiation> identify_initiator(const wg_handshake_initiation &message,
                                                         const StaticIdentity &identity);

/// One state of a handshake, as long as somebody remembers it: no two have the same.
using Attempt = std::shared_ptr<const std::uint8_t>;

/// Until it is computed. It is not, where nobody but the work itself remembers its attempt.
inline HandshakeResult<> not_computed()
{
    return tl::unexpected(HandshakeError::wrong_state);
}

/// e, es, s, ss, {t}: two multiplications.
struct InitiationWork {
    Attempt attempt;
    PublicKey remote_static{};
    std::shared_ptr<const StaticIdentity> identity;
    Key static_static;
    Key ephemeral_private;
    Timestamp timestamp{};

    SymmetricState symmetric;
    wg_handshake_initiation message{}; ///< but for the sender's index and the macs
    HandshakeResult<> result = not_computed();

    void compute()
    {
        if (attempt.use_count() > 1)
            result = run();
    }

  private:
    HandshakeResult<> run();
};

/// The responder's e, ee, se, psk, {}: three multiplications.
struct ResponseWork {
    Attempt attempt;
    PublicKey remote_static{};
    PublicKey remote_ephemeral{};
    Key preshared_key;
    Key ephemeral_private;

    SymmetricState symmetric;        ///< in: after the initiation
    wg_handshake_response message{}; ///< but for the indices and the macs
    HandshakeResult<> result = not_computed();

    void compute()
    {
        if (attempt.use_count() > 1)
            result = run();
    }

  private:
    HandshakeResult<> run();
};

/// The initiator's e, ee, se, psk, {}: two multiplications.
struct ConsumptionWork {
    Attempt attempt;
    wg_handshake_response message{};
    std::shared_ptr<const StaticIdentity> identity;
    Key preshared_key;
    Key ephemeral_private;

    SymmetricState symmetric; ///< in: after the initiation
    HandshakeResult<> result = not_computed();

    void compute()
    {
        if (attempt.use_count() > 1)
            result = run();
    }

  private:
    HandshakeResult<> run();
};

} // namespace wg
