// SPDX-License-Identifier: MIT
//
// What a device may ask of whatever moves its packets. The real one is bpf_datapath; tests have one
// of their own. Nothing here knows about files, sockets or clocks.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <wgxdp/abi.h>
#include <wgxdp/drop_reason.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "noise/cookie.h"

namespace wg {

using TunnelId = std::uint32_t;  ///< wg0x's ifindex
using PeerId = std::uint32_t;    ///< a slot of peer_versions, unique in the instance
using KeypairId = std::uint64_t; ///< never used twice; 0: none
using Timestamp = std::array<std::uint8_t, WG_TIMESTAMP_SIZE>; ///< TAI64N

/// A session as a handshake leaves it.
struct NewKeypair {
    KeypairId id = 0;
    PeerId peer = 0;
    std::uint32_t local_index = 0;
    std::uint32_t remote_index = 0;
    bool initiator = false;
    Instant created_at;
    Key send_key;
    Key receive_key;
};

/// All that the data plane knows of a peer; published as a whole.
struct PeerState {
    PeerId id = 0;
    PublicKey public_key{};
    KeypairId current = 0;
    KeypairId previous = 0;
    KeypairId next = 0;
    bool sending_valid = true; ///< false: keep current for receiving only
    std::optional<Endpoint> endpoint;
    /// The endpoint with the source that it lost since the route to it leaves elsewhere: where the
    /// peer is heard, which is no news.
    std::optional<Endpoint> heard;
    std::uint16_t persistent_keepalive = 0; ///< seconds, 0: off
    Timestamp latest_timestamp{};
    std::optional<WallTime> last_handshake;
    std::uint64_t rate_limit = 0; ///< bytes a second each way, 0: none
    std::uint64_t quota = 0;      ///< bytes, both ways together, 0: none
};

/// What has happened on the wire. Zero instants: never.
struct PeerActivity {
    std::uint64_t tx_bytes = 0;
    std::uint64_t rx_bytes = 0;
    std::uint64_t quota_used = 0;
    Instant last_sent{};        ///< any authenticated packet
    Instant first_unanswered{}; ///< first data sent after last_received; stale when older than it
    Instant last_received{};    ///< any authenticated packet
    Instant last_data_received{};
    Instant
        first_unacknowledged{}; ///< first data received after last_sent; stale when older than it
    bool moved = false; ///< heard from elsewhere, and not acknowledged: see observed_endpoint
};

/// What a fresh daemon finds of a peer that an earlier one left.
struct AdoptedKeypair {
    KeypairId id = 0;
    std::uint32_t local_index = 0;
    std::uint32_t remote_index = 0;
    bool initiator = false;
    Instant created_at;
    bool received_on = false; ///< an authentic packet has come in
};
struct AdoptedPeer {
    PeerState state;
    Key preshared_key;
    std::vector<Prefix> allowed_ips;
    std::vector<AdoptedKeypair> keypairs;
};

class Datapath {
  public:
    virtual ~Datapath() = default;

    virtual Result<PeerId> allocate_peer() = 0;
    /// The peer, its keypairs and its allowed IPs must be gone already.
    virtual void release_peer(PeerId peer) = 0;
    virtual KeypairId allocate_keypair() = 0;

    /// Makes the session receivable by its local index. Sending begins when a published peer names
    /// it as current.
    virtual Result<> install_keypair(const NewKeypair &keypair) = 0;
    /// Unlinks at once; keys are wiped and the element erased after a grace period. Publish the
    /// peer without it first.
    virtual void retire_keypair(KeypairId keypair) = 0;
    virtual Result<> publish_peer(const PeerState &peer) = 0;
    virtual Result<> store_preshared_key(PeerId peer, const Key &key) = 0;

    /// Gives the prefix to the peer, whoever had it.
    virtual Result<> set_allowed_ip(const Prefix &prefix, PeerId peer) = 0;
    virtual void remove_allowed_ip(const Prefix &prefix) = 0;

    virtual PeerActivity activity(PeerId peer) = 0;
    virtual void set_quota_used(PeerId peer, std::uint64_t bytes) = 0;
    /// Clears event bits (wg_event_bits): the next such event rings again. Clear first, then look.
    virtual void acknowledge(PeerId peer, std::uint32_t bits) = 0;
    /// Where the last packet of this keypair from elsewhere than the peer's endpoint came from.
    virtual std::optional<std::pair<Endpoint, Instant>> observed_endpoint(KeypairId keypair) = 0;
    /// A handshake message of an identified peer passed: counts bytes, and as an authenticated
    /// packet.
    virtual void record_sent(PeerId peer, std::size_t bytes, Instant when) = 0;
    virtual void record_received(PeerId peer, std::size_t bytes, Instant when) = 0;

    /// A handshake or cookie message as a UDP datagram. ds: the DS field (0x88 for handshakes, 0
    /// for cookies). Returns 0, or the errno that kept it here.
    [[nodiscard]] virtual int send_message(const Endpoint &to, Bytes message, std::uint8_t ds) = 0;
    /// Seals one inner IP packet (empty: a keepalive) with this keypair and sends it to the peer.
    /// False: the keypair has no nonce left or is too old; nothing was sent, nothing counted.
    [[nodiscard]] virtual bool send_data(PeerId peer, KeypairId keypair, Bytes packet) = 0;

    /// Until then handshake messages that bring no good mac2 may be answered with cookies where
    /// they arrive.
    virtual void share_cookies(const CookieSecrets &secrets, Instant until) = 0;
    /// Later than what was shared, if many were refused meanwhile.
    virtual Instant load_until() const = 0;
    /// Those secrets are good no more.
    virtual void forget_cookies() = 0;

    virtual void count_drop(wg_drop_reason reason, std::uint64_t packets = 1) = 0;
};

} // namespace wg
