// SPDX-License-Identifier: MIT
//
// The inside of a Device. The functions are grouped by the file they stand in.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <optional>

#include "device/allowed_ips.h"
#include "device/device.h"
#include "device/index_table.h"
#include "device/peer.h"
#include "device/peer_table.h"
#include "device/rate_limiter.h"
#include "device/schedule.h"
#include "device/under_load.h"

namespace wg {

inline constexpr std::uint32_t ALL_EVENTS = WG_EVENT_SENT | WG_EVENT_RECEIVED | WG_EVENT_CONFIRMED |
                                            WG_EVENT_ENDPOINT | WG_EVENT_REKEY | WG_EVENT_INTERFACE;

struct Device::State {
    State(const Device &owner, Datapath &its_datapath, Random &its_random);

    // --- configure.cpp: requests ---
    class Request;
    Result<> apply(DeviceChange &change, Now now);

    // --- lifecycle.cpp: what concerns all peers, or the whole of one ---
    void bring_up(Now now);
    void bring_down(Now now);
    void rename(Peer &peer, std::string name);
    void set_identity(std::shared_ptr<const StaticIdentity> new_identity, Now now);
    void wipe_keys(Now now);
    void expire_sending_keys(Now now);
    void expire_sending_keys(Peer &peer);
    void clear_sticky_sources();
    void forget_source(Peer &peer);
    void remove_peer(Peer &peer);

    // --- adopt.cpp: an earlier daemon's peers ---
    Result<> adopt(AdoptedPeer &adopted, PeerNote note, Now now);
    void adopt_keypairs(Peer &peer, std::vector<AdoptedKeypair> &found, Now now);
    void resume(Peer &peer, Now now);

    // --- session.cpp: from a handshake to published keypairs ---
    void learn_static_static(Peer &peer);
    void set_handshake_index(Peer &peer, std::uint32_t index);
    void clear_handshake(Peer &peer);
    template <typename Work, typename Finish>
    void hand_out(Work work, bool is_answer, Finish finish, Now now);
    [[nodiscard]] bool begin_session(Peer &peer, Now now);
    void handshake_complete(Peer &peer, Now now);
    void session_lost(Peer &peer, std::string_view reason);
    void wipe_keys(Peer &peer, std::string_view reason);
    void retire_fallen(Peer &peer);
    Result<> try_publish(Peer &peer);
    void publish(Peer &peer);
    void tell_endpoint(Peer &peer);
    void move_endpoint(Peer &peer, const Endpoint &to, Instant when, std::string_view why = {});

    // --- fail_over.cpp: several places where a peer may be ---
    void set_places(Peer &peer, std::vector<std::string> places);
    void look_up(Peer &peer);
    void initiation_unanswered(Peer &peer, Now now);
    void found(Peer &peer, std::vector<Endpoint> candidates, Now now);

    // --- receive.cpp: messages of type 1 to 3 ---
    void receive(Bytes datagram, const Endpoint &from, Now now);
    [[nodiscard]] bool admit(Bytes datagram, const Endpoint &from, Now now);
    void refuse(wg_drop_reason reason, const Endpoint &from, const PublicKey *key = nullptr);
    void receive_initiation(const wg_handshake_initiation &message, const Endpoint &from, Now now);
    void consume_initiation(IdentifiedInitiation initiation, const Endpoint &from, Now now);
    void receive_response(const wg_handshake_response &message, const Endpoint &from, Now now);
    void consume_response(PeerId id, ConsumptionWork work, const Endpoint &from, Now now);
    void receive_cookie(const wg_cookie_reply &reply, Now now);

    // --- send.cpp: initiations, responses, data ---
    void send(Peer &peer, Bytes packet, Now now);
    void begin_handshake(Peer &peer, Now now);
    void send_initiation(Peer &peer, Now now);
    void finish_initiation(PeerId id, InitiationWork work, Now now);
    void send_response(Peer &peer, Now now);
    void finish_response(PeerId id, ResponseWork work, Now now);
    void send_message(Peer &peer, MutableBytes message, Now now);
    void send_keepalive(Peer &peer, Now now);
    void send_staged_packets(Peer &peer, Now now);
    void purge_staged_packets(Peer &peer);

    // --- events.cpp: the data plane's bell, and time ---
    void event(const wg_event &event, Now now);
    void follow_endpoint(Peer &peer);
    void confirm_next(Peer &peer, Now now);
    void keep_key_fresh(Peer &peer, Now now);
    void look_at_sent(Peer &peer, Now now);
    void look_at_received(Peer &peer);
    Instant advance(Now now);
    void run_timers(Peer &peer, Now now);
    void retransmit_handshake(Peer &peer, Now now);
    void restart_handshake(Peer &peer, Now now);
    void send_passive_keepalive(Peer &peer, Now now);

    // --- device.cpp ---
    bool is_under_load(Instant now);
    void share_cookies(Now now);
    void forget_cookies();
    PeerInfo describe(const Peer &peer) const;
    void report(const PeerEvent &event) const;
    static PeerEvent event_of(const Peer &peer, PeerEventKind kind, std::string_view reason = {});

    /// At the end of everything that touches a peer: puts it where its timers want it.
    void settle(Peer &peer, Now now);

    const Device &device;
    Datapath &datapath;
    Random &random;
    bool up = false;
    std::shared_ptr<const StaticIdentity> identity; ///< shared with work that is under way
    std::uint64_t times_down = 0;
    std::optional<CookieChecker> cookie_checker; ///< of the identity
    IndexTable indices;
    AllowedIps allowed_ips;
    std::map<std::string, PeerId> names; ///< of the peers that have one
    RateLimiter rate_limiter;
    UnderLoad under_load;
    Instant cookies_shared_until{}; ///< with the data plane; zero: they are not
    Schedule schedule;
    PeerTable peers;
};

/// `finish` is called with the work when it is done: at once, unless somebody takes work away.
template <typename Work, typename Finish>
void Device::State::hand_out(Work work, bool is_answer, Finish finish, Now now)
{
    const auto shared = std::make_shared<Work>(std::move(work));
    HandshakeJob job{.compute = [shared] { shared->compute(); },
                     .finish = [shared, finish](Now then) { finish(std::move(*shared), then); },
                     .is_answer = is_answer};
    if (device.hand_out)
        return device.hand_out(std::move(job));
    job.compute();
    job.finish(now);
}

} // namespace wg
