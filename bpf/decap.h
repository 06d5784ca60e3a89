/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * The steps of story 1, for XDP and for TC. The two differ in their context and in how they move a
 * packet's ends; everything else is shared.
 */
#ifndef WGXDP_BPF_DECAP_H
#define WGXDP_BPF_DECAP_H

#include "allowed_ips.h"
#include "config.h"
#include "decrypt.h"
#include "inner.h"
#include "keypair.h"
#include "listener.h"
#include "path.h"
#include "peer_limits.h"

/* opaque: or clang subtracts the halves, "32-bit pointer arithmetic prohibited" */
static __always_inline __u32 frame_size(struct xdp_md *xdp)
{
    return (__u32)opaque((__u64)((void *)(long)xdp->data_end - (void *)(long)xdp->data));
}

/* --- is it ours? --- */

/* A driver without room for our mark says so by data_meta behind data: there the socket receives.
 */
static __always_inline bool has_metadata(struct xdp_md *xdp)
{
    return (void *)(long)xdp->data_meta <= (void *)(long)xdp->data;
}

static __always_inline bool same_mac(const __u8 *a, const __u8 *b)
{
    return *(const __u32 *)a == *(const __u32 *)b &&
           *(const __u16 *)(a + 4) == *(const __u16 *)(b + 4);
}

/* A frame that a promiscuous NIC hands up for somebody else is not ours. (TC knows that from
 * pkt_type.) */
static __always_inline bool is_for_nic(struct xdp_md *xdp)
{
    __u32 ifindex = xdp->ingress_ifindex;
    struct wg_nic *nic = bpf_map_lookup_elem(&nics, &ifindex);
    struct ethhdr *ethernet = (void *)(long)xdp->data;

    return nic && (void *)(ethernet + 1) <= (void *)(long)xdp->data_end &&
           same_mac(ethernet->h_dest, nic->mac);
}

/* Where a peer is heard, and is to be answered by. */
static __always_inline __u32 receiver_of(__u32 ifindex)
{
    struct wg_nic *nic = bpf_map_lookup_elem(&nics, &ifindex);

    return nic ? nic->receiver : ifindex;
}

/* Listen port, local address and receiver index must all belong to one tunnel. */
static __always_inline bool find_receiver(struct wg_packet *packet,
                                          struct wg_session *session,
                                          struct wg_tunnel **tunnel,
                                          __u32 ifindex)
{
    __u32 id, index = packet->receiver_index;
    __u64 *keypair;

    if (!find_listener(packet, &id))
        return false;
    keypair = bpf_map_lookup_elem(&indices, &index);
    if (!keypair || !find_session(session, *keypair))
        return false;
    /* the index as well: its element may have been given to another one meanwhile */
    if (session->keypair->tunnel != id || session->keypair->local_index != index)
        return false;
    *tunnel = bpf_map_lookup_elem(&tunnels, &id);
    packet->from.ifindex = ifindex;
    check_roamable(&packet->from);
    return *tunnel;
}

/* bpf_skb_adjust_room wants a header's length to stay behind an outer IPv6 header. What is shorter
 * than that with its tag comes only from a sender that does not pad (boringtun): the socket's. */
static __always_inline bool can_strip_skb(const struct wg_packet *packet)
{
    return packet->from.source.family == WG_AF_INET ||
           packet->payload_length < sizeof(struct iphdr) /* nothing to deliver */ ||
           packet->payload_length + WG_TAG_SIZE >= sizeof(struct ipv6hdr);
}

static __always_inline bool parse_skb(struct __sk_buff *skb, struct wg_packet *packet)
{
    return pull_headers(skb) &&
           parse_message(packet, (void *)(long)skb->data, (void *)(long)skb->data_end, skb->len,
                         WG_DATA_MESSAGE) &&
           can_strip_skb(packet);
}

/* --- the inner packet --- */

static __always_inline enum wg_drop_reason check_inner(const struct wg_packet *packet,
                                                       const struct wg_session *session,
                                                       struct wg_inner *inner,
                                                       void *data,
                                                       void *end)
{
    void *start = data + (packet->payload_offset & 0x7f);
    enum wg_drop_reason drop = parse_inner(inner, start, end, packet->payload_length);
    const void *source = inner->family == WG_AF_INET ? (void *)&((struct iphdr *)start)->saddr
                                                     : &((struct ipv6hdr *)start)->saddr;
    __u32 peer;

    if (drop)
        return drop;
    if (inner->length > packet->payload_length)
        return WG_DROP_INNER_LENGTH;
    ecn_decapsulate(inner, start, end, packet->ds);
    if (start + (inner->family == WG_AF_INET ? sizeof(struct iphdr) : sizeof(struct ipv6hdr)) > end)
        return WG_DROP_INNER_LENGTH;
    return find_allowed_ip(&peer, session->keypair->tunnel, source, inner->family) &&
                   peer == session->keypair->peer
               ? WG_DROP_NONE
               : WG_DROP_INNER_SOURCE;
}

/* --- from outer to inner frame --- */

static __always_inline enum wg_drop_reason clamp_xdp(struct xdp_md *xdp,
                                                     const struct wg_session *session,
                                                     const struct wg_inner *inner,
                                                     const struct wg_tunnel *tunnel)
{
    if (inner->protocol != IPPROTO_TCP)
        return WG_DROP_NONE;
    return clamp_xdp_mss(xdp, ETH_HLEN, path_mtu(tunnel, session->peer));
}

static __always_inline enum wg_drop_reason clamp_tc(struct __sk_buff *skb,
                                                    const struct wg_session *session,
                                                    const struct wg_inner *inner,
                                                    const struct wg_tunnel *tunnel)
{
    if (inner->protocol != IPPROTO_TCP)
        return WG_DROP_NONE;
    return clamp_skb_mss(skb, ETH_HLEN, path_mtu(tunnel, session->peer));
}

static __always_inline enum wg_drop_reason
strip_xdp(struct xdp_md *xdp, const struct wg_packet *packet, const struct wg_inner *inner)
{
    const int size = (int)frame_size(xdp);

    if (bpf_xdp_adjust_tail(xdp, (int)(packet->payload_offset + inner->length) - size))
        return WG_DROP_NO_ROOM;
    return bpf_xdp_adjust_head(xdp, (int)packet->payload_offset - ETH_HLEN) ? WG_DROP_NO_ROOM
                                                                            : WG_DROP_NONE;
}

/* adjust_room wants a header of the outer family to remain, so the tail goes last. The tag always
 * goes with it, which ends a CHECKSUM_COMPLETE that covered ciphertext; what is authentic needs no
 * checksum, hence csum_level. */
static __always_inline enum wg_drop_reason
strip_tc(struct __sk_buff *skb, const struct wg_packet *packet, const struct wg_inner *inner)
{
    const __u64 flags = BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_NO_CSUM_RESET;

    if (bpf_skb_adjust_room(skb, ETH_HLEN - (int)packet->payload_offset, BPF_ADJ_ROOM_MAC, flags))
        return WG_DROP_NO_ROOM;
    if (bpf_skb_change_tail(skb, ETH_HLEN + inner->length, 0))
        return WG_DROP_NO_ROOM;
    bpf_csum_level(skb, BPF_CSUM_LEVEL_INC);
    bpf_set_hash_invalid(skb); /* or all of a peer's flows are one to who spreads them */
    return WG_DROP_NONE;
}

/* The frame is addressed to wg0, never to the NIC: if nobody delivers it, it dies as somebody
 * else's. */
static __always_inline enum wg_drop_reason
address_frame(void *data, void *end, const struct wg_inner *inner, const struct wg_tunnel *tunnel)
{
    struct ethhdr *ethernet = data;

    if ((void *)(ethernet + 1) > end)
        return WG_DROP_NO_ROOM;
    __builtin_memcpy(ethernet->h_dest, tunnel->wg0_mac, ETH_ALEN);
    __builtin_memcpy(ethernet->h_source, tunnel->wg0x_mac, ETH_ALEN);
    ethernet->h_proto = inner->family == WG_AF_INET ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
    return WG_DROP_NONE;
}

static __always_inline enum wg_drop_reason
address_xdp(struct xdp_md *xdp, const struct wg_inner *inner, const struct wg_tunnel *tunnel)
{
    return address_frame((void *)(long)xdp->data, (void *)(long)xdp->data_end, inner, tunnel);
}

static __always_inline enum wg_drop_reason
address_tc(struct __sk_buff *skb, const struct wg_inner *inner, const struct wg_tunnel *tunnel)
{
    return address_frame((void *)(long)skb->data, (void *)(long)skb->data_end, inner, tunnel);
}

static __always_inline enum wg_drop_reason mark_xdp(struct xdp_md *xdp,
                                                    const struct wg_session *session)
{
    struct wg_mark *mark;

    if (bpf_xdp_adjust_meta(xdp, -(int)sizeof(*mark)))
        return WG_DROP_NO_ROOM;
    mark = (void *)(long)xdp->data_meta;
    if ((void *)(mark + 1) > (void *)(long)xdp->data)
        return WG_DROP_NO_ROOM;
    mark->secret = config.mark_secret;
    mark->tunnel = session->keypair->tunnel;
    mark->peer = session->keypair->peer;
    return WG_DROP_NONE;
}

#endif
