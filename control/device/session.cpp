// SPDX-License-Identifier: MIT
//
// From a handshake to published keypairs. The order is vital (rule 2 of the design): a keypair is
// installed before a published peer names it, and retired only after a peer is published that does
// not.
#include "base/encoding.h"
#include "base/log.h"
#include "device/state.h"

namespace wg {

void Device::State::learn_static_static(Peer &peer)
{
    if (peer.has_static_static)
        return;
    peer.handshake.set_identity(&*identity);
    peer.has_static_static = true;
}

void Device::State::set_handshake_index(Peer &peer, std::uint32_t index)
{
    if (peer.handshake_index)
        indices.remove(*peer.handshake_index);
    peer.handshake_index = index;
}

void Device::State::clear_handshake(Peer &peer)
{
    peer.handshake.clear();
    if (peer.handshake_index)
        indices.remove(*peer.handshake_index);
    peer.handshake_index.reset();
}

bool Device::State::begin_session(Peer &peer, Now now)
{
    auto keys = peer.handshake.begin_session();
    if (!keys)
        return false;

    const Keypair keypair{.id = datapath.allocate_keypair(),
                          .local_index = keys->local_index,
                          .remote_index = keys->remote_index,
                          .initiator = keys->initiator,
                          .created_at = now.instant};
    NewKeypair installed;
    installed.id = keypair.id;
    installed.peer = peer.id();
    installed.local_index = keypair.local_index;
    installed.remote_index = keypair.remote_index;
    installed.initiator = keypair.initiator;
    installed.created_at = keypair.created_at;
    installed.send_key = std::move(keys->send_key);
    installed.receive_key = std::move(keys->receive_key);
    if (auto result = datapath.install_keypair(installed); !result) {
        log::error("peer {}: keypair not installed: {}", to_base64(peer.state.public_key),
                   result.error().what);
        clear_handshake(peer);
        return false;
    }

    indices.hand_to_keypair(keypair.local_index);
    peer.handshake_index.reset();
    peer.add_fallen(peer.keypairs.add(keypair));
    peer.timers.session_derived(now.instant);
    return true;
}

void Device::State::handshake_complete(Peer &peer, Now now)
{
    peer.timers.handshake_complete();
    peer.unanswered = 0;
    peer.sent_lastminute_handshake = false;
    peer.state.last_handshake = now.wall;
    log::debug("peer {}: handshake complete, keypair {}", to_base64(peer.state.public_key),
               peer.keypairs.current()->id);
    report(event_of(peer, PeerEventKind::handshake_complete));
    const bool is_next = std::exchange(peer.has_session, true);
    report(event_of(peer, is_next ? PeerEventKind::key_rotated : PeerEventKind::up));
}

void Device::State::session_lost(Peer &peer, std::string_view reason)
{
    if (std::exchange(peer.has_session, false))
        report(event_of(peer, PeerEventKind::down, reason));
}

void Device::State::wipe_keys(Peer &peer, std::string_view reason)
{
    session_lost(peer, reason);
    clear_handshake(peer);
    peer.timers.keys_wiped();
    if (peer.keypairs.empty())
        return;
    peer.add_fallen(peer.keypairs.clear());
    publish(peer);
}

void Device::State::retire_fallen(Peer &peer)
{
    for (const Keypair &keypair : peer.fallen) {
        indices.remove(keypair.local_index);
        datapath.retire_keypair(keypair.id);
    }
    peer.fallen.clear();
}

Result<> Device::State::try_publish(Peer &peer)
{
    peer.keypairs.write_to(peer.state);
    WG_TRY(datapath.publish_peer(peer.state));
    retire_fallen(peer);
    return {};
}

void Device::State::publish(Peer &peer)
{
    if (auto result = try_publish(peer);
        !result) // what fell out stays until it can be retired safely
        log::error("peer {}: state not published: {}", to_base64(peer.state.public_key),
                   result.error().what);
    else
        tell_endpoint(peer);
}

void Device::State::tell_endpoint(Peer &peer)
{
    if (std::exchange(peer.endpoint_moved, false) && device.endpoint_changed)
        device.endpoint_changed(peer.id());
}

/// The peer was heard from there, or (why) is tried there.
void Device::State::move_endpoint(Peer &peer,
                                  const Endpoint &to,
                                  Instant when,
                                  std::string_view why)
{
    const auto before = peer.state.endpoint;
    peer.set_endpoint(to, when);
    if (!before || before->same_place(to))
        return;
    auto event = event_of(peer, PeerEventKind::endpoint_moved, why);
    event.previous = before;
    report(event);
}

} // namespace wg
