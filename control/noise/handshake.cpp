// SPDX-License-Identifier: MIT
//
// Noise_IKpsk2, token by token:
//   <- s
//   ...
//   -> e, es, s, ss, {t}
//   <- e, ee, se, psk, {}
// Each step works on a copy and stores it at its end, so a refusal changes nothing.
#include "noise/handshake.h"

#include <algorithm>
#include <utility>

#include <endian.h>

namespace wg {
namespace {

constexpr std::string_view CONSTRUCTION = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";
constexpr std::string_view IDENTIFIER = "WireGuard v1 zx2c4 Jason@zx2c4.com";

auto refuse(HandshakeError error)
{
    return tl::unexpected(error);
}

/// The state that both begin with: the responder's static key is known beforehand.
SymmetricState begin_handshake(const PublicKey &responder_static)
{
    static const SymmetricState initial(
        CONSTRUCTION,
        {reinterpret_cast<const std::uint8_t *>(IDENTIFIER.data()), IDENTIFIER.size()});
    SymmetricState symmetric = initial.clone();
    /* <- s */
    symmetric.mix_hash(responder_static);
    return symmetric;
}

/// The token e: in a pattern with a preshared key an ephemeral key also goes into the chaining key.
void mix_ephemeral(SymmetricState &symmetric, const PublicKey &ephemeral)
{
    symmetric.mix_hash(ephemeral);
    symmetric.mix_key(ephemeral);
}

/// The tokens es, ee and se; false if the shared secret is zero.
[[nodiscard]] bool
mix_dh(SymmetricState &symmetric, const Key &private_key, const PublicKey &public_key)
{
    const auto shared = x25519(private_key, public_key);
    if (!shared)
        return false;
    symmetric.mix_key(shared->bytes());
    return true;
}

/// The token ss.
[[nodiscard]] bool mix_precomputed_dh(SymmetricState &symmetric, const Key &static_static)
{
    if (static_static.is_zero())
        return false;
    symmetric.mix_key(static_static.bytes());
    return true;
}

} // namespace

const char *handshake_error_name(HandshakeError error)
{
    switch (error) {
    case HandshakeError::zero_shared_secret:
        return "zero_shared_secret";
    case HandshakeError::bad_static:
        return "bad_static";
    case HandshakeError::bad_timestamp:
        return "bad_timestamp";
    case HandshakeError::replayed_timestamp:
        return "replayed_timestamp";
    case HandshakeError::initiation_flood:
        return "initiation_flood";
    case HandshakeError::unexpected_response:
        return "unexpected_response";
    case HandshakeError::bad_response:
        return "bad_response";
    case HandshakeError::wrong_state:
        return "wrong_state";
    }
    return "unknown";
}

StaticIdentity StaticIdentity::from(Key private_key)
{
    clamp_private_key(private_key);
    const PublicKey public_key = derive_public_key(private_key);
    return {std::move(private_key), public_key};
}

HandshakeResult<IdentifiedInitiation> identify_initiator(const wg_handshake_initiation &message,
                                                         const StaticIdentity &identity)
{
    IdentifiedInitiation initiation;
    std::copy_n(message.ephemeral, WG_KEY_SIZE, initiation.ephemeral.begin());
    std::copy(std::begin(message.encrypted_timestamp), std::end(message.encrypted_timestamp),
              initiation.encrypted_timestamp.begin());
    initiation.sender_index = le32toh(message.sender_index);
    initiation.symmetric = begin_handshake(identity.public_key);

    /* e */
    mix_ephemeral(initiation.symmetric, initiation.ephemeral);
    /* es */
    if (!mix_dh(initiation.symmetric, identity.private_key, initiation.ephemeral))
        return refuse(HandshakeError::zero_shared_secret);
    /* s */
    if (!initiation.symmetric.decrypt_and_hash(initiation.initiator, message.encrypted_static))
        return refuse(HandshakeError::bad_static);
    return initiation;
}

void Handshake::set_identity(const StaticIdentity *identity)
{
    auto shared = identity ? x25519(identity->private_key, remote_static_) : std::nullopt;
    static_static_ = shared ? std::move(*shared) : Key();
}

HandshakeResult<wg_handshake_initiation> Handshake::create_initiation(
    const StaticIdentity &identity, std::uint32_t sender_index, WallTime now, Random &random)
{
    wg_handshake_initiation message{};
    message.type = htole32(WG_HANDSHAKE_INITIATION);
    message.sender_index = htole32(sender_index);
    SymmetricState symmetric = begin_handshake(remote_static_);

    /* e */
    Key ephemeral_private = generate_private_key(random);
    const PublicKey ephemeral = derive_public_key(ephemeral_private);
    std::copy(ephemeral.begin(), ephemeral.end(), message.ephemeral);
    mix_ephemeral(symmetric, ephemeral);
    /* es */
    if (!mix_dh(symmetric, ephemeral_private, remote_static_))
        return refuse(HandshakeError::zero_shared_secret);
    /* s */
    symmetric.encrypt_and_hash(message.encrypted_static, identity.public_key);
    /* ss */
    if (!mix_precomputed_dh(symmetric, static_static_))
        return refuse(HandshakeError::zero_shared_secret);
    /* {t} */
    symmetric.encrypt_and_hash(message.encrypted_timestamp, tai64n(now));

    state_ = HandshakeState::CREATED_INITIATION;
    symmetric_ = std::move(symmetric);
    ephemeral_private_ = std::move(ephemeral_private);
    local_index_ = sender_index;
    remote_index_ = 0;
    return message;
}

HandshakeResult<> Handshake::consume_initiation(IdentifiedInitiation initiation, Instant now)
{
    /* ss */
    if (!mix_precomputed_dh(initiation.symmetric, static_static_))
        return refuse(HandshakeError::zero_shared_secret);
    /* {t} */
    Timestamp timestamp;
    if (!initiation.symmetric.decrypt_and_hash(timestamp, initiation.encrypted_timestamp))
        return refuse(HandshakeError::bad_timestamp);
    if (timestamp <= latest_timestamp_)
        return refuse(HandshakeError::replayed_timestamp);
    if (last_initiation_consumption_ &&
        now < *last_initiation_consumption_ + ns(INITIATION_INTERVAL))
        return refuse(HandshakeError::initiation_flood);

    state_ = HandshakeState::CONSUMED_INITIATION;
    symmetric_ = std::move(initiation.symmetric);
    remote_ephemeral_ = initiation.ephemeral;
    remote_index_ = initiation.sender_index;
    latest_timestamp_ = timestamp;
    last_initiation_consumption_ = now;
    return {};
}

HandshakeResult<wg_handshake_response> Handshake::create_response(std::uint32_t sender_index,
                                                                  Random &random)
{
    if (state_ != HandshakeState::CONSUMED_INITIATION)
        return refuse(HandshakeError::wrong_state);
    wg_handshake_response message{};
    message.type = htole32(WG_HANDSHAKE_RESPONSE);
    message.sender_index = htole32(sender_index);
    message.receiver_index = htole32(remote_index_);
    SymmetricState symmetric = symmetric_.clone();

    /* e */
    Key ephemeral_private = generate_private_key(random);
    const PublicKey ephemeral = derive_public_key(ephemeral_private);
    std::copy(ephemeral.begin(), ephemeral.end(), message.ephemeral);
    mix_ephemeral(symmetric, ephemeral);
    /* ee */
    if (!mix_dh(symmetric, ephemeral_private, remote_ephemeral_))
        return refuse(HandshakeError::zero_shared_secret);
    /* se */
    if (!mix_dh(symmetric, ephemeral_private, remote_static_))
        return refuse(HandshakeError::zero_shared_secret);
    /* psk */
    symmetric.mix_key_and_hash(preshared_key_.bytes());
    /* {} */
    symmetric.encrypt_and_hash(message.encrypted_nothing, {});

    state_ = HandshakeState::CREATED_RESPONSE;
    symmetric_ = std::move(symmetric);
    ephemeral_private_.wipe(); // of an initiation that this one displaced
    local_index_ = sender_index;
    return message;
}

HandshakeResult<> Handshake::consume_response(const wg_handshake_response &message,
                                              const StaticIdentity &identity)
{
    if (state_ != HandshakeState::CREATED_INITIATION ||
        le32toh(message.receiver_index) != local_index_)
        return refuse(HandshakeError::unexpected_response);
    PublicKey ephemeral;
    std::copy_n(message.ephemeral, WG_KEY_SIZE, ephemeral.begin());
    SymmetricState symmetric = symmetric_.clone();

    /* e */
    mix_ephemeral(symmetric, ephemeral);
    /* ee */
    if (!mix_dh(symmetric, ephemeral_private_, ephemeral))
        return refuse(HandshakeError::zero_shared_secret);
    /* se */
    if (!mix_dh(symmetric, identity.private_key, ephemeral))
        return refuse(HandshakeError::zero_shared_secret);
    /* psk */
    symmetric.mix_key_and_hash(preshared_key_.bytes());
    /* {} */
    if (!symmetric.decrypt_and_hash({}, message.encrypted_nothing))
        return refuse(HandshakeError::bad_response);

    state_ = HandshakeState::CONSUMED_RESPONSE;
    symmetric_ = std::move(symmetric);
    remote_index_ = le32toh(message.sender_index);
    return {};
}

HandshakeResult<SessionKeys> Handshake::begin_session()
{
    if (state_ != HandshakeState::CREATED_RESPONSE && state_ != HandshakeState::CONSUMED_RESPONSE)
        return refuse(HandshakeError::wrong_state);
    const bool initiator = state_ == HandshakeState::CONSUMED_RESPONSE;
    auto [initiator_key, responder_key] = symmetric_.split();

    SessionKeys keys;
    keys.send_key = std::move(initiator ? initiator_key : responder_key);
    keys.receive_key = std::move(initiator ? responder_key : initiator_key);
    keys.local_index = local_index_;
    keys.remote_index = remote_index_;
    keys.initiator = initiator;
    clear();
    return keys;
}

void Handshake::clear()
{
    state_ = HandshakeState::ZEROED;
    symmetric_ = SymmetricState();
    ephemeral_private_.wipe();
    remote_ephemeral_ = {};
    local_index_ = 0;
    remote_index_ = 0;
}

} // namespace wg
