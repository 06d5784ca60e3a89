/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * The inner packet: what its header says, and the two ECN bits it shares with the outer one (RFC
 * 6040).
 */
#ifndef WGXDP_BPF_INNER_H
#define WGXDP_BPF_INNER_H

#include "packet.h"

enum wg_ecn : __u8 { ECN_NOT_ECT = 0, ECN_ECT_1 = 1, ECN_ECT_0 = 2, ECN_CE = 3, ECN_MASK = 3 };

struct wg_inner {
    __u16 family;
    __u8 ecn;
    __u8 protocol; /* of what follows the header: IPPROTO_TCP, … */
    __u32 length;  /* of the whole inner packet, by its own header */
};

/* available: bytes that stand there. Whether `length` fits into them is for the caller to say. */
static __always_inline enum wg_drop_reason
parse_inner(struct wg_inner *inner, void *start, void *end, __u32 available)
{
    struct iphdr *ip = start;
    struct ipv6hdr *ip6 = start;

    if (available < sizeof(*ip) || (void *)(ip + 1) > end)
        return WG_DROP_INNER_LENGTH;
    if (ip->version == 4) {
        inner->family = WG_AF_INET;
        inner->ecn = ip->tos & ECN_MASK;
        inner->protocol = ip->protocol;
        inner->length = bpf_ntohs(ip->tot_len);
        return inner->length < sizeof(*ip) ? WG_DROP_INNER_LENGTH : WG_DROP_NONE;
    }
    if (ip->version != 6)
        return WG_DROP_INNER_VERSION;
    if (available < sizeof(*ip6) || (void *)(ip6 + 1) > end)
        return WG_DROP_INNER_LENGTH;
    inner->family = WG_AF_INET6;
    inner->ecn = ip6->flow_lbl[0] >> 4 & ECN_MASK;
    inner->protocol = ip6->nexthdr;
    inner->length = sizeof(*ip6) + bpf_ntohs(ip6->payload_len);
    return WG_DROP_NONE;
}

/* The outer ECN field of a packet we send: the inner's, but a mark already made is not made twice.
 */
static __always_inline __u8 ecn_encapsulate(__u8 inner)
{
    return inner == ECN_CE ? ECN_ECT_0 : inner;
}

/* The inner ECN field after the outer one has arrived: a mark made on the way is handed to a packet
 * that can carry it, and ECT(1) to one of ECT(0), as RFC 6040 and the driver do. */
static __always_inline __u8 ecn_after(__u8 inner, __u8 outer)
{
    if (inner == ECN_NOT_ECT)
        return inner;
    return outer == ECN_CE || (outer == ECN_ECT_1 && inner == ECN_ECT_0) ? outer : inner;
}

static __always_inline void
ecn_decapsulate(const struct wg_inner *inner, void *start, void *end, __u8 outer_ds)
{
    struct iphdr *ip = start;
    struct ipv6hdr *ip6 = start;
    const __u8 changed = inner->ecn ^ ecn_after(inner->ecn, outer_ds & ECN_MASK);

    if (changed == 0)
        return;
    if (inner->family == WG_AF_INET && (void *)(ip + 1) <= end) {
        __u16 *word = (__u16 *)ip, before = *word;

        ip->tos ^= changed;
        ip->check = checksum_update(ip->check, before, *word);
    } else if (inner->family == WG_AF_INET6 && (void *)(ip6 + 1) <= end) {
        ip6->flow_lbl[0] ^= changed << 4;
    }
}

#endif
