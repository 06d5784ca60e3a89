// SPDX-License-Identifier: MIT
//
// The handshake, Noise_IKpsk2 (whitepaper, sections 5.4.1 to 5.4.5; the third story of
// docs/architecture.md). Pure: keys, indices, time and randomness in, messages and session keys
// out. Indices, timers, mac1 and mac2 are others'.
//
// An initiator calls   create_initiation → consume_response → begin_session,
// a responder          identify_initiator → consume_initiation → create_response → begin_session.
// Three of these steps cost X25519: each can be had in three parts, begin_…, the work's compute()
// in whatever thread, and finish_….
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "base/random.h"
#include "noise/handshake_work.h"
#include "noise/tai64n.h"

namespace wg {

/// The driver's five states.
enum class HandshakeState : std::uint8_t {
    ZEROED,
    CREATED_INITIATION,
    CONSUMED_INITIATION,
    CREATED_RESPONSE,
    CONSUMED_RESPONSE,
};

/// What a handshake leaves: both directions' keys and the indices of the session.
struct SessionKeys {
    Key send_key;
    Key receive_key;
    std::uint32_t local_index = 0;
    std::uint32_t remote_index = 0;
    bool initiator = false;
};

/// One peer's handshake. Every step that fails leaves all of it as it was.
class Handshake {
  public:
    explicit Handshake(const PublicKey &remote_static) : remote_static_(remote_static) {}

    // --- the peer's and our own long-term keys ---

    /// Precomputes static-static. Call it before any step, and again whenever our private key
    /// changes; nullptr: we have none, and every handshake fails with zero_shared_secret (as it
    /// does if the peer's key is of low order).
    void set_identity(const StaticIdentity *identity);
    /// Zeros: none. Counts from the next create_response or consume_response on.
    void set_preshared_key(const Key &key) { preshared_key_ = key.clone(); }
    const Key &preshared_key() const { return preshared_key_; }
    const PublicKey &remote_static() const { return remote_static_; }

    // --- initiator ---

    /// Begins anew, whatever state there was. `sender_index` becomes the local index. The macs are
    /// left zero. Errors: zero_shared_secret.
    HandshakeResult<wg_handshake_initiation> create_initiation(const StaticIdentity &identity,
                                                               std::uint32_t sender_index,
                                                               WallTime now,
                                                               Random &random);
    /// Errors: unexpected_response (also for an index that is not the local one),
    /// zero_shared_secret, bad_response.
    HandshakeResult<> consume_response(const wg_handshake_response &message,
                                       const StaticIdentity &identity);
    /// Leaves the state as it is, but what is under way will not be finished any more.
    InitiationWork
    begin_initiation(std::shared_ptr<const StaticIdentity> identity, WallTime now, Random &random);
    /// Errors: wrong_state (something has happened since), zero_shared_secret.
    HandshakeResult<wg_handshake_initiation> finish_initiation(InitiationWork work,
                                                               std::uint32_t sender_index);
    /// Errors: unexpected_response.
    HandshakeResult<ConsumptionWork>
    begin_consumption(const wg_handshake_response &message,
                      std::shared_ptr<const StaticIdentity> identity) const;
    /// Errors: unexpected_response (something has happened since), zero_shared_secret,
    /// bad_response.
    HandshakeResult<> finish_consumption(ConsumptionWork work);

    // --- responder ---

    /// Goes on where identify_initiator stopped; the initiator must be this peer. From any state.
    /// On success the timestamp is the latest; the local index stays what it was until
    /// create_response. Errors: zero_shared_secret, bad_timestamp, replayed_timestamp,
    /// initiation_flood.
    HandshakeResult<> consume_initiation(IdentifiedInitiation initiation, Instant now);
    /// `sender_index` becomes the local index. The macs are left zero. Errors: wrong_state,
    /// zero_shared_secret.
    HandshakeResult<wg_handshake_response> create_response(std::uint32_t sender_index,
                                                           Random &random);
    /// Errors: wrong_state.
    HandshakeResult<ResponseWork> begin_response(Random &random) const;
    /// Errors: wrong_state (something has happened since), zero_shared_secret.
    HandshakeResult<wg_handshake_response> finish_response(ResponseWork work,
                                                           std::uint32_t sender_index);

    // --- both ---

    /// After create_response or consume_response: derives the session's keys and clears the
    /// handshake. Errors: wrong_state.
    HandshakeResult<SessionKeys> begin_session();
    /// Wipes what a handshake in progress holds; the latest timestamp stays, or replays would come
    /// through.
    void clear();

    /// Both static keys are good for something.
    bool is_possible() const { return !static_static_.is_zero(); }
    HandshakeState state() const { return state_; }
    /// begin_initiation's work has not come back, and may still count.
    bool is_initiating() const { return attempt_ && initiating_.lock() == attempt_; }
    std::uint32_t local_index() const { return local_index_; }   ///< 0 when ZEROED
    std::uint32_t remote_index() const { return remote_index_; } ///< 0 when not known

    /// Of the last initiation accepted; zeros: none. Kept across sessions.
    const Timestamp &latest_timestamp() const { return latest_timestamp_; }
    /// For a daemon that takes over from another.
    void set_latest_timestamp(const Timestamp &timestamp) { latest_timestamp_ = timestamp; }

  private:
    PublicKey remote_static_;
    Key static_static_; // zeros: unusable
    Key preshared_key_;
    Timestamp latest_timestamp_{};
    std::optional<Instant> last_initiation_consumption_;

    HandshakeState state_ = HandshakeState::ZEROED;
    Attempt attempt_; // renewed whenever what is below changes; none when ZEROED
    std::weak_ptr<const std::uint8_t> initiating_; // the attempt of begin_initiation
    SymmetricState symmetric_;
    Key ephemeral_private_;
    PublicKey remote_ephemeral_{};
    std::uint32_t local_index_ = 0;
    std::uint32_t remote_index_ = 0;
};

} // namespace wg
