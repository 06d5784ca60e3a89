// SPDX-License-Identifier: MIT
//
// What arrives at the UDP socket and is no transport data (story 3): mac1 first, then, under load,
// cookies and the rate limit, and only then any public-key work.
#include <algorithm>

#include <endian.h>

#include "device/state.h"

namespace wg {

namespace {

wg_drop_reason drop_reason(HandshakeError error)
{
    switch (error) {
    case HandshakeError::replayed_timestamp:
        return WG_DROP_REPLAYED_TIMESTAMP;
    case HandshakeError::initiation_flood:
        return WG_DROP_INITIATION_FLOOD;
    case HandshakeError::unexpected_response:
        return WG_DROP_UNEXPECTED_RESPONSE;
    default:
        return WG_DROP_BAD_HANDSHAKE;
    }
}

/// The first half of an initiation: whose is it?
struct Identification {
    wg_handshake_initiation message;
    std::shared_ptr<const StaticIdentity> identity;
    HandshakeResult<IdentifiedInitiation> result = tl::unexpected(HandshakeError::wrong_state);

    void compute() { result = identify_initiator(message, *identity); }
};

/// The exact size of a message of this type; nothing: no handshake message.
std::optional<std::size_t> size_of(std::uint32_t type)
{
    switch (type) {
    case WG_HANDSHAKE_INITIATION:
        return sizeof(wg_handshake_initiation);
    case WG_HANDSHAKE_RESPONSE:
        return sizeof(wg_handshake_response);
    case WG_COOKIE_REPLY:
        return sizeof(wg_cookie_reply);
    default:
        return std::nullopt;
    }
}

std::uint32_t load_le32(Bytes bytes)
{
    return le32toh(load<std::uint32_t>(bytes.first(sizeof(std::uint32_t))));
}

} // namespace

void Device::State::receive(Bytes datagram, const Endpoint &from, Now now)
{
    if (!up || !identity)
        return;
    const auto type = datagram.size() < sizeof(__le32) ? std::uint32_t{0} : load_le32(datagram);
    const auto size = size_of(type);
    if (!size || datagram.size() != *size) {
        datapath.count_drop(size ? WG_DROP_BAD_LENGTH : WG_DROP_BAD_TYPE);
        return;
    }
    if (type == WG_COOKIE_REPLY) {
        receive_cookie(load<wg_cookie_reply>(datagram), now);
        return;
    }
    if (!admit(datagram, from, now))
        return;
    if (type == WG_HANDSHAKE_INITIATION)
        receive_initiation(load<wg_handshake_initiation>(datagram), from, now);
    else
        receive_response(load<wg_handshake_response>(datagram), from, now);
}

bool Device::State::admit(Bytes datagram, const Endpoint &from, Now now)
{
    if (!cookie_checker->check_mac1(datagram)) {
        refuse(WG_DROP_BAD_MAC1, from);
        return false;
    }
    if (!is_under_load(now.instant))
        return true;
    if (!cookie_checker->check_mac2(datagram, from, now.instant)) {
        const std::uint32_t sender_index = load_le32(datagram.subspan(4));
        const auto reply =
            cookie_checker->create_reply(datagram, sender_index, from, now.instant, random);
        const Bytes mac2 = datagram.last(WG_COOKIE_SIZE);
        const bool has_mac2 =
            std::any_of(mac2.begin(), mac2.end(), [](auto byte) { return byte != 0; });

        if (has_mac2)
            refuse(WG_DROP_BAD_MAC2, from);
        else // as the protocol has it: the cookie is its second chance
            datapath.count_drop(WG_DROP_UNDER_LOAD);
        (void)datapath.send_message(from, bytes_of(reply), 0);
        return false;
    }
    if (!rate_limiter.allow(from.address, now.instant)) {
        refuse(WG_DROP_RATE_LIMITED, from);
        return false;
    }
    return true;
}

void Device::State::refuse(wg_drop_reason reason, const Endpoint &from, const PublicKey *key)
{
    datapath.count_drop(reason);
    if (!device.report)
        return;
    const Peer *known = key != nullptr ? peers.find(*key) : nullptr;
    report({.kind = PeerEventKind::handshake_failed,
            .peer = key,
            .name = known ? std::string_view(known->name) : std::string_view(),
            .endpoint = from,
            .reason = wg_drop_reason_name(reason),
            .received = true});
}

void Device::State::receive_initiation(const wg_handshake_initiation &message,
                                       const Endpoint &from,
                                       Now now)
{
    hand_out(
        Identification{.message = message, .identity = identity, .result = {}}, true,
        [this, from, since = times_down](Identification work, Now then) {
            if (!up || times_down != since || identity != work.identity)
                return; // it was for somebody else
            if (!work.result)
                refuse(drop_reason(work.result.error()), from);
            else
                consume_initiation(*std::move(work.result), from, then);
        },
        now);
}

void Device::State::consume_initiation(IdentifiedInitiation initiation,
                                       const Endpoint &from,
                                       Now now)
{
    Peer *peer = peers.find(initiation.initiator);
    if (!peer) {
        refuse(WG_DROP_UNKNOWN_PEER, from, &initiation.initiator);
        return;
    }
    learn_static_static(*peer);
    if (auto result = peer->handshake.consume_initiation(std::move(initiation), now.instant);
        !result) {
        refuse(drop_reason(result.error()), from, &peer->state.public_key);
        return;
    }

    peer->state.latest_timestamp = peer->handshake.latest_timestamp();
    move_endpoint(*peer, from, now.instant);
    datapath.record_received(peer->id(), sizeof(wg_handshake_initiation), now.instant);
    send_response(*peer, now);
    settle(*peer, now);
}

void Device::State::receive_response(const wg_handshake_response &message,
                                     const Endpoint &from,
                                     Now now)
{
    const auto id = indices.find_handshake(load_le32(bytes_of(message.receiver_index)));
    Peer *peer = id ? peers.find(*id) : nullptr;
    if (!peer) {
        refuse(WG_DROP_UNEXPECTED_RESPONSE, from);
        return;
    }
    auto work = peer->handshake.begin_consumption(message, identity);
    if (!work) {
        refuse(drop_reason(work.error()), from, &peer->state.public_key);
        return;
    }
    hand_out(
        *std::move(work), true,
        [this, id = *id, from](ConsumptionWork done, Now then) {
            consume_response(id, std::move(done), from, then);
        },
        now);
}

void Device::State::consume_response(PeerId id, ConsumptionWork work, const Endpoint &from, Now now)
{
    Peer *peer = peers.find(id);
    if (!peer) {
        refuse(WG_DROP_UNEXPECTED_RESPONSE, from);
        return;
    }
    if (auto result = peer->handshake.finish_consumption(std::move(work)); !result) {
        refuse(drop_reason(result.error()), from, &peer->state.public_key);
        return;
    }

    move_endpoint(*peer, from, now.instant);
    datapath.record_received(peer->id(), sizeof(wg_handshake_response), now.instant);
    const bool begun = begin_session(*peer, now);
    if (begun)
        handshake_complete(*peer, now);
    publish(*peer);
    if (begun)
        send_keepalive(
            *peer, now); // or what is staged: the responder waits for a packet to confirm the key
    settle(*peer, now);
}

void Device::State::receive_cookie(const wg_cookie_reply &reply, Now now)
{
    const auto id = indices.find(load_le32(bytes_of(reply.receiver_index)));
    Peer *peer = id ? peers.find(*id) : nullptr;
    // Nothing else follows from a cookie: no roaming, and the next try waits for its timer.
    if (!peer || !peer->cookie_generator.consume_reply(reply, now.instant))
        datapath.count_drop(WG_DROP_BAD_COOKIE);
}

} // namespace wg
