// SPDX-License-Identifier: MIT
//
// A data plane in memory that does what the BPF programs do (bpf/keypair.h, bpf/events.h) with a
// clock of our own, and fails the test where the device breaks the order of publication or uses a
// key it must not use.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <set>

#include "datapath/datapath.h"

namespace wg::test {

/// The time of a simulation. Reading it for a stamp moves it on a little, as a real clock would.
struct Clock {
    Instant instant{std::chrono::seconds(1000)};

    Now now() const
    {
        return {instant,
                WallTime(std::chrono::seconds(1'700'000'000)) + instant.time_since_epoch()};
    }
    Instant stamp() { return instant += std::chrono::nanoseconds(1); }
};

/// Broken invariants end the test at once, by an exception: whatever came after would only confuse.
void require(bool condition, const char *what);

/// A transport_data message. Carrying the key stands for being sealed with it.
struct DataMessage {
    std::uint32_t receiver_index = 0;
    std::uint64_t counter = 0;
    std::array<std::uint8_t, 32> key{};
    Buffer packet{};
};

class FakeDatapath final : public Datapath {
  public:
    explicit FakeDatapath(Clock &clock) : clock_(clock) {}

    // --- Datapath ---
    Result<PeerId> allocate_peer() override;
    void release_peer(PeerId peer) override;
    KeypairId allocate_keypair() override { return ++last_keypair_; }
    Result<> install_keypair(const NewKeypair &keypair) override;
    void retire_keypair(KeypairId keypair) override;
    Result<> publish_peer(const PeerState &peer) override;
    Result<> store_preshared_key(PeerId peer, const Key &key) override;
    Result<> set_allowed_ip(const Prefix &prefix, PeerId peer) override;
    void remove_allowed_ip(const Prefix &prefix) override;
    PeerActivity activity(PeerId peer) override;
    void set_quota_used(PeerId peer, std::uint64_t bytes) override
    {
        peers_.at(peer).activity.quota_used = bytes;
    }
    void acknowledge(PeerId peer, std::uint32_t bits) override;
    std::optional<std::pair<Endpoint, Instant>> observed_endpoint(KeypairId keypair) override;
    void record_sent(PeerId peer, std::size_t bytes, Instant when) override;
    void record_received(PeerId peer, std::size_t bytes, Instant when) override;
    [[nodiscard]] int send_message(const Endpoint &to, Bytes message, std::uint8_t ds) override
    {
        if (send_error == 0)
            message_sent(to, message, ds);
        return send_error;
    }
    [[nodiscard]] bool send_data(PeerId peer, KeypairId keypair, Bytes packet) override;
    void share_cookies(const CookieSecrets &secrets, Instant until) override
    {
        shared_cookies.emplace(SharedCookies{secrets.secret.clone(), secrets.secret_until, until});
        times_shared++;
    }
    Instant load_until() const override
    {
        return shared_cookies ? shared_cookies->load_until : Instant{};
    }
    void forget_cookies() override { shared_cookies.reset(); }
    void count_drop(wg_drop_reason reason, std::uint64_t packets) override
    {
        drops[reason] += packets;
    }

    // --- the wire ---

    /// An inner packet leaves. False: the device must see to it.
    bool transmit(PeerId peer, Bytes packet);
    /// A transport_data message comes in. The inner packet, if it is authentic and new; an empty
    /// one is a keepalive.
    std::optional<Buffer> receive(const DataMessage &message, const Endpoint &from);

    // --- what a test may look at or break ---

    /// Rings, as a program does, if the bit was clear.
    void raise(PeerId peer, KeypairId keypair, std::uint32_t bit);
    bool is_raised(PeerId peer, std::uint32_t bits) const
    {
        return (peers_.at(peer).events & bits) != 0;
    }

    const PeerState *published(PeerId peer) const;
    std::optional<PeerId> lookup(const IpAddress &address) const;
    AdoptedPeer left_behind(PeerId peer) const;
    std::size_t keypair_count() const { return keypairs_.size(); }
    std::size_t peer_count() const { return peers_.size(); }
    /// As if so many messages had been sent with it.
    void set_counter(KeypairId keypair, std::uint64_t counter)
    {
        keypairs_.at(keypair).tx_counter = counter;
    }
    /// None of the keys that are there may be sent with from now on.
    void forbid_sending()
    {
        for (auto &[id, keypair] : keypairs_)
            keypair.may_send = false;
    }
    bool has_keypair(KeypairId id) const { return keypairs_.contains(id); }
    Duration age_of(KeypairId id) const
    {
        return clock_.instant - keypairs_.at(id).state.created_at;
    }

    std::function<void(const Endpoint &, Bytes, std::uint8_t)> message_sent;
    std::function<void(const Endpoint &, const DataMessage &)> data_sent;
    std::deque<wg_event> events; ///< the ring
    std::size_t ring_size = 1000;
    std::map<wg_drop_reason, std::uint64_t> drops;
    std::map<Prefix, PeerId> allowed_ips;
    std::size_t removed_allowed_ips = 0;
    std::size_t max_peers = 1000;
    std::size_t max_allowed_ips = 100'000;
    bool refuses_publication = false;
    int send_error = 0; ///< that no message leaves by
    struct SharedCookies {
        Key secret;
        Instant secret_until, load_until;
    };
    std::optional<SharedCookies> shared_cookies;
    int times_shared = 0;
    std::uint64_t publications = 0;

  private:
    struct PeerRecord {
        std::optional<PeerState> published;
        PeerActivity activity;
        std::uint32_t events = 0;
        Key preshared_key;
    };
    struct KeypairRecord {
        NewKeypair state;
        std::uint64_t tx_counter = 0;
        bool may_send = true; ///< says the test
        Instant rekey_told{};
        std::set<std::uint64_t> accepted;
        std::optional<std::pair<Endpoint, Instant>> observed;
    };

    bool is_named(KeypairId id) const;
    void tell_rekey(KeypairRecord &keypair, Instant now);
    bool is_spent(KeypairId keypair) const
    {
        return keypairs_.at(keypair).tx_counter >= REJECT_AFTER_MESSAGES;
    }
    void note_sent(KeypairRecord &keypair, std::uint64_t counter, std::size_t length);
    void note_received(KeypairRecord &keypair, std::size_t length);
    void seal_and_send(KeypairRecord &keypair, const Endpoint &to, Bytes packet);

    Clock &clock_;
    PeerId last_peer_ = 0;
    KeypairId last_keypair_ = 0;
    std::set<KeypairId> ever_installed_;
    std::set<std::array<std::uint8_t, 32>> ever_sent_with_; ///< a key that comes back: nonces do
    std::map<PeerId, PeerRecord> peers_;
    std::map<KeypairId, KeypairRecord> keypairs_;
    std::map<std::uint32_t, KeypairId> indices_;
};

} // namespace wg::test
