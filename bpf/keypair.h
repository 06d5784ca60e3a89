/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * The limits of a keypair and its two counters. Counter and window have one home, the element, and
 * every path to it (fast or slow) goes through here.
 */
#ifndef WGXDP_BPF_KEYPAIR_H
#define WGXDP_BPF_KEYPAIR_H

#include "events.h"
#include "maps.h"
#include "replay.h"
#include "session.h"

static __always_inline bool is_expired(const struct wg_session *session)
{
    return session->now - session->keypair->created_at >= REJECT_AFTER_TIME;
}

/* Takes the next counter: from here on that nonce is burnt, whatever becomes of the packet. The
 * limit is compared first: refused packets must not push the counter round. */
static __always_inline enum wg_drop_reason take_counter(struct wg_keypair *keypair, __u64 *counter)
{
    if (*(volatile __u64 *)&keypair->tx_counter >= REJECT_AFTER_MESSAGES)
        return WG_DROP_SEND_LIMIT;
    *counter = __sync_fetch_and_add(&keypair->tx_counter, 1);
    return *counter < REJECT_AFTER_MESSAGES ? WG_DROP_NONE : WG_DROP_SEND_LIMIT;
}

/* What is cheap to know before any cipher work. The replay look is a hint: accept_counter decides.
 */
static __always_inline enum wg_drop_reason check_receivable(const struct wg_session *session,
                                                            __u64 counter)
{
    if (is_expired(session))
        return WG_DROP_KEYPAIR_EXPIRED;
    return replay_check_hint(session->keypair, counter);
}

static __always_inline bool same_address(const __u8 *a, const __u8 *b)
{
    const __u64 *left = (const __u64 *)a, *right = (const __u64 *)b;

    return left[0] == right[0] && left[1] == right[1];
}

/* What there is to tell the daemon of where the peer was heard, 0: nothing. */
static __always_inline __u32 place_event(const struct wg_peer *peer,
                                         const struct wg_observed_endpoint *from)
{
    if (from->source.port != peer->endpoint.port || from->source.family != peer->endpoint.family ||
        from->source.scope_id != peer->endpoint.scope_id ||
        !same_address(from->source.address, peer->endpoint.address) ||
        !same_address(from->destination, peer->source))
        return WG_EVENT_ENDPOINT;
    return from->ifindex != peer->source_ifindex ? WG_EVENT_INTERFACE : 0;
}

/* The packet is authentic: replay window, roaming note, time stamps. from->source.family 0: nowhere
 * to roam to. */
static __always_inline enum wg_drop_reason accept_counter(const struct wg_session *session,
                                                          __u64 counter,
                                                          __u32 length,
                                                          struct wg_observed_endpoint *from)
{
    struct wg_keypair *keypair = session->keypair;
    const __u32 event = from->source.family ? place_event(session->peer, from) : 0;
    enum wg_drop_reason drop;

    from->noted_at = session->now;
    bpf_spin_lock(&keypair->lock);
    drop = replay_accept(keypair, counter);
    if (!drop && event)
        keypair->observed = *from;
    bpf_spin_unlock(&keypair->lock);
    if (drop)
        return drop;
    note_received(session, length);
    if (event)
        raise(session, event);
    return WG_DROP_NONE;
}

#endif
