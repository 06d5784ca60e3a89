// SPDX-License-Identifier: MIT
//
// One peer as the device sees it: what is published, the handshake, the sessions, the timers, the
// packets that wait.
#pragma once

#include <list>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "datapath/datapath.h"
#include "device/keypairs.h"
#include "device/timers.h"
#include "noise/cookie.h"
#include "noise/handshake.h"

namespace wg {

struct Peer {
    Peer(PeerId id, const PublicKey &public_key, Random &random);

    PeerId id() const { return state.id; }
    /// What the next packet may be sent with; nullptr: a handshake is wanted first.
    const Keypair *usable_keypair(Instant now) const;
    /// At most one handshake message in REKEY_TIMEOUT.
    bool may_initiate(Instant now) const;
    /// Keeps a packet until there is a key. Returns how many of the oldest had to go for it.
    std::size_t stage(Bytes packet);
    /// The peer is there, since then. Marks endpoint_moved if that is news.
    void set_endpoint(const Endpoint &endpoint, Instant when);
    /// Nobody knows where the peer is. Marks endpoint_moved likewise.
    void forget_endpoint(Instant when);
    /// Lets the route choose our address, until the peer is heard again.
    void clear_sticky_source();
    /// The same, until it is heard at another address or interface of ours.
    void lose_source();
    /// Remembers what fell out of the slots until the peer is published without it.
    void add_fallen(FallenKeypairs keypairs);

    bool has_sticky_source() const;

    std::string name; ///< that people gave it; empty: none
    PeerState state;  ///< as published, or about to be
    Handshake handshake;
    bool has_static_static =
        false; ///< handshake.set_identity was called: one DH, put off until it is needed
    std::optional<std::uint32_t> handshake_index;
    std::optional<Instant> last_sent_handshake; ///< initiation or response; none: at once
    bool sent_lastminute_handshake = false;     ///< for the session to be replaced
    CookieGenerator cookie_generator;
    Keypairs keypairs;
    FallenKeypairs fallen;
    Timers timers;
    Instant scheduled = NEVER; ///< where the peer stands in the schedule
    /// Where people said that it may be, in their order: "HOST:PORT", for the owner to look up.
    std::vector<std::string> places;
    std::vector<Endpoint> candidates; ///< what the places were found to be
    std::uint32_t unanswered = 0;     ///< initiations since a handshake was complete
    bool is_looked_up = false;        ///< the owner will say what it has found
    Instant endpoint_since{};
    bool has_session = false;    ///< as people see it: not lost since a handshake was complete
    bool endpoint_moved = false; ///< and nobody was told yet
    std::list<Buffer> staged;    ///< oldest first; an empty one is a keepalive
};

} // namespace wg
