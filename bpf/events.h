/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * What the daemon's timers need to know (story 4): time stamps of each peer, and a bell for the
 * transitions.
 */
#ifndef WGXDP_BPF_EVENTS_H
#define WGXDP_BPF_EVENTS_H

#include <stdbool.h>

#include "maps.h"
#include "session.h"

/* Rings once per bit until the daemon clears it. A full ring takes the bit back, so that the next
 * packet tries again. */
static __always_inline void raise(const struct wg_session *session, __u32 bits)
{
    struct wg_event event = {.peer = session->keypair->peer, .bits = bits, .keypair = session->id};
    __u32 *raised = &session->activity->events;

    if ((*(volatile __u32 *)raised & bits) == bits)
        return;
    if ((__sync_fetch_and_or(raised, bits) & bits) == bits)
        return;
    if (bpf_ringbuf_output(&events, &event, sizeof(event), 0))
        __sync_fetch_and_and(raised, ~bits);
}

/* The session is older than the time it should be used for: tell, at most once in REKEY_TIMEOUT. */
static __always_inline void tell_rekey(const struct wg_session *session)
{
    struct wg_keypair *keypair = session->keypair;

    if (session->now - keypair->rekey_told < REKEY_TIMEOUT)
        return;
    keypair->rekey_told = session->now;
    raise(session, WG_EVENT_REKEY);
}

static __always_inline void note_sent(const struct wg_session *session, __u64 counter, __u32 length)
{
    struct wg_peer_activity *activity = session->activity;
    struct wg_keypair *keypair = session->keypair;

    __sync_fetch_and_add(&activity->tx_bytes, WG_TRANSPORT_OVERHEAD + length);
    activity->last_sent = session->now;
    if (length) {
        if (activity->first_unanswered <= *(volatile __u64 *)&activity->last_received)
            activity->first_unanswered = session->now;
        raise(session, WG_EVENT_SENT);
    }
    if (counter >= REKEY_AFTER_MESSAGES || (keypair->flags & WG_KEYPAIR_INITIATOR &&
                                            session->now - keypair->created_at >= REKEY_AFTER_TIME))
        tell_rekey(session);
}

/* now: of this very packet, read after it was authenticated */
static __always_inline void note_received(const struct wg_session *session, __u32 length)
{
    const __u64 last_minute = REJECT_AFTER_TIME - KEEPALIVE_TIMEOUT - REKEY_TIMEOUT;
    struct wg_peer_activity *activity = session->activity;
    struct wg_keypair *keypair = session->keypair;

    __sync_fetch_and_add(&activity->rx_bytes, WG_TRANSPORT_OVERHEAD + length);
    activity->last_received = session->now;
    if (length) {
        activity->last_data_received = session->now;
        if (activity->first_unacknowledged <= *(volatile __u64 *)&activity->last_sent)
            activity->first_unacknowledged = session->now;
        raise(session, WG_EVENT_RECEIVED);
    }
    if (session->id == session->peer->next)
        raise(session, WG_EVENT_CONFIRMED);
    if (keypair->flags & WG_KEYPAIR_INITIATOR && session->now - keypair->created_at >= last_minute)
        tell_rekey(session);
}

#endif
