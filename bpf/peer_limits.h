/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * What people allow a peer: a rate each way, and a quota both ways together. Bytes are those that
 * tx_bytes and rx_bytes count. All CPUs share one bucket a direction, without a lock: it is the
 * time at which everything that has passed would have passed at the rate, and each packet adds its
 * own share. Ahead of the clock by a burst, the bucket is empty.
 */
#ifndef WGXDP_BPF_PEER_LIMITS_H
#define WGXDP_BPF_PEER_LIMITS_H

#include "session.h"

enum wg_limit_units : __u64 { NS_PER_S = 1000000000 };

/* Takes `length` bytes from a limited peer's quota and bucket, or nothing. A packet passes whole
 * when anything is left in the bucket: the next ones wait the longer. */
__global int
take_share(const struct wg_peer *peer, __u64 *quota_used, __u64 *free_at, __u64 length, __u64 now)
{
    __u64 before = 0;

    if (!peer || !quota_used || !free_at)
        return WG_DROP_NO_STATE;
    if (peer->rate_limit) {
        before = read_once(free_at);
        if (before > now + peer->burst_ns)
            return WG_DROP_OVER_RATE;
    }
    if (peer->quota && __sync_fetch_and_add(quota_used, length) + length > peer->quota) {
        __sync_fetch_and_add(quota_used, -length);
        return WG_DROP_OVER_QUOTA;
    }
    if (peer->rate_limit) {
        if (before < now) /* a full bucket: if it is not, another CPU has just seen to it */
            __sync_val_compare_and_swap(free_at, before, now);
        __sync_fetch_and_add(free_at, length * NS_PER_S / peer->rate_limit);
    }
    return WG_DROP_NONE;
}

/* length: of the padded inner packet. Keepalives (0) are not limited: the session must live on. */
static __always_inline enum wg_drop_reason
check_limits(const struct wg_session *session, __u64 *free_at, __u32 length)
{
    if (!(session->peer->flags & WG_PEER_LIMITED) || !length)
        return WG_DROP_NONE;
    return take_share(session->peer, &session->activity->quota_used, free_at,
                      WG_TRANSPORT_OVERHEAD + length, session->now);
}

static __always_inline enum wg_drop_reason check_send_limits(const struct wg_session *session,
                                                             __u32 length)
{
    return check_limits(session, &session->activity->send_free_at, length);
}

static __always_inline enum wg_drop_reason check_receive_limits(const struct wg_session *session,
                                                                __u32 length)
{
    return check_limits(session, &session->activity->receive_free_at, length);
}

#endif
