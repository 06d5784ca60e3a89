/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * Opening a packet, for XDP and for TC: in one pass with keystream that is ready; else the tag is
 * verified from one block, and only then is the rest made, so that a forgery costs no more.
 */
#ifndef WGXDP_BPF_DECRYPT_H
#define WGXDP_BPF_DECRYPT_H

#include "crypto/aead.h"
#include "crypto/slot.h"
#include "keypair.h"
#include "keystream.h"
#include "packet.h"


__global int
open_xdp_data(struct xdp_md *xdp, __u32 offset, __u32 length, const struct wg_slot *slot)
{
    if (!slot)
        return AEAD_OUT_OF_BOUNDS;
    return aead_open((void *)(long)xdp->data + (offset & 0x7f), (void *)(long)xdp->data_end, length,
                     slot);
}

__global int
verify_xdp_data(struct xdp_md *xdp, __u32 offset, __u32 length, const struct wg_slot *slot)
{
    if (!slot)
        return AEAD_OUT_OF_BOUNDS;
    return aead_verify((void *)(long)xdp->data + (offset & 0x7f), (void *)(long)xdp->data_end,
                       length, slot);
}

__global int
decrypt_xdp_data(struct xdp_md *xdp, __u32 offset, __u32 length, const struct wg_slot *slot)
{
    if (!slot)
        return AEAD_OUT_OF_BOUNDS;
    return aead_decrypt((void *)(long)xdp->data + (offset & 0x7f), (void *)(long)xdp->data_end,
                        length, slot);
}

__global int
open_skb_data(struct __sk_buff *skb, __u32 offset, __u32 length, const struct wg_slot *slot)
{
    if (!slot)
        return AEAD_OUT_OF_BOUNDS;
    return aead_open((void *)(long)skb->data + (offset & 0x7f), (void *)(long)skb->data_end, length,
                     slot);
}

__global int
verify_skb_data(struct __sk_buff *skb, __u32 offset, __u32 length, const struct wg_slot *slot)
{
    if (!slot)
        return AEAD_OUT_OF_BOUNDS;
    return aead_verify((void *)(long)skb->data + (offset & 0x7f), (void *)(long)skb->data_end,
                       length, slot);
}

__global int
decrypt_skb_data(struct __sk_buff *skb, __u32 offset, __u32 length, const struct wg_slot *slot)
{
    if (!slot)
        return AEAD_OUT_OF_BOUNDS;
    return aead_decrypt((void *)(long)skb->data + (offset & 0x7f), (void *)(long)skb->data_end,
                        length, slot);
}

static __always_inline enum wg_drop_reason aead_drop(int result)
{
    if (result == AEAD_OK)
        return WG_DROP_NONE;
    return result == AEAD_BAD_TAG ? WG_DROP_BAD_TAG : WG_DROP_BAD_LENGTH;
}

static __always_inline enum wg_drop_reason open_xdp_inline(struct xdp_md *xdp,
                                                           const struct wg_packet *packet,
                                                           const struct wg_session *session)
{
    const __u32 offset = packet->payload_offset, length = packet->payload_length;
    struct wg_keypair_secrets *secrets = bpf_map_lookup_elem(&keypair_secrets, &session->id);
    struct wg_slot *slot;
    __u32 which = 0;
    int result;

    if (!secrets)
        return WG_DROP_NO_STATE;
    slot = claim_slot(&which);
    if (!slot)
        return WG_DROP_NO_SLOT;
    fill_poly_key(slot, &secrets->receive, packet->counter);
    result = verify_xdp_data(xdp, offset, length, slot);
    if (result == AEAD_OK && length) {
        fill_keystream(slot, &secrets->receive, packet->counter, length);
        result = decrypt_xdp_data(xdp, offset, length, slot);
    }
    release_slot(which);
    return aead_drop(result);
}

static __always_inline enum wg_drop_reason
open_xdp(struct xdp_md *xdp, const struct wg_packet *packet, struct wg_session *session)
{
    const __u32 offset = packet->payload_offset, length = packet->payload_length;
    const struct wg_slot *slot;
    __u64 state = 0;
    int result;

    slot = find_ready(session, WG_RECEIVE, packet->counter, length, &state);
    session->ready = opaque(slot != 0);
    if (!slot)
        return open_xdp_inline(xdp, packet, session);
    result = open_xdp_data(xdp, offset, length, slot);
    return is_still_ready(slot, state) ? aead_drop(result) : WG_DROP_OVERTAKEN;
}

static __always_inline enum wg_drop_reason open_skb_inline(struct __sk_buff *skb,
                                                           const struct wg_packet *packet,
                                                           const struct wg_session *session)
{
    const __u32 offset = packet->payload_offset, length = packet->payload_length;
    struct wg_keypair_secrets *secrets = bpf_map_lookup_elem(&keypair_secrets, &session->id);
    struct wg_slot *slot;
    __u32 which = 0;
    int result;

    if (!secrets)
        return WG_DROP_NO_STATE;
    slot = claim_slot(&which);
    if (!slot)
        return WG_DROP_NO_SLOT;
    fill_poly_key(slot, &secrets->receive, packet->counter);
    result = verify_skb_data(skb, offset, length, slot);
    if (result == AEAD_OK && length) {
        fill_keystream(slot, &secrets->receive, packet->counter, length);
        result = decrypt_skb_data(skb, offset, length, slot);
    }
    release_slot(which);
    return aead_drop(result);
}

static __always_inline enum wg_drop_reason
open_tc(struct __sk_buff *skb, const struct wg_packet *packet, struct wg_session *session)
{
    const __u32 offset = packet->payload_offset, length = packet->payload_length;
    const struct wg_slot *slot;
    __u64 state = 0;
    int result;

    if (bpf_skb_pull_data(skb, skb->len)) /* also makes it writable */
        return WG_DROP_NO_ROOM;
    slot = find_ready(session, WG_RECEIVE, packet->counter, length, &state);
    session->ready = opaque(slot != 0);
    if (!slot)
        return open_skb_inline(skb, packet, session);
    result = open_skb_data(skb, offset, length, slot);
    return is_still_ready(slot, state) ? aead_drop(result) : WG_DROP_OVERTAKEN;
}

#endif
