/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * The steps of story 2: room, counter, seal, outer headers. Everything that can be refused is
 * refused before a counter is taken.
 */
#ifndef WGXDP_BPF_ENCAP_H
#define WGXDP_BPF_ENCAP_H

#include "allowed_ips.h"
#include "checksum.h"
#include "crypto/aead.h"
#include "crypto/slot.h"
#include "inner.h"
#include "keypair.h"
#include "keystream.h"
#include "path.h"
#include "peer_limits.h"

struct wg_outgoing {
    struct wg_session session;
    struct wg_inner inner;
    __u32 mtu;    /* of the way to the peer */
    __u32 padded; /* length of the inner packet with its padding */
    __u64 counter;
};

static __always_inline enum wg_drop_reason parse_frame(struct __sk_buff *skb,
                                                       struct wg_inner *inner)
{
    const __u32 headers = ETH_HLEN + sizeof(struct ipv6hdr);
    struct ethhdr *ethernet;

    if ((void *)(long)skb->data + headers > (void *)(long)skb->data_end)
        bpf_skb_pull_data(skb, skb->len < headers ? skb->len : headers);
    ethernet = (void *)(long)skb->data;
    if ((void *)(ethernet + 1) > (void *)(long)skb->data_end)
        return WG_DROP_BAD_PACKET;
    if (skb->vlan_present) /* of a VLAN on wg0: the tag stands beside the frame and would leave with
                              it */
        return WG_DROP_NOT_IP;
    if (ethernet->h_proto != bpf_htons(ETH_P_IP) && ethernet->h_proto != bpf_htons(ETH_P_IPV6))
        return WG_DROP_NOT_IP;
    if (parse_inner(inner, ethernet + 1, (void *)(long)skb->data_end, skb->len - ETH_HLEN))
        return WG_DROP_BAD_PACKET;
    if ((ethernet->h_proto == bpf_htons(ETH_P_IP)) != (inner->family == WG_AF_INET))
        return WG_DROP_BAD_PACKET;
    return inner->length + ETH_HLEN > skb->len ? WG_DROP_BAD_PACKET : WG_DROP_NONE;
}

/* The peer that the inner destination belongs to, null: nobody's. */
static __always_inline struct wg_peer *find_destination(struct __sk_buff *skb,
                                                        const struct wg_inner *inner)
{
    void *ip = (void *)(long)skb->data + ETH_HLEN;
    const __u32 size = inner->family == WG_AF_INET ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
    const void *destination = inner->family == WG_AF_INET ? (void *)&((struct iphdr *)ip)->daddr
                                                          : &((struct ipv6hdr *)ip)->daddr;
    __u32 peer;

    if (ip + size > (void *)(long)skb->data_end)
        return 0;
    return find_allowed_ip(&peer, skb->ifindex, destination, inner->family) ? find_peer(peer) : 0;
}

/* The keypair to send with: the current one, or a next one that the peer has used. It is current
 * already; the daemon is about to say so, but the answer to the peer's first packet cannot wait:
 * the peer may have forgotten the old one. */
static __always_inline bool find_sending_keypair(struct wg_session *session,
                                                 const struct wg_peer *peer)
{
    if (peer->flags & WG_PEER_SENDING_INVALID)
        return false;
    if (peer->next && find_keypair(session, peer->next) && session->keypair->replay_next)
        return true;
    return peer->current && find_keypair(session, peer->current);
}

/* The peer was heard from elsewhere, and the daemon does not know yet: the answer must not go where
 * the peer was. (Between hosts of two addresses each, both would go on moving for ever.) */
static __always_inline bool has_moved(const struct wg_session *session)
{
    return *(volatile __u32 *)&session->activity->events & WG_EVENT_ENDPOINT;
}

/* Can BPF send this packet by itself? If not, the daemon can: no usable key yet, no plain route,
 * too long. */
static __always_inline bool
is_sendable(struct wg_outgoing *out, const struct wg_tunnel *tunnel, struct wg_peer *peer)
{
    struct wg_session *session = &out->session;
    const __u32 overhead = outer_header_size(peer) + WG_TAG_SIZE;
    const __u32 aligned = (out->inner.length + WG_PADDING - 1) & ~(WG_PADDING - 1);

    if (peer->route.kind != WG_ROUTE_DIRECT || peer->route.mtu <= overhead)
        return false;
    /* Padding must not be what makes a packet too long for its way. (The mask changes nothing: it
     * lets the verifier forget the two values that overhead can have, and prune.) */
    out->mtu = path_mtu(tunnel, peer);
    out->padded = lesser(aligned, out->mtu) & 0xffff;
    if (out->inner.length > out->padded || out->padded > WG_MAX_PAYLOAD)
        return false;
    session->peer = peer; /* all of one version: what is checked here is what is used */
    return find_sending_keypair(session, peer) && !has_moved(session) && !is_expired(session) &&
           session->keypair->tx_counter < REJECT_AFTER_MESSAGES;
}

/* Room between the Ethernet header and the inner packet, with the skb's network header and protocol
 * those of the outer packet: qdiscs that mark congestion, bonds and filters look there. Changing
 * the protocol moves the 20 bytes by which the headers differ. */
static __always_inline bool
push_headers(struct __sk_buff *skb, const struct wg_outgoing *out, int size)
{
    const int difference = sizeof(struct ipv6hdr) - sizeof(struct iphdr);

    if (out->inner.family == out->session.peer->endpoint.family)
        return !bpf_skb_adjust_room(skb, size, BPF_ADJ_ROOM_MAC, 0);
    if (out->inner.family == WG_AF_INET)
        return !bpf_skb_adjust_room(skb, size - difference, BPF_ADJ_ROOM_MAC, 0) &&
               !bpf_skb_change_proto(skb, bpf_htons(ETH_P_IPV6), 0);
    return !bpf_skb_adjust_room(skb, size + difference, BPF_ADJ_ROOM_MAC, 0) &&
           !bpf_skb_change_proto(skb, bpf_htons(ETH_P_IP), 0);
}

/* Head for the outer headers, tail for padding (zeros) and tag, all of it linear. What is beyond
 * the inner packet is not padding: it goes first, and growing writes zeros. */
static __always_inline enum wg_drop_reason make_room(struct __sk_buff *skb,
                                                     const struct wg_outgoing *out)
{
    const __u32 headers = outer_header_size(out->session.peer), body = out->padded + WG_TAG_SIZE;
    const __u32 size = ETH_HLEN + headers + body;

    if (skb->gso_size)
        return WG_DROP_BAD_PACKET; /* wg0's offloads are off: somebody has switched them on */
    if (skb->len > ETH_HLEN + out->inner.length &&
        bpf_skb_change_tail(skb, ETH_HLEN + out->inner.length, 0))
        return WG_DROP_NO_ROOM;
    if (bpf_skb_change_tail(skb, ETH_HLEN + body, 0) || !push_headers(skb, out, (int)headers))
        return WG_DROP_NO_ROOM;
    if ((void *)(long)skb->data + size <= (void *)(long)skb->data_end)
        return WG_DROP_NONE;
    return bpf_skb_pull_data(skb, size) ? WG_DROP_NO_ROOM : WG_DROP_NONE;
}

/* Here, where every byte stands before data_end. */
static __always_inline enum wg_drop_reason clamp_sent(struct __sk_buff *skb,
                                                      const struct wg_outgoing *out)
{
    if (out->inner.protocol != IPPROTO_TCP)
        return WG_DROP_NONE;
    return clamp_skb_mss(skb, ETH_HLEN + outer_header_size(out->session.peer), out->mtu);
}

__global int
seal_skb_data(struct __sk_buff *skb, __u32 offset, __u32 length, const struct wg_slot *slot)
{
    if (!slot)
        return AEAD_OUT_OF_BOUNDS;
    return aead_seal((void *)(long)skb->data + (offset & 0x7f), (void *)(long)skb->data_end, length,
                     slot);
}

/* With keystream that BPF makes itself. No slot left on this CPU: the counter is lost with the
 * packet.
 */
static __always_inline enum wg_drop_reason
seal_inline(struct __sk_buff *skb, const struct wg_outgoing *out, __u32 offset)
{
    struct wg_keypair_secrets *secrets = bpf_map_lookup_elem(&keypair_secrets, &out->session.id);
    struct wg_slot *slot;
    __u32 which = 0;
    int result;

    if (!secrets)
        return WG_DROP_NO_STATE;
    slot = claim_slot(&which);
    if (!slot)
        return WG_DROP_NO_SLOT;
    fill_poly_key(slot, &secrets->send, out->counter);
    fill_keystream(slot, &secrets->send, out->counter, out->padded);
    result = seal_skb_data(skb, offset, out->padded, slot);
    release_slot(which);
    return result == AEAD_OK ? WG_DROP_NONE : WG_DROP_NO_ROOM;
}

static __always_inline enum wg_drop_reason seal(struct __sk_buff *skb, struct wg_outgoing *out)
{
    struct wg_session *session = &out->session;
    const __u32 offset = ETH_HLEN + outer_header_size(session->peer);
    enum wg_drop_reason drop = take_counter(session->keypair, &out->counter);
    const struct wg_slot *slot;
    __u64 state = 0;

    if (drop)
        return drop;
    slot = find_ready(session, WG_SEND, out->counter, out->padded, &state);
    session->ready = opaque(slot != 0);
    if (!slot)
        return seal_inline(skb, out, offset);
    if (seal_skb_data(skb, offset, out->padded, slot) != AEAD_OK)
        return WG_DROP_NO_ROOM;
    return is_still_ready(slot, state) ? WG_DROP_NONE : WG_DROP_OVERTAKEN;
}

static __always_inline void
write_ethernet(struct ethhdr *ethernet, const struct wg_route *route, __u16 protocol)
{
    __builtin_memcpy(ethernet->h_dest, route->next_hop_mac, ETH_ALEN);
    __builtin_memcpy(ethernet->h_source, route->source_mac, ETH_ALEN);
    ethernet->h_proto = protocol;
}

static __always_inline enum wg_drop_reason write_udp(
    struct __sk_buff *skb, const struct wg_outgoing *out, __u32 offset, __be16 port, __u64 sum)
{
    struct udphdr *udp = (void *)(long)skb->data + offset;
    struct wg_transport_data *message = (struct wg_transport_data *)(udp + 1);
    const __u32 length = sizeof(*udp) + WG_TRANSPORT_OVERHEAD + out->padded;

    if ((void *)(message + 1) > (void *)(long)skb->data_end)
        return WG_DROP_NO_ROOM;
    message->type = WG_TRANSPORT_DATA;
    message->receiver_index = out->session.keypair->remote_index;
    message->counter = out->counter;
    udp->source = port;
    udp->dest = out->session.peer->endpoint.port;
    udp->len = bpf_htons(length);
    udp->check = 0;
    if (!checksum_add(&sum, (__u8 *)udp, (void *)(long)skb->data_end, length))
        return WG_DROP_NO_ROOM;
    udp->check = checksum_finish_udp(sum);
    return WG_DROP_NONE;
}

static __always_inline enum wg_drop_reason
write_ipv4(struct __sk_buff *skb, const struct wg_outgoing *out, __be16 port)
{
    const struct wg_peer *peer = out->session.peer;
    struct ethhdr *ethernet = (void *)(long)skb->data;
    struct iphdr *ip = (struct iphdr *)(ethernet + 1);
    const __u16 udp_length = sizeof(struct udphdr) + WG_TRANSPORT_OVERHEAD + out->padded;

    if ((void *)(ip + 1) > (void *)(long)skb->data_end)
        return WG_DROP_NO_ROOM;
    write_ethernet(ethernet, &peer->route, bpf_htons(ETH_P_IP));
    ip->version = 4;
    ip->ihl = 5;
    ip->tos = ecn_encapsulate(out->inner.ecn);
    ip->tot_len = bpf_htons(sizeof(*ip) + udp_length);
    ip->id = bpf_htons(
        (__u16)out->counter); /* DF is clear: fragments on the path need to be told apart */
    ip->frag_off = 0;
    ip->ttl = peer->route.hop_limit;
    ip->protocol = IPPROTO_UDP;
    ip->check = 0;
    __builtin_memcpy(&ip->saddr, peer->route.source, 4);
    __builtin_memcpy(&ip->daddr, peer->endpoint.address, 4);
    ip->check = checksum_ipv4(ip);
    return write_udp(skb, out, ETH_HLEN + sizeof(*ip), port,
                     pseudo_header_sum(&ip->saddr, 8, bpf_htons(udp_length)));
}

static __always_inline enum wg_drop_reason
write_ipv6(struct __sk_buff *skb, const struct wg_outgoing *out, __be16 port)
{
    const struct wg_peer *peer = out->session.peer;
    struct ethhdr *ethernet = (void *)(long)skb->data;
    struct ipv6hdr *ip = (struct ipv6hdr *)(ethernet + 1);
    const __u16 udp_length = sizeof(struct udphdr) + WG_TRANSPORT_OVERHEAD + out->padded;

    if ((void *)(ip + 1) > (void *)(long)skb->data_end)
        return WG_DROP_NO_ROOM;
    write_ethernet(ethernet, &peer->route, bpf_htons(ETH_P_IPV6));
    *(__be32 *)ip = bpf_htonl(6U << 28 | (__u32)ecn_encapsulate(out->inner.ecn) << 20);
    ip->payload_len = bpf_htons(udp_length);
    ip->nexthdr = IPPROTO_UDP;
    ip->hop_limit = peer->route.hop_limit;
    __builtin_memcpy(&ip->saddr, peer->route.source, 16);
    __builtin_memcpy(&ip->daddr, peer->endpoint.address, 16);
    return write_udp(skb, out, ETH_HLEN + sizeof(*ip), port,
                     pseudo_header_sum(&ip->saddr, 32, bpf_htons(udp_length)));
}

static __always_inline enum wg_drop_reason
write_outer(struct __sk_buff *skb, const struct wg_outgoing *out, const struct wg_tunnel *tunnel)
{
    skb->mark = tunnel->fwmark;
    if (out->session.peer->endpoint.family == WG_AF_INET)
        return write_ipv4(skb, out, tunnel->listen_port);
    return write_ipv6(skb, out, tunnel->listen_port);
}

#endif
