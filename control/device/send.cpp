// SPDX-License-Identifier: MIT
//
// What leaves: initiations and responses, and inner packets that the data plane could not send by
// itself (its slow path, and everything that waited for a key).
#include "device/state.h"

namespace wg {

namespace {

constexpr std::uint8_t HANDSHAKE_DS = 0x88; // AF41

} // namespace

void Device::State::send(Peer &peer, Bytes packet, Now now)
{
    if (datapath.activity(peer.id()).moved) // its bell is still to be heard
        follow_endpoint(peer);
    if (!peer.state.endpoint) {
        datapath.count_drop(WG_DROP_NO_ENDPOINT);
        return;
    }
    const Keypair *keypair = peer.usable_keypair(now.instant);
    if (keypair && peer.staged.empty() && datapath.send_data(peer.id(), keypair->id, packet))
        return;
    if (std::size_t dropped = peer.stage(packet))
        datapath.count_drop(WG_DROP_STAGED_OVERFLOW, dropped);
    send_staged_packets(peer, now);
}

void Device::State::begin_handshake(Peer &peer, Now now)
{
    peer.timers.reset_attempts();
    send_initiation(peer, now);
}

void Device::State::send_initiation(Peer &peer, Now now)
{
    if (!up || !identity || !peer.state.endpoint || !peer.may_initiate(now.instant) ||
        peer.handshake.is_initiating())
        return;
    peer.last_sent_handshake = now.instant;
    learn_static_static(peer);
    if (!peer.handshake.is_possible())
        return;

    if (peer.unanswered > 0)
        initiation_unanswered(peer, now);
    peer.unanswered++;
    peer.timers.handshake_initiated(now.instant);
    hand_out(
        peer.handshake.begin_initiation(identity, now.wall, random), false,
        [this, id = peer.id()](InitiationWork work, Now then) {
            finish_initiation(id, std::move(work), then);
        },
        now);
}

void Device::State::finish_initiation(PeerId id, InitiationWork work, Now now)
{
    Peer *peer = peers.find(id);
    if (!peer)
        return;
    const std::uint32_t index = indices.insert_handshake(id);
    auto message = peer->handshake.finish_initiation(std::move(work), index);
    if (!message) {
        indices.remove(index);
        return;
    }
    set_handshake_index(*peer, index);
    if (now.instant != peer->last_sent_handshake) { // it has waited: the intervals begin here
        peer->last_sent_handshake = now.instant;
        peer->timers.handshake_initiated(now.instant);
    }
    send_message(*peer, mutable_bytes_of(*message), now);
    settle(*peer, now);
}

void Device::State::send_response(Peer &peer, Now now)
{
    peer.last_sent_handshake = now.instant;

    auto work = peer.handshake.begin_response(random);
    if (!work)
        return;
    hand_out(
        *std::move(work), true,
        [this, id = peer.id()](ResponseWork done, Now then) {
            finish_response(id, std::move(done), then);
        },
        now);
}

void Device::State::finish_response(PeerId id, ResponseWork work, Now now)
{
    Peer *peer = peers.find(id);
    if (!peer)
        return;
    const std::uint32_t index = indices.insert_handshake(id);
    auto message = peer->handshake.finish_response(std::move(work), index);
    if (!message) { // the next initiation came before this answer
        indices.remove(index);
        datapath.count_drop(WG_DROP_INITIATION_FLOOD);
        publish(*peer); // the timestamp counts all the same
        return;
    }
    set_handshake_index(*peer, index);
    peer->last_sent_handshake = now.instant;
    const bool begun = begin_session(*peer, now);
    publish(*peer); // before the response leaves: the answer to it must find its keypair
    if (begun)
        send_message(*peer, mutable_bytes_of(*message), now);
    settle(*peer, now);
}

void Device::State::send_message(Peer &peer, MutableBytes message, Now now)
{
    if (!peer.state.endpoint)
        return; // forgotten while a worker computed
    peer.cookie_generator.add_macs(message, now.instant);
    datapath.record_sent(peer.id(), message.size(), now.instant);
    const int error = datapath.send_message(*peer.state.endpoint, message, HANDSHAKE_DS);
    if (error == 0)
        return;
    auto event =
        event_of(peer, PeerEventKind::handshake_failed, wg_drop_reason_name(WG_DROP_SEND_FAILED));
    event.error = error;
    report(event);
}

void Device::State::send_keepalive(Peer &peer, Now now)
{
    if (!peer.state.endpoint)
        return;
    if (peer.staged.empty())
        peer.stage({});
    send_staged_packets(peer, now);
}

void Device::State::send_staged_packets(Peer &peer, Now now)
{
    if (const Keypair *keypair = peer.usable_keypair(now.instant)) {
        while (!peer.staged.empty() &&
               datapath.send_data(peer.id(), keypair->id, peer.staged.front()))
            peer.staged.pop_front();
        if (!peer.staged.empty()) { // the keypair is spent
            peer.keypairs.invalidate_current();
            publish(peer);
        }
    }
    if (!peer.staged.empty())
        begin_handshake(peer, now);
}

void Device::State::purge_staged_packets(Peer &peer)
{
    if (peer.staged.empty())
        return;
    datapath.count_drop(WG_DROP_STAGED_PURGED, peer.staged.size());
    peer.staged.clear();
}

} // namespace wg
