// SPDX-License-Identifier: MIT
#include "unit/device/fake_datapath.h"

#include <algorithm>
#include <stdexcept>

namespace wg::test {

void require(bool condition, const char *what)
{
    if (!condition)
        throw std::logic_error(what);
}

Result<PeerId> FakeDatapath::allocate_peer()
{
    if (peers_.size() >= max_peers)
        return failure(ENOSPC, "peers: at most {}", max_peers);
    peers_[++last_peer_];
    return last_peer_;
}

void FakeDatapath::release_peer(PeerId peer)
{
    require(peers_.contains(peer), "a peer is released that was never allocated");
    for (const auto &[id, keypair] : keypairs_)
        require(keypair.state.peer != peer, "a peer is released before its keypairs");
    for (const auto &[prefix, owner] : allowed_ips)
        require(owner != peer, "a peer is released before its allowed IPs");
    peers_.erase(peer);
}

Result<> FakeDatapath::install_keypair(const NewKeypair &keypair)
{
    require(peers_.contains(keypair.peer), "a keypair is installed for no peer");
    require(ever_installed_.insert(keypair.id).second, "a keypair id is used twice");
    std::array<std::uint8_t, 32> send_key;
    std::ranges::copy(keypair.send_key.bytes(), send_key.begin());
    require(ever_sent_with_.insert(send_key).second, "two keypairs send with one key");
    require(indices_.try_emplace(keypair.local_index, keypair.id).second, "an index is used twice");
    NewKeypair &state = keypairs_[keypair.id].state;
    state.id = keypair.id;
    state.peer = keypair.peer;
    state.local_index = keypair.local_index;
    state.remote_index = keypair.remote_index;
    state.initiator = keypair.initiator;
    state.created_at = keypair.created_at;
    state.send_key = keypair.send_key.clone();
    state.receive_key = keypair.receive_key.clone();
    return {};
}

void FakeDatapath::retire_keypair(KeypairId keypair)
{
    require(!is_named(keypair), "a keypair is retired while a published peer names it");
    auto found = keypairs_.find(keypair);
    require(found != keypairs_.end(), "a keypair is retired that is not installed");
    indices_.erase(found->second.state.local_index);
    keypairs_.erase(found);
}

Result<> FakeDatapath::publish_peer(const PeerState &peer)
{
    require(peers_.contains(peer.id), "a peer is published that was never allocated");
    if (refuses_publication)
        return failure(ENOMEM, "peers: no memory");
    for (KeypairId id : {peer.current, peer.previous, peer.next})
        require(id == 0 || (keypairs_.contains(id) && keypairs_.at(id).state.peer == peer.id),
                "a published peer names a keypair that is not installed for it");
    peers_[peer.id].published = peer;
    ++publications;
    return {};
}

Result<> FakeDatapath::store_preshared_key(PeerId peer, const Key &key)
{
    require(peers_.contains(peer), "a preshared key for no peer");
    peers_[peer].preshared_key = key.clone();
    return {};
}

Result<> FakeDatapath::set_allowed_ip(const Prefix &prefix, PeerId peer)
{
    require(peers_.contains(peer), "an allowed IP for no peer");
    require(prefix == Prefix::of(prefix.address, prefix.length), "an allowed IP with host bits");
    if (!allowed_ips.contains(prefix) && allowed_ips.size() >= max_allowed_ips)
        return failure(ENOSPC, "allowed_ips: at most {}", max_allowed_ips);
    allowed_ips[prefix] = peer;
    return {};
}

void FakeDatapath::remove_allowed_ip(const Prefix &prefix)
{
    require(allowed_ips.erase(prefix) == 1, "an allowed IP is removed that is not there");
    removed_allowed_ips++;
}

PeerActivity FakeDatapath::activity(PeerId peer)
{
    require(peers_.contains(peer), "the activity of no peer");
    return peers_[peer].activity;
}

void FakeDatapath::acknowledge(PeerId peer, std::uint32_t bits)
{
    require(peers_.contains(peer), "an acknowledgement for no peer");
    peers_[peer].events &= ~bits;
}

std::optional<std::pair<Endpoint, Instant>> FakeDatapath::observed_endpoint(KeypairId keypair)
{
    require(keypairs_.contains(keypair), "the observed endpoint of no keypair");
    return keypairs_.at(keypair).observed;
}

void FakeDatapath::record_sent(PeerId peer, std::size_t bytes, Instant when)
{
    PeerActivity &activity = peers_.at(peer).activity;

    activity.tx_bytes += bytes;
    activity.last_sent = std::max(activity.last_sent, when);
}

void FakeDatapath::record_received(PeerId peer, std::size_t bytes, Instant when)
{
    PeerActivity &activity = peers_.at(peer).activity;

    activity.rx_bytes += bytes;
    activity.last_received = std::max(activity.last_received, when);
}

bool FakeDatapath::send_data(PeerId peer, KeypairId keypair, Bytes packet)
{
    const PeerState *state = published(peer);

    require(state && state->current == keypair && state->sending_valid,
            "data is sent with a keypair that is not the published current one");
    require(state->endpoint.has_value(), "data is sent to a peer without endpoint");
    require(age_of(keypair) < ns(REJECT_AFTER_TIME), "data is sent with a key that is too old");
    if (is_spent(keypair))
        return false;
    seal_and_send(keypairs_.at(keypair), *state->endpoint, packet);
    return true;
}

bool FakeDatapath::transmit(PeerId peer, Bytes packet)
{
    const PeerState *state = published(peer);

    if (!state || !state->endpoint || !state->sending_valid)
        return false;
    // As in bpf/encap.h: a next keypair that the peer has used is as good as current.
    const bool next_is_used = state->next != 0 && !keypairs_.at(state->next).accepted.empty();
    const KeypairId keypair = next_is_used ? state->next : state->current;
    if (keypair == 0 || age_of(keypair) >= ns(REJECT_AFTER_TIME) || is_spent(keypair))
        return false;
    seal_and_send(keypairs_.at(keypair), *state->endpoint, packet);
    return true;
}

void FakeDatapath::seal_and_send(KeypairRecord &keypair, const Endpoint &to, Bytes packet)
{
    require(keypair.may_send, "data is sent with a key that is ours no longer");
    DataMessage message{.receiver_index = keypair.state.remote_index,
                        .counter = keypair.tx_counter++,
                        .packet = Buffer(packet.begin(), packet.end())};
    std::ranges::copy(keypair.state.send_key.bytes(), message.key.begin());
    note_sent(keypair, message.counter, packet.size());
    data_sent(to, message);
}

std::optional<Buffer> FakeDatapath::receive(const DataMessage &message, const Endpoint &from)
{
    auto index = indices_.find(message.receiver_index);
    if (index == indices_.end())
        return std::nullopt;
    KeypairRecord &keypair = keypairs_.at(index->second);
    const PeerState *state = published(keypair.state.peer);
    if (!state || age_of(keypair.state.id) >= ns(REJECT_AFTER_TIME) ||
        message.counter >= REJECT_AFTER_MESSAGES ||
        !equal_constant_time(Bytes(message.key), Bytes(keypair.state.receive_key.bytes())) ||
        !keypair.accepted.insert(message.counter).second)
        return std::nullopt;

    const bool elsewhere = (state->heard ? state->heard : state->endpoint) != from;
    if (elsewhere)
        keypair.observed = {from, clock_.stamp()};
    note_received(keypair, message.packet.size());
    if (elsewhere)
        raise(keypair.state.peer, keypair.state.id, WG_EVENT_ENDPOINT);
    return message.packet;
}

void FakeDatapath::note_sent(KeypairRecord &keypair, std::uint64_t counter, std::size_t length)
{
    PeerActivity &activity = peers_.at(keypair.state.peer).activity;
    const Instant now = clock_.stamp();

    activity.tx_bytes += WG_TRANSPORT_OVERHEAD + length;
    activity.last_sent = now;
    if (length != 0) {
        if (activity.first_unanswered <= activity.last_received)
            activity.first_unanswered = now;
        raise(keypair.state.peer, keypair.state.id, WG_EVENT_SENT);
    }
    if (counter >= REKEY_AFTER_MESSAGES ||
        (keypair.state.initiator && now - keypair.state.created_at >= ns(REKEY_AFTER_TIME)))
        tell_rekey(keypair, now);
}

void FakeDatapath::note_received(KeypairRecord &keypair, std::size_t length)
{
    PeerActivity &activity = peers_.at(keypair.state.peer).activity;
    const Instant now = clock_.stamp();

    activity.rx_bytes += WG_TRANSPORT_OVERHEAD + length;
    activity.last_received = now;
    if (length != 0) {
        activity.last_data_received = now;
        if (activity.first_unacknowledged <= activity.last_sent)
            activity.first_unacknowledged = now;
        raise(keypair.state.peer, keypair.state.id, WG_EVENT_RECEIVED);
    }
    if (published(keypair.state.peer)->next == keypair.state.id)
        raise(keypair.state.peer, keypair.state.id, WG_EVENT_CONFIRMED);
    if (keypair.state.initiator &&
        now - keypair.state.created_at >= ns(REJECT_AFTER_TIME - KEEPALIVE_TIMEOUT - REKEY_TIMEOUT))
        tell_rekey(keypair, now);
}

void FakeDatapath::tell_rekey(KeypairRecord &keypair, Instant now)
{
    if (now - keypair.rekey_told < ns(REKEY_TIMEOUT))
        return;
    keypair.rekey_told = now;
    raise(keypair.state.peer, keypair.state.id, WG_EVENT_REKEY);
}

void FakeDatapath::raise(PeerId peer, KeypairId keypair, std::uint32_t bit)
{
    std::uint32_t &raised = peers_.at(peer).events;

    if (raised & bit || events.size() >= ring_size)
        return;
    raised |= bit;
    events.push_back({.peer = peer, .bits = bit, .keypair = keypair});
}

const PeerState *FakeDatapath::published(PeerId peer) const
{
    auto found = peers_.find(peer);
    return found != peers_.end() && found->second.published ? &*found->second.published : nullptr;
}

std::optional<PeerId> FakeDatapath::lookup(const IpAddress &address) const
{
    std::optional<PeerId> owner;
    int longest = -1;

    for (const auto &[prefix, peer] : allowed_ips)
        if (prefix.length > longest && prefix.contains(address)) {
            owner = peer;
            longest = prefix.length;
        }
    return owner;
}

AdoptedPeer FakeDatapath::left_behind(PeerId peer) const
{
    AdoptedPeer left;

    left.state = *published(peer);
    left.preshared_key = peers_.at(peer).preshared_key.clone();
    for (const auto &[prefix, owner] : allowed_ips)
        if (owner == peer)
            left.allowed_ips.push_back(prefix);
    for (const auto &[id, keypair] : keypairs_)
        if (keypair.state.peer == peer)
            left.keypairs.push_back({.id = id,
                                     .local_index = keypair.state.local_index,
                                     .remote_index = keypair.state.remote_index,
                                     .initiator = keypair.state.initiator,
                                     .created_at = keypair.state.created_at,
                                     .received_on = !keypair.accepted.empty()});
    return left;
}

bool FakeDatapath::is_named(KeypairId id) const
{
    return std::ranges::any_of(peers_, [id](const auto &entry) {
        const auto &state = entry.second.published;
        return state && (state->current == id || state->previous == id || state->next == id);
    });
}

} // namespace wg::test
