// SPDX-License-Identifier: MIT
//
// Peers and sessions. Publication follows RCU: insert under a fresh key, store one word, erase
// after a grace period.
#include "datapath/bpf_datapath.h"

#include <algorithm>
#include <atomic>

#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>

#include "base/log.h"
#include "datapath/abi_convert.h"

namespace wg {

Result<PeerId> BpfDatapath::allocate_peer()
{
    PeerId peer = next_peer_;
    if (!free_peers_.empty()) {
        peer = free_peers_.back();
        free_peers_.pop_back();
    } else if (next_peer_ == WG_MAX_PEERS) {
        return failure(ENOSPC, "peers: there are {} already, the most this daemon can hold",
                       static_cast<unsigned>(WG_MAX_PEERS));
    } else {
        next_peer_++;
    }
    activity_[peer] =
        {}; // here, not when it is freed: an earlier daemon may not have lived to do it
    return peer;
}

void BpfDatapath::release_peer(PeerId peer)
{
    const std::uint64_t version = std::atomic_ref(versions_[peer]).exchange(0);
    published_.erase(peer);
    peer_secrets_.erase(peer);
    grace_.after([this, peer, version] {
        if (version != 0)
            peers_.erase(version);
        free_peers_.push_back(peer);
    });
}

Result<> BpfDatapath::install_keypair(TunnelId tunnel, const NewKeypair &keypair)
{
    wg_keypair_secrets secrets{};
    std::memcpy(secrets.send.words, keypair.send_key.bytes().data(), sizeof(secrets.send.words));
    std::memcpy(secrets.receive.words, keypair.receive_key.bytes().data(),
                sizeof(secrets.receive.words));
    const auto stored = keypair_secrets_.insert(keypair.id, secrets);
    sodium_memzero(&secrets, sizeof(secrets));
    WG_TRY(stored);
    auto installed = keypairs_.insert(keypair.id, to_abi(tunnel, keypair));
    if (installed)
        installed = indices_.insert(keypair.local_index, keypair.id);
    if (!installed) {
        keypairs_.erase(keypair.id);
        erase_secrets(keypair.id);
        return installed;
    }
    sessions_.emplace(keypair.id, Session{keypair.peer, tunnel, keypair.remote_index,
                                          keypair.send_key.clone(), keypair.receive_key.clone()});
    return {};
}

void BpfDatapath::retire_keypair(KeypairId keypair)
{
    sessions_.erase(keypair);
    if (const auto element = keypairs_.find(keypair, BPF_F_LOCK))
        indices_.erase(element->local_index);
    if (keystream_ != nullptr)
        keystream_->retire(keypair);
    grace_.after([this, keypair] {
        erase_secrets(keypair);
        keypairs_.erase(keypair);
    });
}

void BpfDatapath::erase_secrets(KeypairId keypair)
{
    if (const auto wiped = keypair_secrets_.wipe(keypair); !wiped)
        log::error("keypair {}: keys not wiped: {}", keypair, wiped.error().what);
    keypair_secrets_.erase(keypair);
}

Result<> BpfDatapath::publish_peer(TunnelId tunnel, const PeerState &peer)
{
    auto &published = published_[peer.id];
    const bool moved = !published.state.endpoint || !peer.endpoint ||
                       !published.state.endpoint->same_place(*peer.endpoint);
    published.tunnel = tunnel;
    published.state = peer;
    if (moved) // the old route leads elsewhere: until the new one is known the socket sends
        published.route = {};
    return publish(published);
}

Result<> BpfDatapath::set_route(PeerId peer, const wg_route &route)
{
    const auto found = published_.find(peer);
    if (found == published_.end() || std::memcmp(&found->second.route, &route, sizeof(route)) == 0)
        return {};
    found->second.route = route;
    return publish(found->second);
}

Result<> BpfDatapath::publish(PublishedPeer &peer)
{
    const std::uint64_t version = next_id_++;
    WG_TRY(peers_.insert(version, to_abi(peer.tunnel, peer.state, peer.route)));
    const std::uint64_t old = std::atomic_ref(versions_[peer.state.id]).exchange(version);
    if (old != 0)
        grace_.after([this, old] { peers_.erase(old); });
    return {};
}

Result<> BpfDatapath::store_preshared_key(PeerId peer, const Key &key)
{
    return peer_secrets_.put(peer, key);
}

Result<> BpfDatapath::set_allowed_ip(TunnelId tunnel, const Prefix &prefix, PeerId peer)
{
    auto set = prefix.address.is_v6()
                   ? allowed_ips_v6_.put(allowed_ip_key_v6(tunnel, prefix), peer)
                   : allowed_ips_v4_.put(allowed_ip_key_v4(tunnel, prefix), peer);
    forget_lookups();
    return set;
}

void BpfDatapath::remove_allowed_ip(TunnelId tunnel, const Prefix &prefix)
{
    if (prefix.address.is_v6())
        allowed_ips_v6_.erase(allowed_ip_key_v6(tunnel, prefix));
    else
        allowed_ips_v4_.erase(allowed_ip_key_v4(tunnel, prefix));
    forget_lookups();
}

/* What the programs keep of a trie holds until it changes. */
void BpfDatapath::forget_lookups()
{
    std::atomic_ref(allowed_ips_version_[0]).fetch_add(1);
}

std::optional<PeerId> BpfDatapath::lookup_allowed_ip(TunnelId tunnel,
                                                     const IpAddress &address) const
{
    const auto host = Prefix::of(address, static_cast<std::uint8_t>(address.bits()));
    if (address.is_v6())
        return allowed_ips_v6_.find(allowed_ip_key_v6(tunnel, host));
    return allowed_ips_v4_.find(allowed_ip_key_v4(tunnel, host));
}

PeerActivity BpfDatapath::activity(PeerId peer) const
{
    auto &from = activity_of(peer);
    const auto read = [](__u64 &value) {
        return std::atomic_ref(value).load(std::memory_order_relaxed);
    };
    const auto when = [&](__u64 &value) { return instant_from_ns(read(value)); };
    return {.tx_bytes = read(from.tx_bytes),
            .rx_bytes = read(from.rx_bytes),
            .quota_used = read(from.quota_used),
            .last_sent = when(from.last_sent),
            .first_unanswered = when(from.first_unanswered),
            .last_received = when(from.last_received),
            .last_data_received = when(from.last_data_received),
            .first_unacknowledged = when(from.first_unacknowledged),
            .moved = (std::atomic_ref(from.events).load() & WG_EVENT_ENDPOINT) != 0};
}

void BpfDatapath::set_quota_used(PeerId peer, std::uint64_t bytes)
{
    std::atomic_ref(activity_of(peer).quota_used).store(bytes);
}

void BpfDatapath::acknowledge(PeerId peer, std::uint32_t bits)
{
    std::atomic_ref(activity_of(peer).events).fetch_and(~bits);
}

void BpfDatapath::record_sent(PeerId peer, std::size_t bytes, Instant when)
{
    auto &to = activity_of(peer);
    std::atomic_ref(to.tx_bytes).fetch_add(bytes);
    std::atomic_ref(to.last_sent).store(to_ns(when));
}

void BpfDatapath::record_received(PeerId peer, std::size_t bytes, Instant when)
{
    auto &to = activity_of(peer);
    std::atomic_ref(to.rx_bytes).fetch_add(bytes);
    std::atomic_ref(to.last_received).store(to_ns(when));
}

std::optional<std::pair<Endpoint, Instant>> BpfDatapath::observed_endpoint(KeypairId keypair) const
{
    const auto element = keypairs_.find(keypair, BPF_F_LOCK);
    if (!element || element->observed.noted_at == 0)
        return {};
    return std::pair(from_abi(element->observed), instant_from_ns(element->observed.noted_at));
}

std::optional<Endpoint> BpfDatapath::endpoint_of(PeerId peer) const
{
    const auto found = published_.find(peer);
    return found == published_.end() ? std::nullopt : found->second.state.endpoint;
}

std::optional<TunnelId> BpfDatapath::tunnel_of(PeerId peer) const
{
    const auto found = published_.find(peer);
    return found == published_.end() ? std::nullopt : std::optional(found->second.tunnel);
}

std::size_t BpfDatapath::path_mtu(PeerId peer) const
{
    const auto found = published_.find(peer);
    if (found == published_.end())
        return 0;
    const auto &[tunnel, state, route] = found->second;
    const std::size_t mtu = tunnels_.find(tunnel).value_or(wg_tunnel{}).mtu;
    const std::size_t overhead =
        (state.endpoint && state.endpoint->address.is_v6() ? sizeof(ip6_hdr) : sizeof(iphdr)) +
        sizeof(udphdr) + WG_TRANSPORT_OVERHEAD;
    if (route.kind != WG_ROUTE_DIRECT || route.mtu <= overhead)
        return mtu;
    return std::min(mtu, route.mtu - overhead);
}

const Session *BpfDatapath::find_session(KeypairId keypair) const
{
    const auto found = sessions_.find(keypair);
    return found == sessions_.end() ? nullptr : &found->second;
}

std::optional<KeypairId> BpfDatapath::find_index(std::uint32_t local_index) const
{
    return indices_.find(local_index);
}

tl::expected<std::uint64_t, wg_drop_reason> BpfDatapath::take_counter(KeypairId keypair,
                                                                      std::uint32_t length)
{
    wg_counter_request request{};
    request.keypair = keypair;
    request.length = length;
    if (const auto drop = run_counter_program("wg_take_counter", request); drop != WG_DROP_NONE)
        return tl::unexpected(drop);
    return request.counter;
}

wg_drop_reason BpfDatapath::accept_counter(KeypairId keypair,
                                           std::uint64_t counter,
                                           std::uint32_t length,
                                           const Endpoint &from)
{
    wg_counter_request request{};
    request.keypair = keypair;
    request.counter = counter;
    request.length = length;
    request.from = observed_to_abi(from);
    return run_counter_program("wg_accept_counter", request);
}

wg_drop_reason BpfDatapath::run_counter_program(const char *program, wg_counter_request &request)
{
    bpf_test_run_opts options{};
    options.sz = sizeof(options);
    options.data_in = &request;
    options.data_out = &request;
    options.data_size_in = sizeof(request);
    options.data_size_out = sizeof(request);
    options.repeat = 1;
    if (bpf_prog_test_run_opts(programs_.program(program), &options) != 0)
        return WG_DROP_NO_STATE;
    return static_cast<wg_drop_reason>(options.retval);
}

} // namespace wg
