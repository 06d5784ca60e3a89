// SPDX-License-Identifier: MIT
//
// A peer that an earlier daemon left in the data plane, taken over with its sessions.
#include <algorithm>

#include "base/encoding.h"
#include "device/state.h"

namespace wg {

namespace {

/// Takes the keypair that a slot names out of those found; none if it is not there.
std::optional<Keypair> take_keypair(std::vector<AdoptedKeypair> &found, KeypairId id)
{
    auto keypair =
        std::find_if(found.begin(), found.end(), [id](const auto &each) { return each.id == id; });
    if (id == 0 || keypair == found.end())
        return std::nullopt;
    const Keypair taken{.id = keypair->id,
                        .local_index = keypair->local_index,
                        .remote_index = keypair->remote_index,
                        .initiator = keypair->initiator,
                        .created_at = keypair->created_at};
    found.erase(keypair);
    return taken;
}

bool was_received_on(const std::vector<AdoptedKeypair> &found, KeypairId id)
{
    return std::any_of(found.begin(), found.end(),
                       [id](const auto &each) { return each.id == id && each.received_on; });
}

} // namespace

Result<> Device::State::adopt(AdoptedPeer &adopted, PeerNote note, Now now)
{
    const PublicKey &public_key = adopted.state.public_key;
    if (peers.find(public_key) || peers.find(adopted.state.id))
        return failure(EEXIST, "peer {}: there already", to_base64(public_key));
    for (const AdoptedKeypair &keypair : adopted.keypairs)
        if (indices.find(keypair.local_index))
            return failure(EEXIST, "peer {}: index {} belongs to another session",
                           to_base64(public_key), keypair.local_index);

    std::list<Peer> created;
    Peer &peer = created.emplace_back(adopted.state.id, public_key, random);
    peer.state = adopted.state;
    peer.handshake.set_latest_timestamp(adopted.state.latest_timestamp);
    peer.handshake.set_preshared_key(adopted.preshared_key);
    peers.splice(std::move(created));
    if (!names.contains(note.name))
        rename(peer, std::move(note.name));
    set_places(peer, std::move(note.places));
    look_up(peer);
    for (const Prefix &prefix : adopted.allowed_ips)
        allowed_ips.adopt(prefix, peer.id());
    // What the earlier daemon did not hear is rung again by the next packet, and resume() looks.
    datapath.acknowledge(peer.id(), ALL_EVENTS);
    adopt_keypairs(peer, adopted.keypairs, now);
    resume(peer, now);
    return {};
}

void Device::State::adopt_keypairs(Peer &peer, std::vector<AdoptedKeypair> &found, Now now)
{
    const PeerState left = peer.state;
    const bool confirmed = was_received_on(found, left.next);
    Instant newest{};

    for (const AdoptedKeypair &keypair : found)
        (void)indices.insert_keypair(keypair.local_index, peer.id());
    peer.keypairs.restore(take_keypair(found, left.current), take_keypair(found, left.previous),
                          take_keypair(found, left.next));
    if (!left.sending_valid)
        peer.keypairs.invalidate_sending();
    for (const auto *slot :
         {&peer.keypairs.current(), &peer.keypairs.previous(), &peer.keypairs.next()})
        if (*slot)
            newest = std::max(newest, (*slot)->created_at);
    peer.has_session = peer.keypairs.current().has_value();
    if (!peer.keypairs.empty())
        peer.timers.session_derived(newest);
    for (const AdoptedKeypair &stray : found) // the earlier daemon died between two steps
        peer.fallen.push_back({.id = stray.id, .local_index = stray.local_index});

    peer.keypairs.write_to(peer.state);
    if (peer.keypairs.next() && confirmed)
        confirm_next(peer, now);
    else if (!peer.fallen.empty() || peer.state.current != left.current ||
             peer.state.previous != left.previous || peer.state.next != left.next)
        publish(peer);
}

void Device::State::resume(Peer &peer, Now now)
{
    if (up && !peer.keypairs.empty()) {
        look_at_sent(peer, now);
        look_at_received(peer);
    }
    settle(peer, now);
}

} // namespace wg
