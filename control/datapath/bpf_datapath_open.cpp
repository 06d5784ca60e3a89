// SPDX-License-Identifier: MIT
//
// Opening the maps, taking over what an earlier daemon left in them, and the maps that belong to no
// peer.
#include <algorithm>
#include <atomic>
#include <set>

#include "base/log.h"
#include "datapath/abi_convert.h"
#include "datapath/bpf_datapath.h"

namespace wg {

BpfDatapath::BpfDatapath(asio::io_context &io, BpfPrograms &programs)
    : grace_(io), programs_(programs)
{
}

Result<std::unique_ptr<BpfDatapath>> BpfDatapath::create(asio::io_context &io,
                                                         BpfPrograms &programs)
{
    std::unique_ptr<BpfDatapath> datapath(new BpfDatapath(io, programs));
    WG_TRY(datapath->open(programs));
    if (programs.adopted())
        datapath->adopt();
    return datapath;
}

Result<> BpfDatapath::open(BpfPrograms &programs)
{
    const auto attach = [&]<typename Map>(Map &map, const char *name) -> Result<> {
        map = WG_TRY(Map::of(programs.map(name), name));
        return {};
    };
    WG_TRY(attach(listeners_, "listeners"));
    WG_TRY(attach(tunnels_, "tunnels"));
    WG_TRY(attach(nics_, "nics"));
    WG_TRY(attach(cookies_, "cookies"));
    WG_TRY(attach(allowed_ips_v4_, "allowed_ips_v4"));
    WG_TRY(attach(allowed_ips_v6_, "allowed_ips_v6"));
    WG_TRY(attach(peers_, "peers"));
    WG_TRY(attach(indices_, "indices"));
    WG_TRY(attach(keypairs_, "keypairs"));
    WG_TRY(attach(keypair_secrets_, "keypair_secrets"));
    WG_TRY(attach(tunnel_secrets_, "tunnel_secrets"));
    WG_TRY(attach(peer_secrets_, "peer_secrets"));
    const auto share = [&]<typename T>(SharedArray<T> &array, const char *name,
                                       std::size_t elements) -> Result<> {
        array = WG_TRY(SharedArray<T>::of(programs.map(name), elements, name));
        return {};
    };
    WG_TRY(share(versions_, "peer_versions", WG_MAX_PEERS));
    WG_TRY(share(activity_, "peer_activity", WG_MAX_PEERS));
    WG_TRY(share(allowed_ips_version_, "allowed_ips_version", 1));
    // boot time in ns grows faster than ids are used up: an earlier daemon's are all below
    next_id_ = to_ns(now().instant);
    return {};
}

void BpfDatapath::adopt()
{
    for (PeerId peer = 0; peer < WG_MAX_PEERS; peer++)
        if (const std::uint64_t version = std::atomic_ref(versions_[peer]).load(); version != 0) {
            for (; next_peer_ < peer; next_peer_++)
                free_peers_.push_back(next_peer_);
            next_peer_ = peer + 1;
            adopt_peer(peer, version);
        }
    erase_orphans();
}

void BpfDatapath::adopt_peer(PeerId peer, std::uint64_t version)
{
    const auto element = peers_.find(version);
    if (!element) {
        std::atomic_ref(versions_[peer]).store(0);
        free_peers_.push_back(peer);
        return;
    }
    published_[peer] = {element->tunnel, from_abi(*element), element->route};
    for (const KeypairId id : {element->current, element->previous, element->next}) {
        const auto keypair = keypairs_.find(id, BPF_F_LOCK);
        if (id == 0 || !keypair)
            continue;
        auto secrets = keypair_secrets_.find(id);
        if (!secrets)
            continue;
        Session session{peer, element->tunnel, keypair->remote_index, {}, {}};
        std::memcpy(session.send_key.mutable_bytes().data(), secrets->send.words,
                    sizeof(secrets->send.words));
        std::memcpy(session.receive_key.mutable_bytes().data(), secrets->receive.words,
                    sizeof(secrets->receive.words));
        sodium_memzero(&*secrets, sizeof(*secrets));
        sessions_.emplace(id, std::move(session));
    }
}

/* What an earlier daemon had unlinked and did not live to erase; and what it had begun to install.
 */
void BpfDatapath::erase_orphans()
{
    for (const auto index : indices_.keys())
        if (const auto id = indices_.find(index); id && !sessions_.contains(*id))
            indices_.erase(index);
    for (const TunnelId id : cookies_.keys())
        erase_cookies(id); // we do not know their secret, and judge by our own
    wait_for_grace_period();
    std::set<std::uint64_t> valid;
    for (PeerId peer = 0; peer < next_peer_; peer++)
        valid.insert(versions_[peer]);
    for (const auto version : peers_.keys())
        if (!valid.contains(version))
            peers_.erase(version);
    for (const auto id : keypair_secrets_.keys())
        if (!sessions_.contains(id))
            erase_secrets(id);
    for (const auto id : keypairs_.keys())
        if (!sessions_.contains(id))
            keypairs_.erase(id);
    for (const auto peer : peer_secrets_.owners())
        if (!published_.contains(peer))
            peer_secrets_.erase(peer);
    // the next owner of the slot must not inherit them
    for (const auto &key : allowed_ips_v4_.keys())
        if (const auto peer = allowed_ips_v4_.find(key); peer && !published_.contains(*peer))
            allowed_ips_v4_.erase(key);
    for (const auto &key : allowed_ips_v6_.keys())
        if (const auto peer = allowed_ips_v6_.find(key); peer && !published_.contains(*peer))
            allowed_ips_v6_.erase(key);
    forget_lookups();
}

std::vector<AdoptedPeer> BpfDatapath::adopted_peers(TunnelId tunnel)
{
    std::unordered_map<PeerId, std::vector<Prefix>> prefixes;
    for (const auto &key : allowed_ips_v4_.keys())
        if (const auto peer = allowed_ips_v4_.find(key); peer && key.tunnel == tunnel)
            prefixes[*peer].push_back(from_abi(key));
    for (const auto &key : allowed_ips_v6_.keys())
        if (const auto peer = allowed_ips_v6_.find(key); peer && key.tunnel == tunnel)
            prefixes[*peer].push_back(from_abi(key));
    std::vector<AdoptedPeer> adopted;
    for (auto &[id, published] : published_) {
        if (published.tunnel != tunnel)
            continue;
        AdoptedPeer peer{published.state, {}, prefixes[id], {}};
        if (auto secret = peer_secrets_.find(id))
            peer.preshared_key = *std::move(secret);
        for (const KeypairId keypair :
             {published.state.current, published.state.previous, published.state.next})
            if (const auto element = keypairs_.find(keypair, BPF_F_LOCK); keypair != 0 && element)
                peer.keypairs.push_back({keypair, element->local_index, element->remote_index,
                                         (element->flags & WG_KEYPAIR_INITIATOR) != 0,
                                         instant_from_ns(element->created_at),
                                         element->replay_next != 0});
        adopted.push_back(std::move(peer));
    }
    std::ranges::sort(adopted, {}, [](const AdoptedPeer &peer) { return peer.state.id; });
    return adopted;
}

Result<> BpfDatapath::put_tunnel(TunnelId id, const wg_tunnel &tunnel)
{
    WG_TRY(tunnels_.put(id, tunnel));
    wait_for_grace_period(); // it replaced one: before the next is written, nobody may be reading
                             // that any more
    return {};
}

void BpfDatapath::erase_tunnel(TunnelId id)
{
    tunnels_.erase(id);
    tunnel_secrets_.erase(id);
    erase_cookies(id);
    wait_for_grace_period();
}

/* A daemon that cannot share them judges alone. */
void BpfDatapath::put_cookies(TunnelId id, const CookieSecrets &secrets, Instant load_until)
{
    wg_cookie_checker element = to_abi(secrets, load_until);
    const auto stored = cookies_.overwrite_or_insert(id, element);
    sodium_memzero(&element, sizeof(element));
    if (!stored)
        log::warn("tunnel {}: cookies are not shared: {}", id, stored.error().what);
}

Instant BpfDatapath::load_until(TunnelId id) const
{
    const auto element = cookies_.find(id);
    return element ? instant_from_ns(element->load_until) : Instant{};
}

/* The element stays: another one in its place could be read half. */
void BpfDatapath::wipe_cookies(TunnelId id)
{
    if (const auto wiped = cookies_.wipe(id); !wiped)
        log::error("tunnel {}: cookies not wiped: {}", id, wiped.error().what);
}

void BpfDatapath::erase_cookies(TunnelId id)
{
    wipe_cookies(id);
    cookies_.erase(id);
}

Result<> BpfDatapath::store_private_key(TunnelId id, const Key &key)
{
    return tunnel_secrets_.put(id, key);
}

std::optional<Key> BpfDatapath::private_key(TunnelId id) const
{
    return tunnel_secrets_.find(id);
}

Result<> BpfDatapath::put_nic(std::uint32_t ifindex, const wg_nic &nic)
{
    if (nics_.insert(ifindex, nic))
        return {};
    WG_TRY(nics_.put(ifindex, nic));
    wait_for_grace_period(); // it replaced one, as above
    return {};
}

Result<> BpfDatapath::set_listeners(const std::vector<std::pair<wg_listener_key, TunnelId>> &wanted)
{
    const auto bytes = [](const wg_listener_key &key) {
        return load<std::array<std::uint8_t, sizeof(key)>>(bytes_of(key));
    };
    std::set<std::array<std::uint8_t, sizeof(wg_listener_key)>> stay;
    for (const auto &[key, tunnel] : wanted) {
        stay.insert(bytes(key));
        if (listeners_.find(key) != tunnel)
            WG_TRY(listeners_.put(key, tunnel));
    }
    for (const auto &key : listeners_.keys())
        if (!stay.contains(bytes(key)))
            listeners_.erase(key);
    return {};
}

std::map<wg_drop_reason, std::vector<std::uint64_t>> BpfDatapath::drops() const
{
    const auto cpus = static_cast<std::size_t>(libbpf_num_possible_cpus());
    std::map<wg_drop_reason, std::vector<std::uint64_t>> all;
    for (std::uint32_t reason = 1; reason < WG_DROP_COUNT; reason++) {
        std::vector<std::uint64_t> packets(cpus);
        if (bpf_map_lookup_elem(programs_.map("drops"), &reason, packets.data()) == 0 &&
            std::ranges::any_of(packets, [](std::uint64_t count) { return count != 0; }))
            all.emplace(static_cast<wg_drop_reason>(reason), std::move(packets));
    }
    return all;
}

} // namespace wg
