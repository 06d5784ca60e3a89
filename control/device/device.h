// SPDX-License-Identifier: MIT
//
// One tunnel's state machine: peers, handshakes, keypairs, timers. It is told the time and what
// arrived, and asks a Datapath for everything it wants done: no file, socket or clock in here.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "datapath/datapath.h"
#include "device/change.h"
#include "device/handshake_job.h"
#include "device/peer_event.h"

namespace wg {

/// What people said of a peer and no data plane needs: the owner remembers it for the next daemon.
struct PeerNote {
    std::string name;                ///< empty: none
    std::vector<std::string> places; ///< "HOST:PORT"
    bool operator==(const PeerNote &) const = default;
};

/// What people ask about a peer.
struct PeerInfo {
    PeerId id = 0;
    PublicKey public_key{};
    PeerNote note;
    const Key *preshared_key = nullptr; ///< never null; valid until the device changes
    std::optional<Endpoint> endpoint;
    std::vector<Prefix> allowed_ips;
    std::optional<WallTime> last_handshake;
    std::uint64_t rx_bytes = 0;
    std::uint64_t tx_bytes = 0;
    std::uint16_t persistent_keepalive = 0;
    std::uint64_t rate_limit = 0; ///< bytes a second each way, 0: none
    std::uint64_t quota = 0;      ///< bytes, 0: none
    std::uint64_t quota_used = 0;
};

class Device {
  public:
    /// Destroying a device leaves the data plane as it is, for the next daemon to adopt.
    Device(Datapath &datapath, Random &random);
    ~Device();
    Device(const Device &) = delete;
    Device &operator=(const Device &) = delete;

    // --- requests ---

    /// Refuses (with the field's name) before anything is changed, or applies all of it.
    /// listen_port and fwmark are the caller's; the device only forgets sticky sources when they
    /// change.
    Result<> apply(DeviceChange change, Now now);
    /// Takes over a peer of an earlier daemon, with its sessions. Call after apply() of the private
    /// key.
    Result<> adopt(AdoptedPeer peer, Now now, PeerNote note = {});
    /// Interface up: peers with a persistent keepalive send one. Interface down: keys wiped, timers
    /// stopped.
    void up(Now now);
    void down(Now now);
    bool is_up() const;
    /// The machine is about to sleep: no key is to lie in memory meanwhile. Timers and what is
    /// staged stay; the next packet begins a handshake.
    void wipe_keys(Now now);
    /// The machine is a copy that another may be running, too: sending on would use nonces twice.
    /// Keys are kept for receiving; the next packet begins a handshake at once.
    void expire_sending_keys(Now now);

    const Key *private_key() const; ///< nullptr: none set
    std::optional<PublicKey> public_key() const;
    std::vector<PeerInfo> peers() const; ///< in order of creation
    std::optional<PeerInfo> peer(const PublicKey &key) const;
    std::optional<PeerId> peer_id(const PublicKey &key) const;
    std::map<PublicKey, PeerNote> notes() const; ///< of the peers of which there is something
    std::optional<Endpoint> endpoint_of(PeerId peer) const;

    /// The peer's sticky source is no longer ours, or its route leaves by another interface.
    void lose_source(PeerId peer);

    // --- what arrived ---

    /// How many handshake messages wait to be received, now: from 512 on the device is under load,
    /// and for a second afterwards; strangers must then prove their address by a cookie. Say it
    /// before each batch.
    void handshakes_queued(std::size_t messages, Now now);
    /// A datagram of type 1 to 3 (or any other that is not transport data) from the UDP socket.
    void receive(Bytes datagram, const Endpoint &from, Now now);
    /// An inner packet for this peer that the data plane had no key, endpoint or room for: sent now
    /// if there is a usable keypair, otherwise staged and a handshake begun.
    void send(PeerId peer, Bytes packet, Now now);
    /// The bell of the data plane.
    void event(const wg_event &event, Now now);

    /// Is that what a peer's places are, still?
    bool has_places(const PublicKey &peer, const std::vector<std::string> &places) const;
    /// What the places of a peer were found to be, in their order.
    void found(const PublicKey &peer,
               const std::vector<std::string> &places,
               std::vector<Endpoint> candidates,
               Now now);

    // --- time ---

    /// Runs what is due. Returns when to call again (NEVER: nothing is pending).
    Instant advance(Now now);
    Instant next_deadline() const;

    /// A peer's endpoint (or our address towards it) was set or moved, or the peer is gone: the
    /// owner keeps its route true. Called after the peer is published and before anything is sent
    /// there; must not change the device.
    std::function<void(PeerId)> endpoint_changed;

    /// Hears what happens to peers; the event is valid during the call. Must not change the device.
    std::function<void(const PeerEvent &)> report;

    /// Asks what these places of a peer are; found() is told, now or later.
    std::function<void(const PublicKey &, const std::vector<std::string> &places)> look_up;

    /// Takes public-key work, to have it done elsewhere. Unset: it is done in place.
    std::function<void(HandshakeJob)> hand_out;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace wg
