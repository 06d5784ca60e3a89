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
#include "path.h"
#include "peer_limits.h"

enum wg_ifindex : __u32 { WG_LOOPBACK_IFINDEX = 1 };

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

/* Data messages skip the IP stack's own checks, so a peer roams only to where it could really be.
 */
static __always_inline void check_roamable(struct wg_observed_endpoint *from)
{
    const __u8 *address = from->source.address;
    bool loopback, possible;

    if (from->source.family == WG_AF_INET) {
        loopback = address[0] == 127;
        possible = address[0] != 0 && address[0] < 224;
    } else {
        const __u64 *words = (const __u64 *)address;

        loopback = words[0] == 0 && words[1] == bpf_cpu_to_be64(1);
        possible = address[0] != 0xff && (words[0] != 0 || (words[1] != 0));
        if (address[0] == 0xfe && (address[1] & 0xc0) == 0x80)
            from->source.scope_id = from->ifindex;
    }
    if (!possible || !from->source.port || (loopback && from->ifindex != WG_LOOPBACK_IFINDEX))
        from->source.family = 0;
}

/* Listen port, local address and receiver index must all belong to one tunnel. */
static __always_inline bool find_receiver(struct wg_packet *packet,
                                          struct wg_session *session,
                                          struct wg_tunnel **tunnel,
                                          __u32 ifindex)
{
    struct wg_listener_key listener = {.port = packet->port, .family = packet->from.source.family};
    __u32 *found, id, index = packet->receiver_index;
    __u64 *keypair;

    __builtin_memcpy(listener.address, packet->from.destination, sizeof(listener.address));
    found = bpf_map_lookup_elem(&listeners, &listener);
    if (!found)
        return false;
    id = *found;
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

/* An skb may keep most of its bytes outside the linear part; only headers are pulled for packets
 * that are not ours. */
static __always_inline bool parse_skb(struct __sk_buff *skb, struct wg_packet *packet)
{
    const __u32 headers = ETH_HLEN + sizeof(struct ipv6hdr) + sizeof(struct udphdr) +
                          sizeof(struct wg_transport_data);
    void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

    if (skb->pkt_type != 0 /* PACKET_HOST */ || skb->vlan_present)
        return false;
    if (skb->gso_size)
        return false; /* a super-packet of several datagrams: the socket gets them one by one */
    if (data + headers > end)
        bpf_skb_pull_data(skb, skb->len < headers ? skb->len : headers);
    return parse_transport_data(packet, (void *)(long)skb->data, (void *)(long)skb->data_end,
                                skb->len) &&
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
