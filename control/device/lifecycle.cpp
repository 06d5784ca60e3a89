// SPDX-License-Identifier: MIT
//
// What concerns all peers at once, or the whole of one: interface up and down, our own key, the end
// of a peer.
#include "device/state.h"

namespace wg {

Device::State::State(const Device &owner, Datapath &its_datapath, Random &its_random)
    : device(owner), datapath(its_datapath), random(its_random), indices(its_random),
      allowed_ips(its_datapath), rate_limiter(its_random), peers(its_random)
{
}

void Device::State::bring_up(Now now)
{
    if (up)
        return;
    up = true;
    for (Peer &peer : peers) {
        if (peer.state.persistent_keepalive != 0)
            send_keepalive(peer, now);
        else
            send_staged_packets(peer, now);
        resume(peer, now);
    }
}

void Device::State::bring_down(Now now)
{
    if (!up)
        return;
    up = false;
    times_down++;
    forget_cookies();
    for (Peer &peer : peers) {
        purge_staged_packets(peer);
        peer.timers.stop();
        wipe_keys(peer, "interface_down");
        peer.last_sent_handshake.reset();
        peer.unanswered = 0;
        datapath.acknowledge(peer.id(), ALL_EVENTS);
        settle(peer, now);
    }
}

void Device::State::wipe_keys(Now now)
{
    for (Peer &peer : peers) {
        wipe_keys(peer, "slept");
        settle(peer, now);
    }
}

void Device::State::expire_sending_keys(Now now)
{
    for (Peer &peer : peers) {
        expire_sending_keys(peer);
        settle(peer, now);
    }
}

/// With the keys goes the initiation that is under way: a copy of us has its ephemeral key, too.
void Device::State::expire_sending_keys(Peer &peer)
{
    clear_handshake(peer);
    peer.last_sent_handshake.reset();
    peer.keypairs.invalidate_sending();
    if (!peer.keypairs.empty())
        publish(peer);
}

void Device::State::set_identity(std::shared_ptr<const StaticIdentity> new_identity, Now now)
{
    const bool is_first = !identity && new_identity;

    identity = std::move(new_identity);
    cookie_checker.reset();
    forget_cookies();
    if (identity)
        cookie_checker.emplace(identity->public_key);
    for (Peer &peer : peers) {
        peer.handshake.set_identity(nullptr);
        peer.has_static_static = false;
        expire_sending_keys(peer);
        if (is_first && up)
            send_staged_packets(peer, now);
        settle(peer, now);
    }
}

void Device::State::clear_sticky_sources()
{
    for (Peer &peer : peers)
        forget_source(peer);
}

void Device::State::forget_source(Peer &peer)
{
    peer.clear_sticky_source();
    if (peer.endpoint_moved)
        publish(peer);
}

void Device::State::rename(Peer &peer, std::string name)
{
    if (!peer.name.empty())
        names.erase(peer.name);
    peer.name = std::move(name);
    if (!peer.name.empty())
        names[peer.name] = peer.id();
}

void Device::State::remove_peer(Peer &peer)
{
    const PeerId id = peer.id();

    allowed_ips.remove_by_peer(id);
    purge_staged_packets(peer);
    wipe_keys(peer, "removed");
    schedule.move(id, peer.scheduled, NEVER);
    datapath.release_peer(id);
    retire_fallen(peer); // if the peer could not be published without them: now nobody finds it
    if (peers.find(id) == &peer)
        peers.erase(peer);
    if (device.endpoint_changed)
        device.endpoint_changed(id);
}

} // namespace wg
