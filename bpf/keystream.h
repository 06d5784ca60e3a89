/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * Keystream made ahead: WireGuard's nonce is a counter, so the daemon's producers know the
 * keystream of coming packets and fill rings for the keypairs that are busy. Programs only read
 * slots: the cache lines they share with a producer stay cheap, and a forgery has nothing to spoil.
 * What has no ready slot is for the inline cipher (crypto/slot.h).
 */
#ifndef WGXDP_BPF_KEYSTREAM_H
#define WGXDP_BPF_KEYSTREAM_H

#include "maps.h"
#include "portable.h"
#include "session.h"

static __always_inline void count_cipher(enum wg_cipher_count count)
{
    __u32 key = count;
    __u64 *packets = bpf_map_lookup_elem(&cipher_counts, &key);

    if (packets)
        (*packets)++;
}

/* The ring of this number, if it is the session's in this direction. */
static __always_inline struct wg_ring *
find_ring(const struct wg_session *session, __u32 number, enum wg_direction direction)
{
    struct wg_ring *ring = bpf_map_lookup_elem(&rings, &number);

    return ring && ring->keypair == session->id && ring->direction == direction ? ring : 0;
}

/* The slot with this counter's keystream, to be read and then asked is_still_ready; null: it is not
 * there, or too short. */
static const __always_inline struct wg_slot *find_ready(const struct wg_session *session,
                                                        enum wg_direction direction,
                                                        __u64 counter,
                                                        __u32 length,
                                                        __u64 *state)
{
    const struct wg_peer_activity *activity = session->activity;
    __u32 number = direction == WG_SEND ? *(volatile __u32 *)&activity->send_ring
                                        : *(volatile __u32 *)&activity->receive_ring;
    __u32 index = counter % WG_RING_SLOTS;
    const struct wg_slot *slot;
    void *slots;

    if (counter >= WG_SLOT_COUNTERS || !find_ring(session, number, direction))
        return 0;
    slots = bpf_map_lookup_elem(&ring_slots, &number);
    if (!slots)
        return 0;
    slot = bpf_map_lookup_elem(slots, &index);
    if (!slot)
        return 0;
    *state = read_once(&slot->state);
    if ((*state & ~WG_SLOT_GENERATIONS) != (WG_SLOT_READY | counter))
        return 0;
    full_barrier();
    return read_once(&slot->blocks) * 64 >= 64 + length ? slot : 0;
}

/* Has the slot been as it was found all the time? If not, a producer has overtaken us. */
static __always_inline bool is_still_ready(const struct wg_slot *slot, __u64 state)
{
    full_barrier();
    return read_once(&slot->state) == state;
}

/* False: it holds no more. */
static __always_inline bool ring_bell(const struct wg_session *session, enum wg_direction direction)
{
    struct wg_keystream_wanted wanted = {
        .keypair = session->id, .peer = session->keypair->peer, .direction = direction};

    return !bpf_ringbuf_output(&keystream_bell, &wanted, sizeof(wanted), 0);
}

/* What a producer goes by. It sleeps while little is used up; a packet that found no slot wakes it
 * as well. */
static __always_inline void follow(const struct wg_session *session,
                                   struct wg_ring *ring,
                                   __u64 counter,
                                   __u32 length,
                                   enum wg_direction direction)
{
    if (counter >= read_once(&ring->next))
        write_once(&ring->next, counter + 1);
    if (length > read_once(&ring->longest))
        write_once(&ring->longest, length);
    if (read_once(&ring->armed) && (!session->ready || counter >= read_once(&ring->wake_at)) &&
        __sync_val_compare_and_swap(&ring->armed, 1, 0) == 1 && !ring_bell(session, direction))
        write_once(&ring->armed, 1); /* the next packet tries again */
}

/* A peer without a ring that sends or receives more than a little gets one. */
static __always_inline void count_burst(const struct wg_session *session,
                                        __u64 *since,
                                        __u32 *packets,
                                        enum wg_direction direction)
{
    if ((__s64)(session->now - *since) > (__s64)WG_BURST_INTERVAL) {
        *since = session->now;
        *packets = 0;
    }
    if (++*packets == WG_BURST_PACKETS) {
        *since = session->now + WG_BURST_PAUSE;
        ring_bell(session, direction);
    }
}

/* After every packet that was sealed. */
static __always_inline void
note_sealed(const struct wg_session *session, __u64 counter, __u32 length)
{
    struct wg_peer_activity *activity = session->activity;
    struct wg_ring *ring = find_ring(session, activity->send_ring, WG_SEND);

    count_cipher(session->ready ? WG_SEALED_READY : WG_SEALED_INLINE);
    if (ring)
        follow(session, ring, counter, length, WG_SEND);
    else
        count_burst(session, &activity->send_burst_since, &activity->send_burst, WG_SEND);
}

/* After every packet that was authentic and new: only those tell what comes next. */
static __always_inline void
note_opened(const struct wg_session *session, __u64 counter, __u32 length)
{
    struct wg_peer_activity *activity = session->activity;
    struct wg_ring *ring = find_ring(session, activity->receive_ring, WG_RECEIVE);

    count_cipher(session->ready ? WG_OPENED_READY : WG_OPENED_INLINE);
    if (ring)
        follow(session, ring, counter, length, WG_RECEIVE);
    else
        count_burst(session, &activity->receive_burst_since, &activity->receive_burst, WG_RECEIVE);
}

#endif
