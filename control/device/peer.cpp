// SPDX-License-Identifier: MIT
#include "device/peer.h"

namespace wg {

Peer::Peer(PeerId id, const PublicKey &public_key, Random &random)
    : handshake(public_key), cookie_generator(public_key), timers(random)
{
    state.id = id;
    state.public_key = public_key;
}

const Keypair *Peer::usable_keypair(Instant now) const
{
    const std::optional<Keypair> &current = keypairs.current();

    if (!state.endpoint || !current || !current->sending_valid || current->has_expired(now))
        return nullptr;
    return &*current;
}

bool Peer::may_initiate(Instant now) const
{
    return !last_sent_handshake || now - *last_sent_handshake >= ns(REKEY_TIMEOUT);
}

std::size_t Peer::stage(Bytes packet)
{
    std::size_t dropped = 0;

    for (; staged.size() >= MAX_STAGED_PACKETS; ++dropped)
        staged.pop_front();
    staged.emplace_back(packet.begin(), packet.end());
    return dropped;
}

void Peer::set_endpoint(const Endpoint &endpoint, Instant when)
{
    endpoint_since = when;
    if (state.endpoint == endpoint)
        return;
    state.endpoint = endpoint;
    state.heard.reset();
    endpoint_moved = true;
}

void Peer::forget_endpoint(Instant when)
{
    endpoint_since = when;
    endpoint_moved |= state.endpoint.has_value();
    state.endpoint.reset();
    state.heard.reset();
}

void Peer::clear_sticky_source()
{
    const bool was_heard = state.heard.has_value();
    state.heard.reset();
    if (!was_heard && !has_sticky_source())
        return;
    state.endpoint->source = {};
    state.endpoint->source_ifindex = 0;
    endpoint_moved = true;
}

void Peer::lose_source()
{
    if (!has_sticky_source())
        return;
    const auto heard = state.endpoint;
    clear_sticky_source();
    state.heard = heard;
}

bool Peer::has_sticky_source() const
{
    return state.endpoint && (state.endpoint->source || state.endpoint->source_ifindex != 0);
}

void Peer::add_fallen(FallenKeypairs keypairs_out)
{
    fallen.insert(fallen.end(), keypairs_out.begin(), keypairs_out.end());
}

} // namespace wg
