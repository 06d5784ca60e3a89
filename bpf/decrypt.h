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

/* What the packet stands in; a constant wherever it is passed on. */
enum wg_context : __u32 { WG_CONTEXT_XDP, WG_CONTEXT_SKB };

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

/* The verifier wants a function of its own for each type of context. */
static __always_inline int run_aead(void *context,
                                    enum wg_context type,
                                    enum aead_mode mode,
                                    __u32 offset,
                                    __u32 length,
                                    const struct wg_slot *slot)
{
    if (type == WG_CONTEXT_XDP)
        return mode == AEAD_OPEN     ? open_xdp_data(context, offset, length, slot)
               : mode == AEAD_VERIFY ? verify_xdp_data(context, offset, length, slot)
                                     : decrypt_xdp_data(context, offset, length, slot);
    return mode == AEAD_OPEN     ? open_skb_data(context, offset, length, slot)
           : mode == AEAD_VERIFY ? verify_skb_data(context, offset, length, slot)
                                 : decrypt_skb_data(context, offset, length, slot);
}

static __always_inline enum wg_drop_reason open_inline(void *context,
                                                       enum wg_context type,
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
    result = run_aead(context, type, AEAD_VERIFY, offset, length, slot);
    if (result == AEAD_OK && length) {
        fill_keystream(slot, &secrets->receive, packet->counter, length);
        result = run_aead(context, type, AEAD_DECRYPT, offset, length, slot);
    }
    release_slot(which);
    return aead_drop(result);
}

static __always_inline enum wg_drop_reason open_packet(void *context,
                                                       enum wg_context type,
                                                       const struct wg_packet *packet,
                                                       struct wg_session *session)
{
    const __u32 offset = packet->payload_offset, length = packet->payload_length;
    const struct wg_slot *slot;
    __u64 state = 0;
    int result;

    slot = find_ready(session, WG_RECEIVE, packet->counter, length, &state);
    session->ready = opaque(slot != 0);
    if (!slot)
        return open_inline(context, type, packet, session);
    result = run_aead(context, type, AEAD_OPEN, offset, length, slot);
    return is_still_ready(slot, state) ? aead_drop(result) : WG_DROP_OVERTAKEN;
}

static __always_inline enum wg_drop_reason
open_xdp(struct xdp_md *xdp, const struct wg_packet *packet, struct wg_session *session)
{
    return open_packet(xdp, WG_CONTEXT_XDP, packet, session);
}

static __always_inline enum wg_drop_reason
open_tc(struct __sk_buff *skb, const struct wg_packet *packet, struct wg_session *session)
{
    if (bpf_skb_pull_data(skb, skb->len)) /* also makes it writable */
        return WG_DROP_NO_ROOM;
    return open_packet(skb, WG_CONTEXT_SKB, packet, session);
}

#endif
