/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * The outer packet as it arrives: Ethernet, IPv4 or IPv6, UDP, transport_data. Anything else is not
 * for BPF and takes the stack's way, which ends at the daemon's socket.
 */
#ifndef WGXDP_BPF_PACKET_H
#define WGXDP_BPF_PACKET_H

#include <stdbool.h>

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>

#include <wgxdp/abi.h>

#include "checksum.h"

enum wg_address_family : __u16 { WG_AF_INET = 2, WG_AF_INET6 = 10 };

struct wg_packet {
    __u32 payload_offset; /* of the encrypted packet, from the Ethernet header */
    __u32 payload_length; /* of the encrypted packet, without its tag */
    __u32 receiver_index;
    __u64 counter;
    __u8 ds;
    __be16 port; /* ours */
    struct wg_observed_endpoint from;
};

static __always_inline bool parse_udp(struct wg_packet *packet, void *start, void *end, __u32 room)
{
    struct udphdr *udp = start;
    struct wg_transport_data *message = (struct wg_transport_data *)(udp + 1);
    __u32 length;

    if ((void *)(message + 1) > end)
        return false;
    length = bpf_ntohs(udp->len);
    if (length > room || length < sizeof(*udp) + WG_TRANSPORT_OVERHEAD)
        return false;
    if (message->type != WG_TRANSPORT_DATA) /* reserved bytes included */
        return false;
    packet->payload_length = length - sizeof(*udp) - WG_TRANSPORT_OVERHEAD;
    packet->receiver_index = message->receiver_index;
    packet->counter = message->counter;
    packet->from.source.port = udp->source;
    packet->port = udp->dest;
    return packet->payload_length <= WG_MAX_PAYLOAD;
}

static __always_inline bool parse_ipv4(struct wg_packet *packet, void *start, void *end, __u32 size)
{
    struct iphdr *ip = start;
    __u32 length;

    if ((void *)(ip + 1) > end)
        return false;
    if (ip->version != 4 || ip->ihl != 5 || ip->protocol != IPPROTO_UDP ||
        ip->frag_off & bpf_htons(0x3fff))
        return false;
    length = bpf_ntohs(ip->tot_len);
    if (length < sizeof(*ip) || length > size || checksum_ipv4(ip))
        return false;
    packet->ds = ip->tos;
    packet->from.source.family = WG_AF_INET;
    __builtin_memcpy(packet->from.source.address, &ip->saddr, 4);
    __builtin_memcpy(packet->from.destination, &ip->daddr, 4);
    packet->payload_offset =
        ETH_HLEN + sizeof(*ip) + sizeof(struct udphdr) + sizeof(struct wg_transport_data);
    return parse_udp(packet, ip + 1, end, length - sizeof(*ip));
}

static __always_inline bool parse_ipv6(struct wg_packet *packet, void *start, void *end, __u32 size)
{
    struct ipv6hdr *ip = start;
    __u32 length;

    if ((void *)(ip + 1) > end)
        return false;
    if (ip->version != 6 || ip->nexthdr != IPPROTO_UDP)
        return false;
    length = bpf_ntohs(ip->payload_len);
    if (sizeof(*ip) + length > size)
        return false;
    packet->ds = ip->priority << 4 | ip->flow_lbl[0] >> 4;
    packet->from.source.family = WG_AF_INET6;
    __builtin_memcpy(packet->from.source.address, &ip->saddr, 16);
    __builtin_memcpy(packet->from.destination, &ip->daddr, 16);
    packet->payload_offset =
        ETH_HLEN + sizeof(*ip) + sizeof(struct udphdr) + sizeof(struct wg_transport_data);
    return parse_udp(packet, ip + 1, end, length);
}

/* Is this a transport_data message that BPF can handle? Fills packet (zeroed by the caller). Only
 * headers need to stand before end; size is the whole frame's, which an skb may keep elsewhere. */
static __always_inline bool
parse_transport_data(struct wg_packet *packet, void *data, void *end, __u32 size)
{
    struct ethhdr *ethernet = data;

    if ((void *)(ethernet + 1) > end)
        return false;
    if (ethernet->h_proto == bpf_htons(ETH_P_IP))
        return parse_ipv4(packet, ethernet + 1, end, size - ETH_HLEN);
    if (ethernet->h_proto == bpf_htons(ETH_P_IPV6))
        return parse_ipv6(packet, ethernet + 1, end, size - ETH_HLEN);
    return false;
}

#endif
