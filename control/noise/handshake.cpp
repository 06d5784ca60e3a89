// SPDX-License-Identifier: MIT
//
// The state of one peer's handshake. A step that is refused changes nothing.
#include "noise/handshake.h"

#include <utility>

#include <endian.h>

namespace wg {
namespace {

auto refuse(HandshakeError error)
{
    return tl::unexpected(error);
}

Attempt new_attempt()
{
    return std::make_shared<const std::uint8_t>();
}

/// For work that is done before the caller's identity can go.
std::shared_ptr<const StaticIdentity> lent(const StaticIdentity &identity)
{
    return {std::shared_ptr<const StaticIdentity>(), &identity};
}

} // namespace

void Handshake::set_identity(const StaticIdentity *identity)
{
    auto shared = identity ? x25519(identity->private_key, remote_static_) : std::nullopt;
    static_static_ = shared ? std::move(*shared) : Key();
}

HandshakeResult<wg_handshake_initiation> Handshake::create_initiation(
    const StaticIdentity &identity, std::uint32_t sender_index, WallTime now, Random &random)
{
    InitiationWork work = begin_initiation(lent(identity), now, random);
    work.compute();
    return finish_initiation(std::move(work), sender_index);
}

InitiationWork Handshake::begin_initiation(std::shared_ptr<const StaticIdentity> identity,
                                           WallTime now,
                                           Random &random)
{
    attempt_ = new_attempt();
    initiating_ = attempt_;
    InitiationWork work;
    work.attempt = attempt_;
    work.remote_static = remote_static_;
    work.identity = std::move(identity);
    work.static_static = static_static_.clone();
    work.ephemeral_private = generate_private_key(random);
    work.timestamp = tai64n(now);
    return work;
}

HandshakeResult<wg_handshake_initiation> Handshake::finish_initiation(InitiationWork work,
                                                                      std::uint32_t sender_index)
{
    if (work.attempt != attempt_)
        return refuse(HandshakeError::wrong_state);
    initiating_.reset();
    if (!work.result)
        return refuse(work.result.error());
    state_ = HandshakeState::CREATED_INITIATION;
    attempt_ = new_attempt();
    symmetric_ = std::move(work.symmetric);
    ephemeral_private_ = std::move(work.ephemeral_private);
    local_index_ = sender_index;
    remote_index_ = 0;
    work.message.sender_index = htole32(sender_index);
    return work.message;
}

HandshakeResult<> Handshake::consume_initiation(IdentifiedInitiation initiation, Instant now)
{
    /* ss */
    if (static_static_.is_zero())
        return refuse(HandshakeError::zero_shared_secret);
    initiation.symmetric.mix_key(static_static_.bytes());
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
    attempt_ = new_attempt();
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
    auto work = begin_response(random);
    if (!work)
        return refuse(work.error());
    work->compute();
    return finish_response(*std::move(work), sender_index);
}

HandshakeResult<ResponseWork> Handshake::begin_response(Random &random) const
{
    if (state_ != HandshakeState::CONSUMED_INITIATION)
        return refuse(HandshakeError::wrong_state);
    ResponseWork work;
    work.attempt = attempt_;
    work.remote_static = remote_static_;
    work.remote_ephemeral = remote_ephemeral_;
    work.preshared_key = preshared_key_.clone();
    work.ephemeral_private = generate_private_key(random);
    work.symmetric = symmetric_.clone();
    return work;
}

HandshakeResult<wg_handshake_response> Handshake::finish_response(ResponseWork work,
                                                                  std::uint32_t sender_index)
{
    if (work.attempt != attempt_ || state_ != HandshakeState::CONSUMED_INITIATION)
        return refuse(HandshakeError::wrong_state);
    if (!work.result)
        return refuse(work.result.error());
    state_ = HandshakeState::CREATED_RESPONSE;
    attempt_ = new_attempt();
    symmetric_ = std::move(work.symmetric);
    ephemeral_private_.wipe(); // of an initiation that this one displaced
    local_index_ = sender_index;
    work.message.sender_index = htole32(sender_index);
    work.message.receiver_index = htole32(remote_index_);
    return work.message;
}

HandshakeResult<> Handshake::consume_response(const wg_handshake_response &message,
                                              const StaticIdentity &identity)
{
    auto work = begin_consumption(message, lent(identity));
    if (!work)
        return refuse(work.error());
    work->compute();
    return finish_consumption(*std::move(work));
}

HandshakeResult<ConsumptionWork>
Handshake::begin_consumption(const wg_handshake_response &message,
                             std::shared_ptr<const StaticIdentity> identity) const
{
    if (state_ != HandshakeState::CREATED_INITIATION ||
        le32toh(message.receiver_index) != local_index_)
        return refuse(HandshakeError::unexpected_response);
    ConsumptionWork work;
    work.attempt = attempt_;
    work.message = message;
    work.identity = std::move(identity);
    work.preshared_key = preshared_key_.clone();
    work.ephemeral_private = ephemeral_private_.clone();
    work.symmetric = symmetric_.clone();
    return work;
}

HandshakeResult<> Handshake::finish_consumption(ConsumptionWork work)
{
    if (work.attempt != attempt_ || state_ != HandshakeState::CREATED_INITIATION)
        return refuse(HandshakeError::unexpected_response);
    if (!work.result)
        return refuse(work.result.error());
    state_ = HandshakeState::CONSUMED_RESPONSE;
    attempt_ = new_attempt();
    symmetric_ = std::move(work.symmetric);
    remote_index_ = le32toh(work.message.sender_index);
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
    attempt_.reset();
    symmetric_ = SymmetricState();
    ephemeral_private_.wipe();
    remote_ephemeral_ = {};
    local_index_ = 0;
    remote_index_ = 0;
}

} // namespace wg
