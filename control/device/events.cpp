// SPDX-License-Identifier: MIT
//
// What happens without a message for us: the data plane's bell, and time (story 4).
#include <utility>

#include "base/encoding.h"
#include "base/log.h"
#include "device/state.h"

namespace wg {

void Device::State::event(const wg_event &event, Now now)
{
    Peer *peer = peers.find(event.peer);
    if (!peer)
        return;
    if (!up) { // rung just before the keys went
        datapath.acknowledge(event.peer, event.bits);
        return;
    }

    // The two timers' bits stay set while their timer is armed: one bell an idle peer, not one a
    // packet.
    const std::uint32_t at_once = event.bits & ~std::uint32_t{WG_EVENT_SENT | WG_EVENT_RECEIVED};
    constexpr std::uint32_t MOVED = WG_EVENT_ENDPOINT | WG_EVENT_INTERFACE;
    if (event.bits & MOVED)     // once before: until then the bit keeps packets from where
        follow_endpoint(*peer); // the peer was
    if (at_once)
        datapath.acknowledge(event.peer, at_once);
    if (event.bits & (MOVED | WG_EVENT_CONFIRMED))
        follow_endpoint(*peer);
    if (event.bits & WG_EVENT_CONFIRMED && peer->keypairs.is_next(event.keypair))
        confirm_next(*peer, now);
    if (event.bits & WG_EVENT_REKEY && peer->keypairs.is_current(event.keypair))
        keep_key_fresh(*peer, now);
    if (event.bits & WG_EVENT_SENT)
        look_at_sent(*peer, now);
    if (event.bits & WG_EVENT_RECEIVED)
        look_at_received(*peer);
    settle(*peer, now);
}

void Device::State::follow_endpoint(Peer &peer)
{
    for (const auto *slot :
         {&peer.keypairs.current(), &peer.keypairs.previous(), &peer.keypairs.next()}) {
        if (!*slot)
            continue;
        const auto observed = datapath.observed_endpoint((*slot)->id);
        if (observed && observed->second > peer.endpoint_since &&
            observed->first != peer.state.heard)
            move_endpoint(peer, observed->first, observed->second);
    }
    if (peer.endpoint_moved)
        publish(peer);
}

void Device::State::confirm_next(Peer &peer, Now now)
{
    peer.add_fallen(peer.keypairs.confirm_next());
    handshake_complete(peer, now);
    publish(peer);
    send_staged_packets(peer, now);
}

/// The bell rings every REKEY_TIMEOUT from then on, for packets either way; the driver begins anew
/// with each packet sent after 120 s, and once with one received after 165 s. Which it was, the
/// newer stamp tells.
void Device::State::keep_key_fresh(Peer &peer, Now now)
{
    const Keypair &current = *peer.keypairs.current();
    const PeerActivity activity = datapath.activity(peer.id());
    const Duration last_minute = ns(REJECT_AFTER_TIME - KEEPALIVE_TIMEOUT - REKEY_TIMEOUT);

    if (!current.sending_valid)
        return;
    if (activity.last_received > activity.last_sent &&
        now.instant - current.created_at >= last_minute &&
        std::exchange(peer.sent_lastminute_handshake, true))
        return;
    begin_handshake(peer, now);
}

void Device::State::look_at_sent(Peer &peer, Now now)
{
    if (peer.timers.is_armed(Timer::new_handshake))
        return; // it looks for itself when it is due
    peer.timers.data_sent(datapath.activity(peer.id()), now.instant);
    if (peer.timers.is_armed(Timer::new_handshake))
        return;
    // Answered already: let the next packet ring, and look once more for one that came in between.
    datapath.acknowledge(peer.id(), WG_EVENT_SENT);
    peer.timers.data_sent(datapath.activity(peer.id()), now.instant);
}

void Device::State::look_at_received(Peer &peer)
{
    if (peer.timers.is_armed(Timer::send_keepalive))
        return;
    peer.timers.data_received(datapath.activity(peer.id()));
    if (peer.timers.is_armed(Timer::send_keepalive))
        return;
    datapath.acknowledge(peer.id(), WG_EVENT_RECEIVED);
    peer.timers.data_received(datapath.activity(peer.id()));
}

Instant Device::State::advance(Now now)
{
    while (const auto id = schedule.first_due(now.instant))
        run_timers(*peers.find(*id), now);
    return schedule.next();
}

void Device::State::run_timers(Peer &peer, Now now)
{
    const TimerSet due = peer.timers.due_by(now.instant);
    const std::uint32_t bits =
        (due.has(Timer::new_handshake) ? std::uint32_t{WG_EVENT_SENT} : 0) |
        (due.has(Timer::send_keepalive) ? std::uint32_t{WG_EVENT_RECEIVED} : 0);
    if (bits)
        datapath.acknowledge(peer.id(), bits); // first clear, then look: nothing is missed

    const TimerSet expired = peer.timers.expire(datapath.activity(peer.id()), now.instant);
    if (expired.has(Timer::zero_key_material))
        wipe_keys(peer, "session_expired");
    if (expired.has(Timer::retransmit_handshake))
        retransmit_handshake(peer, now);
    if (expired.has(Timer::new_handshake))
        restart_handshake(peer, now);
    if (expired.has(Timer::send_keepalive))
        send_passive_keepalive(peer, now);
    if (expired.has(Timer::persistent_keepalive))
        send_keepalive(peer, now);
    settle(peer, now);
}

void Device::State::retransmit_handshake(Peer &peer, Now now)
{
    // The driver begins anew with each packet that goes unanswered; here one look at the end does.
    if (peer.timers.attempts_exhausted() && peer.usable_keypair(now.instant) &&
        datapath.activity(peer.id()).last_sent > peer.last_sent_handshake.value_or(Instant{}))
        peer.timers.reset_attempts();

    if (peer.timers.attempts_exhausted()) {
        log::debug("peer {}: handshake not answered after {} attempts, giving up",
                   to_base64(peer.state.public_key), MAX_TIMER_HANDSHAKES + 2);
        purge_staged_packets(peer);
        peer.timers.handshake_abandoned(now.instant);
        datapath.acknowledge(peer.id(), WG_EVENT_RECEIVED);
        auto event = event_of(peer, PeerEventKind::handshake_failed, "gave_up");
        event.attempts = std::exchange(peer.unanswered, 0);
        report(event);
        session_lost(peer, "gave_up");
        return;
    }
    peer.timers.count_attempt();
    forget_source(peer); // in case that was the trouble
    send_initiation(peer, now);
}

void Device::State::restart_handshake(Peer &peer, Now now)
{
    forget_source(peer);
    begin_handshake(peer, now);
}

void Device::State::send_passive_keepalive(Peer &peer, Now now)
{
    send_keepalive(peer, now);
    if (peer.timers.needs_another_keepalive())
        peer.timers.rearm_keepalive(std::max(now.instant, datapath.activity(peer.id()).last_sent));
}

void Device::State::settle(Peer &peer, Now now)
{
    const bool alive = up && peer.state.endpoint;
    const Duration interval = std::chrono::seconds(alive ? peer.state.persistent_keepalive : 0);

    if (interval != peer.timers.persistent_keepalive_interval())
        peer.timers.keep_alive_every(interval, datapath.activity(peer.id()), now.instant);
    schedule.move(peer.id(), peer.scheduled, peer.timers.next_deadline());
}

} // namespace wg
