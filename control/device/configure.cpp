// SPDX-License-Identifier: MIT
//
// A request on its way into the device (story 5). All that can be refused is done first and can be
// undone; what follows cannot fail.
#include <algorithm>
#include <span>

#include "base/encoding.h"
#include "device/rollback.h"
#include "device/state.h"

namespace wg {

namespace {

Result<> check(const DeviceChange &change)
{
    for (const PeerChange &peer : change.peers) {
        if (peer.endpoint && (!peer.endpoint->address || peer.endpoint->port == 0))
            return failure(EINVAL, "peer {}: endpoint: expected an address and a port",
                           to_base64(peer.public_key));
        for (const AllowedIpChange &allowed_ip : peer.allowed_ips) {
            const Prefix &prefix = allowed_ip.prefix;
            if (!prefix.address || prefix.length > prefix.address.bits())
                return failure(EINVAL,
                               "peer {}: allowed_ips: expected an address and at most its bits",
                               to_base64(peer.public_key));
        }
    }
    return {};
}

} // namespace

class Device::State::Request {
  public:
    Request(State &state, DeviceChange &change, Now now) : state_(state), change_(change), now_(now)
    {
    }

    /// Everything that may be refused. Without commit(), the destructor undoes it.
    Result<> prepare();
    void commit();

  private:
    struct Step {
        Peer *peer;
        bool starts_keepalive;
        bool has_new_places;
        std::optional<std::uint64_t> quota_used;
    };

    void prepare_identity();
    Peer *find(const PublicKey &key) const;
    Result<Peer *> create(const PublicKey &key);
    Result<> prepare_peer(PeerChange &change);
    Result<> find_by_name(PeerChange &change) const;
    void doom(Peer &peer);
    Result<> set_name(Peer &peer, const PeerChange &change);
    bool is_given_up_after(const PeerChange &change, const PublicKey &owner) const;
    Result<> set_preshared_key(Peer &peer, const Key &key);
    Result<> set_allowed_ips(Peer &peer, const PeerChange &change);
    void remove_obsolete();
    Result<> insert_allowed_ip(Peer &peer, const Prefix &prefix);
    [[nodiscard]] bool set_places(Peer &peer, PeerChange &change);
    Result<> set_published(Peer &peer, const PeerChange &change);
    bool is_created(const Peer &peer) const { return state_.peers.find(peer.id()) != &peer; }

    State &state_;
    DeviceChange &change_;
    const Now now_;
    bool changes_identity_ = false;
    std::shared_ptr<const StaticIdentity> identity_;
    std::list<Peer> created_;
    std::map<PublicKey, Peer *> selected_; // what a key means by now; nullptr: nobody any more
    std::set<Peer *> doomed_;
    std::set<std::pair<Prefix, PeerId>> obsolete_;
    std::vector<Step> steps_;
    Rollback rollback_; // last: runs while the peers still exist
};

Result<> Device::State::Request::prepare()
{
    WG_TRY(check(change_));
    if (change_.replace_peers)
        for (Peer &peer : state_.peers)
            doom(peer);
    prepare_identity();
    for (PeerChange &peer : change_.peers)
        WG_TRY(prepare_peer(peer));
    remove_obsolete();
    return {};
}

void Device::State::Request::prepare_identity()
{
    if (!change_.private_key)
        return;
    if (!change_.private_key->is_zero())
        identity_ = std::make_shared<const StaticIdentity>(
            StaticIdentity::from(std::move(*change_.private_key)));
    const auto &old = state_.identity;
    changes_identity_ = identity_ && old
                            ? !equal_constant_time(identity_->private_key, old->private_key)
                            : identity_ != old;
    if (!changes_identity_ || !identity_)
        return;
    if (Peer *ourselves = find(identity_->public_key)) {
        doom(*ourselves);
        selected_[identity_->public_key] = nullptr;
    }
}

Peer *Device::State::Request::find(const PublicKey &key) const
{
    if (auto found = selected_.find(key); found != selected_.end())
        return found->second;
    return change_.replace_peers ? nullptr : state_.peers.find(key);
}

Result<Peer *> Device::State::Request::create(const PublicKey &key)
{
    const PeerId id = WG_TRY(state_.datapath.allocate_peer());
    rollback_.add([this, id] { state_.datapath.release_peer(id); });
    Peer *peer = &created_.emplace_back(id, key, state_.random);
    selected_[key] = peer;
    return peer;
}

/// From here on it is the peer of that key that is meant.
Result<> Device::State::Request::find_by_name(PeerChange &change) const
{
    const auto found = state_.names.find(*change.name);
    const Peer *peer = found == state_.names.end() ? nullptr : state_.peers.find(found->second);
    if (!peer)
        return failure(ENOENT, "name: there is no peer \"{}\"", *change.name);
    change.public_key = peer->state.public_key;
    change.name.reset();
    return {};
}

/// Its name is free at once: another peer of the same request may have it.
void Device::State::Request::doom(Peer &peer)
{
    doomed_.insert(&peer);
    if (const auto named = state_.names.extract(peer.name))
        rollback_.add([this, &peer] { state_.names[peer.name] = peer.id(); });
}

/// Is its owner called otherwise, or removed, further on in this request?
bool Device::State::Request::is_given_up_after(const PeerChange &change,
                                               const PublicKey &owner) const
{
    const std::span all(change_.peers);
    const auto index = static_cast<std::size_t>(&change - all.data());
    return std::ranges::any_of(all.subspan(index + 1), [&](const PeerChange &later) {
        return !later.by_name && later.public_key == owner &&
               (later.remove || later.name.value_or(*change.name) != *change.name);
    });
}

/* Peers that swap their names have to give them up first. */
Result<> Device::State::Request::set_name(Peer &peer, const PeerChange &change)
{
    const auto rename = [this](Peer &whom, const std::string &name) {
        rollback_.add([this, &whom, old = whom.name] { state_.rename(whom, old); });
        state_.rename(whom, name);
    };
    if (const auto named = state_.names.find(*change.name);
        named != state_.names.end() && named->second != peer.id()) {
        Peer *owner = state_.peers.find(named->second);
        if (!owner || !is_given_up_after(change, owner->state.public_key))
            return failure(EEXIST, "peer {}: name: another peer is called \"{}\" already",
                           to_base64(peer.state.public_key), *change.name);
        rename(*owner, "");
    }
    rename(peer, *change.name);
    return {};
}

Result<> Device::State::Request::prepare_peer(PeerChange &change)
{
    if (change.by_name)
        WG_TRY(find_by_name(change));
    const auto &own = changes_identity_ ? identity_ : state_.identity;
    Peer *peer = find(change.public_key);

    if (!peer) {
        // A tunnel that lists itself is silently none the wiser: one list of peers serves all of
        // them.
        if (change.remove || change.update_only || (own && own->public_key == change.public_key))
            return {};
        peer = WG_TRY(create(change.public_key));
    }
    if (change.remove) {
        doom(*peer);
        selected_[change.public_key] = nullptr;
        return {};
    }
    if (change.name)
        WG_TRY(set_name(*peer, change));
    const std::uint16_t old_interval = peer->state.persistent_keepalive;
    if (change.preshared_key)
        WG_TRY(set_preshared_key(*peer, *change.preshared_key));
    const bool has_new_places = set_places(*peer, change);
    WG_TRY(set_published(*peer, change));
    WG_TRY(set_allowed_ips(*peer, change));
    steps_.push_back({peer, old_interval == 0 && peer->state.persistent_keepalive != 0,
                      has_new_places, change.quota_used});
    return {};
}

Result<> Device::State::Request::set_preshared_key(Peer &peer, const Key &key)
{
    const auto old = std::make_shared<const Key>(peer.handshake.preshared_key().clone());

    WG_TRY(state_.datapath.store_preshared_key(peer.id(), key));
    peer.handshake.set_preshared_key(key);
    rollback_.add([this, &peer, old] {
        peer.handshake.set_preshared_key(*old);
        (void)state_.datapath.store_preshared_key(peer.id(), *old);
    });
    return {};
}

/// Those that it has already change nothing: where it has roamed to it stays.
bool Device::State::Request::set_places(Peer &peer, PeerChange &change)
{
    if ((change.endpoint || change.forget_endpoint) && !change.places)
        change.places.emplace();
    if (!change.places || *change.places == peer.places)
        return false;
    rollback_.add([this, &peer, old = peer.places] { state_.set_places(peer, old); });
    state_.set_places(peer, *std::move(change.places));
    if (!change.endpoint && !peer.candidates.empty())
        change.endpoint = peer.candidates.front();
    return true;
}

Result<> Device::State::Request::set_published(Peer &peer, const PeerChange &change)
{
    const PeerState old = peer.state;
    const Instant since = peer.endpoint_since;
    const bool is_new = is_created(peer);

    if (change.endpoint)
        peer.set_endpoint(*change.endpoint, now_.instant);
    else if (change.forget_endpoint)
        peer.forget_endpoint(now_.instant);
    if (change.persistent_keepalive)
        peer.state.persistent_keepalive = *change.persistent_keepalive;
    peer.state.rate_limit = change.rate_limit.value_or(old.rate_limit);
    peer.state.quota = change.quota.value_or(old.quota);
    if (!is_new && !peer.endpoint_moved &&
        peer.state.persistent_keepalive == old.persistent_keepalive &&
        peer.state.rate_limit == old.rate_limit && peer.state.quota == old.quota)
        return {};
    rollback_.add([this, &peer, old, since, is_new] {
        peer.state = old;
        peer.endpoint_since = since;
        peer.endpoint_moved = !is_new; // back again: its route must be found anew
        if (!is_new)
            state_.publish(peer);
    });
    return state_.try_publish(peer);
}

Result<> Device::State::Request::set_allowed_ips(Peer &peer, const PeerChange &change)
{
    if (change.replace_allowed_ips)
        for (const Prefix &prefix : state_.allowed_ips.list(peer.id()))
            obsolete_.emplace(prefix, peer.id());
    for (const AllowedIpChange &each : change.allowed_ips) {
        const Prefix prefix = Prefix::of(each.prefix.address, each.prefix.length);
        if (each.remove) {
            obsolete_.emplace(prefix, peer.id());
            continue;
        }
        WG_TRY(insert_allowed_ip(peer, prefix));
        obsolete_.erase({prefix, peer.id()});
    }
    return {};
}

/* Last, so that a prefix that stays, or goes from one peer to another, is never missing. */
void Device::State::Request::remove_obsolete()
{
    for (const auto &[prefix, peer] : obsolete_) {
        if (state_.allowed_ips.owner(prefix) != peer)
            continue;
        state_.allowed_ips.remove(prefix, peer);
        rollback_.add([this, prefix, peer] { (void)state_.allowed_ips.insert(prefix, peer); });
    }
}

Result<> Device::State::Request::insert_allowed_ip(Peer &peer, const Prefix &prefix)
{
    const auto old_owner = state_.allowed_ips.owner(prefix);

    WG_TRY(state_.allowed_ips.insert(prefix, peer.id()));
    rollback_.add([this, prefix, old_owner, id = peer.id()] {
        if (old_owner)
            (void)state_.allowed_ips.insert(prefix, *old_owner);
        else
            state_.allowed_ips.remove(prefix, id);
    });
    return {};
}

void Device::State::Request::commit()
{
    rollback_.keep();
    for (Peer *peer : doomed_)
        state_.remove_peer(*peer);
    created_.remove_if([this](Peer &peer) { return doomed_.contains(&peer); });
    if (changes_identity_)
        state_.set_identity(std::move(identity_), now_);
    state_.peers.splice(std::move(created_));
    if (change_.listen_port || change_.fwmark)
        state_.clear_sticky_sources();
    for (const Step &step : steps_) {
        if (doomed_.contains(step.peer))
            continue;
        if (step.quota_used)
            state_.datapath.set_quota_used(step.peer->id(), *step.quota_used);
        state_.tell_endpoint(*step.peer);
        if (step.has_new_places)
            state_.look_up(*step.peer);
        if (state_.up && step.starts_keepalive)
            state_.send_keepalive(*step.peer, now_);
        else if (state_.up)
            state_.send_staged_packets(*step.peer, now_);
        state_.settle(*step.peer, now_);
    }
}

Result<> Device::State::apply(DeviceChange &change, Now now)
{
    Request request(*this, change, now);

    WG_TRY(request.prepare());
    request.commit();
    return {};
}

} // namespace wg
