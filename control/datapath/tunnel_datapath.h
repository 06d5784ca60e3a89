// SPDX-License-Identifier: MIT
//
// The Datapath of one device: the instance's maps with this tunnel's id, and this tunnel's sockets.
#pragma once

#include <functional>
#include <map>

#include "datapath/bpf_datapath.h"
#include "datapath/slow_path.h"

namespace wg {

class TunnelDatapath final : public Datapath {
  public:
    TunnelDatapath(BpfDatapath &maps, TunnelId tunnel, SlowPathPorts ports);

    Result<PeerId> allocate_peer() override { return maps_.allocate_peer(); }
    void release_peer(PeerId peer) override { maps_.release_peer(peer); }
    KeypairId allocate_keypair() override { return maps_.allocate_keypair(); }
    Result<> install_keypair(const NewKeypair &keypair) override
    {
        return maps_.install_keypair(tunnel_, keypair);
    }
    void retire_keypair(KeypairId keypair) override { maps_.retire_keypair(keypair); }
    Result<> publish_peer(const PeerState &peer) override
    {
        return maps_.publish_peer(tunnel_, peer);
    }
    Result<> store_preshared_key(PeerId peer, const Key &key) override
    {
        return maps_.store_preshared_key(peer, key);
    }
    Result<> set_allowed_ip(const Prefix &prefix, PeerId peer) override
    {
        return maps_.set_allowed_ip(tunnel_, prefix, peer);
    }
    void remove_allowed_ip(const Prefix &prefix) override
    {
        maps_.remove_allowed_ip(tunnel_, prefix);
    }
    PeerActivity activity(PeerId peer) override { return maps_.activity(peer); }
    void set_quota_used(PeerId peer, std::uint64_t bytes) override
    {
        maps_.set_quota_used(peer, bytes);
    }
    void acknowledge(PeerId peer, std::uint32_t bits) override { maps_.acknowledge(peer, bits); }
    std::optional<std::pair<Endpoint, Instant>> observed_endpoint(KeypairId keypair) override
    {
        return maps_.observed_endpoint(keypair);
    }
    void record_sent(PeerId peer, std::size_t bytes, Instant when) override
    {
        maps_.record_sent(peer, bytes, when);
    }
    void record_received(PeerId peer, std::size_t bytes, Instant when) override
    {
        maps_.record_received(peer, bytes, when);
    }
    [[nodiscard]] int send_message(const Endpoint &to, Bytes message, std::uint8_t ds) override;
    [[nodiscard]] bool send_data(PeerId peer, KeypairId keypair, Bytes packet) override
    {
        return slow_path_.send(peer, keypair, packet);
    }
    void share_cookies(const CookieSecrets &secrets, Instant until) override
    {
        maps_.put_cookies(tunnel_, secrets, until);
    }
    Instant load_until() const override { return maps_.load_until(tunnel_); }
    void forget_cookies() override { maps_.wipe_cookies(tunnel_); }
    void count_drop(wg_drop_reason reason, std::uint64_t packets = 1) override
    {
        ports_.count_drop(reason, packets);
    }

    SlowPath &slow_path() { return slow_path_; }

  private:
    BpfDatapath &maps_;
    TunnelId tunnel_;
    SlowPathPorts ports_;
    SlowPath slow_path_;
};

} // namespace wg
