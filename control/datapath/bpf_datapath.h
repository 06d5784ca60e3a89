// SPDX-License-Identifier: MIT
//
// The maps of an instance, as the daemon writes them: what may be seen when, what is erased only
// after a grace period. One for all tunnels; TunnelDatapath is what one device sees of it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include <asio.hpp>

#include "datapath/bpf_map.h"
#include "datapath/bpf_programs.h"
#include "datapath/datapath.h"
#include "datapath/grace_period.h"
#include "datapath/keystream.h"
#include "datapath/secret_keys.h"
#include "datapath/shared_array.h"

namespace wg {

/// What the slow path needs to know of a live session.
struct Session {
    PeerId peer = 0;
    TunnelId tunnel = 0;
    std::uint32_t remote_index = 0;
    Key send_key;
    Key receive_key;
};

class BpfDatapath {
  public:
    /// Takes over the maps of an earlier daemon where `programs` adopted them, and erases what
    /// belongs to no peer.
    static Result<std::unique_ptr<BpfDatapath>> create(asio::io_context &io, BpfPrograms &programs);

    /// Whoever makes keystream for its sessions hears of their end.
    void set_keystream(Keystream *keystream) { keystream_ = keystream; }

    // --- peers and sessions: see Datapath ---
    Result<PeerId> allocate_peer();
    void release_peer(PeerId peer);
    KeypairId allocate_keypair() { return next_id_++; }
    Result<> install_keypair(TunnelId tunnel, const NewKeypair &keypair);
    void retire_keypair(KeypairId keypair);
    Result<> publish_peer(TunnelId tunnel, const PeerState &peer);
    /// How the peer's packets leave from now on; publishes the peer again.
    Result<> set_route(PeerId peer, const wg_route &route);
    Result<> store_preshared_key(PeerId peer, const Key &key);
    Result<> set_allowed_ip(TunnelId tunnel, const Prefix &prefix, PeerId peer);
    void remove_allowed_ip(TunnelId tunnel, const Prefix &prefix);
    std::optional<PeerId> lookup_allowed_ip(TunnelId tunnel, const IpAddress &address) const;
    PeerActivity activity(PeerId peer) const;
    void set_quota_used(PeerId peer, std::uint64_t bytes);
    void acknowledge(PeerId peer, std::uint32_t bits);
    std::optional<std::pair<Endpoint, Instant>> observed_endpoint(KeypairId keypair) const;
    void record_sent(PeerId peer, std::size_t bytes, Instant when);
    void record_received(PeerId peer, std::size_t bytes, Instant when);

    // --- the slow path's share ---
    std::optional<Endpoint> endpoint_of(PeerId peer) const;
    std::optional<TunnelId> tunnel_of(PeerId peer) const;
    /// The largest inner packet that reaches the peer in one piece, as far as we know.
    std::size_t path_mtu(PeerId peer) const;
    const Session *find_session(KeypairId keypair) const;
    std::optional<KeypairId> find_index(std::uint32_t local_index) const;
    /// The one home of a counter is its element: these run the programs that change it.
    tl::expected<std::uint64_t, wg_drop_reason> take_counter(KeypairId keypair,
                                                             std::uint32_t length);
    wg_drop_reason accept_counter(KeypairId keypair,
                                  std::uint64_t counter,
                                  std::uint32_t length,
                                  const Endpoint &from);

    /// Calls it once all is wiped and erased that was given up before.
    void when_erased(std::function<void()> callback) { grace_.after(std::move(callback)); }

    // --- tunnels, NICs and listeners ---
    Result<> put_tunnel(TunnelId id, const wg_tunnel &tunnel);
    std::optional<wg_tunnel> tunnel(TunnelId id) const { return tunnels_.find(id); }
    void erase_tunnel(TunnelId id);
    std::vector<TunnelId> tunnels() const { return tunnels_.keys(); }
    Result<> store_private_key(TunnelId id, const Key &key);
    std::optional<Key> private_key(TunnelId id) const;
    void put_cookies(TunnelId id, const CookieSecrets &secrets, Instant load_until);
    Instant load_until(TunnelId id) const;
    void wipe_cookies(TunnelId id);
    Result<> put_nic(std::uint32_t ifindex, const wg_nic &nic);
    void erase_nic(std::uint32_t ifindex) { nics_.erase(ifindex); }
    std::optional<wg_nic> nic(std::uint32_t ifindex) const { return nics_.find(ifindex); }
    std::vector<std::uint32_t> nics() const { return nics_.keys(); }
    /// Makes the map hold exactly these: new ones first, then the old ones go.
    Result<> set_listeners(const std::vector<std::pair<wg_listener_key, TunnelId>> &wanted);

    // --- what an earlier daemon left, and what people ask ---
    std::vector<AdoptedPeer> adopted_peers(TunnelId tunnel);
    /// Packets by reason and CPU, only reasons that have happened.
    std::map<wg_drop_reason, std::vector<std::uint64_t>> drops() const;

  private:
    struct PublishedPeer {
        TunnelId tunnel = 0;
        PeerState state;
        wg_route route{};
    };

    BpfDatapath(asio::io_context &io, BpfPrograms &programs);
    Result<> open(BpfPrograms &programs);
    void adopt();
    void adopt_peer(PeerId peer, std::uint64_t version);
    void erase_orphans();
    Result<> publish(PublishedPeer &peer);
    void forget_lookups();
    void erase_cookies(TunnelId id);
    void erase_secrets(KeypairId keypair);
    wg_drop_reason run_counter_program(const char *program, wg_counter_request &request);
    wg_peer_activity &activity_of(PeerId peer) const { return activity_[peer]; }

    GracePeriod grace_;
    BpfPrograms &programs_;
    Keystream *keystream_ = nullptr;
    BpfMap<wg_listener_key, std::uint32_t> listeners_;
    BpfMap<std::uint32_t, wg_tunnel> tunnels_;
    BpfMap<std::uint32_t, wg_nic> nics_;
    BpfMap<std::uint32_t, wg_cookie_checker> cookies_;
    BpfMap<wg_allowed_ip_key_v4, std::uint32_t> allowed_ips_v4_;
    BpfMap<wg_allowed_ip_key_v6, std::uint32_t> allowed_ips_v6_;
    BpfMap<std::uint64_t, wg_peer> peers_;
    BpfMap<std::uint32_t, std::uint64_t> indices_;
    BpfMap<std::uint64_t, wg_keypair> keypairs_;
    BpfMap<std::uint64_t, wg_keypair_secrets> keypair_secrets_;
    SecretKeys tunnel_secrets_;
    SecretKeys peer_secrets_;
    SharedArray<std::uint64_t> versions_;            ///< peer_versions
    SharedArray<wg_peer_activity> activity_;         ///< peer_activity
    SharedArray<std::uint64_t> allowed_ips_version_; ///< one element

    std::uint64_t next_id_ = 1; ///< of keypairs and peer versions: never used twice
    PeerId next_peer_ = 0;
    std::vector<PeerId> free_peers_;
    std::unordered_map<PeerId, PublishedPeer> published_;
    std::unordered_map<KeypairId, Session> sessions_;
};

} // namespace wg
