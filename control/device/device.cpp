// SPDX-License-Identifier: MIT
#include "device/device.h"

#include "device/state.h"

namespace wg {

namespace {

constexpr auto SHARING_INTERVAL = std::chrono::milliseconds(100);

} // namespace

Device::Device(Datapath &datapath, Random &random)
    : state_(std::make_unique<State>(*this, datapath, random))
{
}

Device::~Device() = default;

Result<> Device::apply(DeviceChange change, Now now)
{
    return state_->apply(change, now);
}

Result<> Device::adopt(AdoptedPeer peer, Now now, PeerNote note)
{
    return state_->adopt(peer, std::move(note), now);
}

void Device::up(Now now)
{
    state_->bring_up(now);
}

void Device::down(Now now)
{
    state_->bring_down(now);
}

void Device::wipe_keys(Now now)
{
    state_->wipe_keys(now);
}

void Device::expire_sending_keys(Now now)
{
    state_->expire_sending_keys(now);
}

bool Device::is_up() const
{
    return state_->up;
}

const Key *Device::private_key() const
{
    return state_->identity ? &state_->identity->private_key : nullptr;
}

std::optional<PublicKey> Device::public_key() const
{
    if (!state_->identity)
        return std::nullopt;
    return state_->identity->public_key;
}

std::vector<PeerInfo> Device::peers() const
{
    std::vector<PeerInfo> infos;
    for (const Peer &peer : state_->peers)
        infos.push_back(state_->describe(peer));
    return infos;
}

std::optional<PeerInfo> Device::peer(const PublicKey &key) const
{
    if (const Peer *found = state_->peers.find(key))
        return state_->describe(*found);
    return std::nullopt;
}

std::optional<PeerId> Device::peer_id(const PublicKey &key) const
{
    if (const Peer *found = state_->peers.find(key))
        return found->id();
    return std::nullopt;
}

std::map<PublicKey, PeerNote> Device::notes() const
{
    std::map<PublicKey, PeerNote> notes;
    for (const Peer &peer : state_->peers)
        if (!peer.name.empty() || !peer.places.empty())
            notes.emplace(peer.state.public_key, PeerNote{peer.name, peer.places});
    return notes;
}

bool Device::has_places(const PublicKey &peer, const std::vector<std::string> &places) const
{
    const Peer *found = state_->peers.find(peer);
    return found && found->places == places;
}

void Device::found(const PublicKey &peer,
                   const std::vector<std::string> &places,
                   std::vector<Endpoint> candidates,
                   Now now)
{
    if (has_places(peer, places))
        state_->found(*state_->peers.find(peer), std::move(candidates), now);
}

std::optional<Endpoint> Device::endpoint_of(PeerId peer) const
{
    if (const Peer *found = state_->peers.find(peer))
        return found->state.endpoint;
    return std::nullopt;
}

void Device::lose_source(PeerId peer)
{
    Peer *found = state_->peers.find(peer);
    if (!found)
        return;
    found->lose_source();
    if (found->endpoint_moved)
        state_->publish(*found);
}

/* By our queue, or since the data plane keeps so many out of it. */
bool Device::State::is_under_load(Instant now)
{
    if (under_load.at(now))
        return true;
    if (cookies_shared_until == Instant{})
        return false;
    if (now < datapath.load_until())
        return true;
    forget_cookies();
    return false;
}

void Device::State::forget_cookies()
{
    datapath.forget_cookies();
    cookies_shared_until = {};
}

/* Not with every message: ten times a second will do. */
void Device::State::share_cookies(Now now)
{
    const Instant until = under_load.until();
    if (!cookie_checker || !under_load.at(now.instant) ||
        until - cookies_shared_until < SHARING_INTERVAL)
        return;
    cookies_shared_until = until;
    datapath.share_cookies(cookie_checker->secrets(now.instant, random), until);
}

void Device::handshakes_queued(std::size_t messages, Now now)
{
    state_->under_load.set_queued(messages, now.instant);
    state_->share_cookies(now);
}

void Device::receive(Bytes datagram, const Endpoint &from, Now now)
{
    state_->receive(datagram, from, now);
}

void Device::send(PeerId peer, Bytes packet, Now now)
{
    Peer *found = state_->peers.find(peer);

    if (!found || !state_->up) {
        state_->datapath.count_drop(found ? WG_DROP_NO_STATE : WG_DROP_NO_PEER);
        return;
    }
    state_->send(*found, packet, now);
    state_->settle(*found, now);
}

void Device::event(const wg_event &event, Now now)
{
    state_->event(event, now);
}

Instant Device::advance(Now now)
{
    return state_->advance(now);
}

Instant Device::next_deadline() const
{
    return state_->schedule.next();
}

/// What every event of a peer that we know tells.
PeerEvent Device::State::event_of(const Peer &peer, PeerEventKind kind, std::string_view reason)
{
    return {.kind = kind,
            .peer = &peer.state.public_key,
            .name = peer.name,
            .endpoint = peer.state.endpoint,
            .reason = reason};
}

void Device::State::report(const PeerEvent &event) const
{
    if (device.report)
        device.report(event);
}

PeerInfo Device::State::describe(const Peer &peer) const
{
    const PeerActivity activity = datapath.activity(peer.id());
    PeerInfo info;

    info.id = peer.id();
    info.public_key = peer.state.public_key;
    info.note = {peer.name, peer.places};
    info.preshared_key = &peer.handshake.preshared_key();
    info.endpoint = peer.state.endpoint;
    info.allowed_ips = allowed_ips.list(peer.id());
    info.last_handshake = peer.state.last_handshake;
    info.rx_bytes = activity.rx_bytes;
    info.tx_bytes = activity.tx_bytes;
    info.persistent_keepalive = peer.state.persistent_keepalive;
    info.rate_limit = peer.state.rate_limit;
    info.quota = peer.state.quota;
    info.quota_used = activity.quota_used;
    return info;
}

} // namespace wg
