// SPDX-License-Identifier: MIT
#include "noise/handshake_work.h"

#include <algorithm>

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

HandshakeResult<> InitiationWork::run()
{
    message.type = htole32(WG_HANDSHAKE_INITIATION);
    symmetric = begin_handshake(remote_static);

    /* e */
    const PublicKey ephemeral = derive_public_key(ephemeral_private);
    std::copy(ephemeral.begin(), ephemeral.end(), message.ephemeral);
    mix_ephemeral(symmetric, ephemeral);
    /* es */
    if (!mix_dh(symmetric, ephemeral_private, remote_static))
        return refuse(HandshakeError::zero_shared_secret);
    /* s */
    symmetric.encrypt_and_hash(message.encrypted_static, identity->public_key);
    /* ss */
    if (!mix_precomputed_dh(symmetric, static_static))
        return refuse(HandshakeError::zero_shared_secret);
    /* {t} */
    symmetric.encrypt_and_hash(message.encrypted_timestamp, timestamp);
    return {};
}

HandshakeResult<> ResponseWork::run()
{
    message.type = htole32(WG_HANDSHAKE_RESPONSE);

    /* e */
    const PublicKey ephemeral = derive_public_key(ephemeral_private);
    std::copy(ephemeral.begin(), ephemeral.end(), message.ephemeral);
    mix_ephemeral(symmetric, ephemeral);
    /* ee */
    if (!mix_dh(symmetric, ephemeral_private, remote_ephemeral))
        return refuse(HandshakeError::zero_shared_secret);
    /* se */
    if (!mix_dh(symmetric, ephemeral_private, remote_static))
        return refuse(HandshakeError::zero_shared_secret);
    /* psk */
    symmetric.mix_key_and_hash(preshared_key.bytes());
    /* {} */
    symmetric.encrypt_and_hash(message.encrypted_nothing, {});
    return {};
}

HandshakeResult<> ConsumptionWork::run()
{
    PublicKey ephemeral;
    std::copy_n(message.ephemeral, WG_KEY_SIZE, ephemeral.begin());

    /* e */
    mix_ephemeral(symmetric, ephemeral);
    /* ee */
    if (!mix_dh(symmetric, ephemeral_private, ephemeral))
        return refuse(HandshakeError::zero_shared_secret);
    /* se */
    if (!mix_dh(symmetric, identity->private_key, ephemeral))
        return refuse(HandshakeError::zero_shared_secret);
    /* psk */
    symmetric.mix_key_and_hash(preshared_key.bytes());
    /* {} */
    if (!symmetric.decrypt_and_hash({}, message.encrypted_nothing))
        return refuse(HandshakeError::bad_response);
    return {};
}

} // namespace wg
