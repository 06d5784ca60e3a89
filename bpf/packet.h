/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * The outer packet as it arrives: Ethernet, IPv4 or IPv6, UDP, a message. What is not looked for
 * takes the stack's way, which ends at the daemon's socket.
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
    __u32 payload_offset; /* from the Ethernet header: of the encrypted packet, or a handshake */
    __u32 payload_length; /* of the encrypted packet, without its tag, or of the handshake */
    __u32 receiver_index;
    __u64 counter;
    __u8 ds;
    __be16 port; /* ours */
    struct wg_observed_endpoint from;
};

/* Sum of the UDP pseudo header: addresses, protocol, length. */
static __always_inline __u64 pseudo_header_sum(const void *addresses, __u32 size, __u16 udp_length)
{
    return checksum_words(addresses, size) + bpf_htons(IPPROTO_UDP) + udp_length;
}

/* What a program looks for; constant wherever it is given. */
enum wg_message_kind : __u32 { WG_DATA_MESSAGE, WG_HANDSHAKE_MESSAGE };

static __always_inline bool
parse_data(struct wg_packet *packet, const struct wg_transport_data *message, void *end, __u32 size)
{
    if ((void *)(message + 1) > end || size < WG_TRANSPORT_OVERHEAD)
        return false;
    if (message->type != WG_TRANSPORT_DATA) /* reserved bytes included */
        return false;
    packet->payload_offset += sizeof(*message);
    packet->payload_length = size - WG_TRANSPORT_OVERHEAD;
    packet->receiver_index = message->receiver_index;
    packet->counter = message->counter;
    return packet->payload_length <= WG_MAX_PAYLOAD;
}

/* The two that mac1 and mac2 end, of their exact lengths. */
static __always_inline bool
parse_handshake(struct wg_packet *packet, const __le32 *type, void *end, __u32 size)
{
    packet->payload_length = size;
    if ((void *)(type + 1) > end)
        return false;
    return (*type == WG_HANDSHAKE_INITIATION && size == sizeof(struct wg_handshake_initiation)) ||
           (*type == WG_HANDSHAKE_RESPONSE && size == sizeof(struct wg_handshake_response));
}

static __always_inline bool
parse_udp(struct wg_packet *packet, void *start, void *end, __u32 room, enum wg_message_kind wanted)
{
    struct udphdr *udp = start;
    __u32 length;

    if ((void *)(udp + 1) > end)
        return false;
    length = bpf_ntohs(udp->len);
    if (length > room || length < sizeof(*udp))
        return false;
    packet->payload_offset += sizeof(*udp);
    packet->from.source.port = udp->source;
    packet->port = udp->dest;
    if (wanted == WG_HANDSHAKE_MESSAGE)
        return parse_handshake(packet, (void *)(udp + 1), end, length - sizeof(*udp));
    return parse_data(packet, (void *)(udp + 1), end, length - sizeof(*udp));
}

static __always_inline bool parse_ipv4(
    struct wg_packet *packet, void *start, void *end, __u32 size, enum wg_message_kind wanted)
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
    packet->payload_offset = ETH_HLEN + sizeof(*ip);
    return parse_udp(packet, ip + 1, end, length - sizeof(*ip), wanted);
}

static __always_inline bool parse_ipv6(
    struct wg_packet *packet, void *start, void *end, __u32 size, enum wg_message_kind wanted)
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
    packet->payload_offset = ETH_HLEN + sizeof(*ip);
    return parse_udp(packet, ip + 1, end, length, wanted);
}

/* Is this a message of that kind that BPF can handle? Fills packet (zeroed by the caller). Only
 * headers need to stand before end; size is the whole frame's, which an skb may keep elsewhere. */
static __always_inline bool parse_message(
    struct wg_packet *packet, void *data, void *end, __u32 size, enum wg_message_kind wanted)
{
    struct ethhdr *ethernet = data;

    if ((void *)(ethernet + 1) > end)
        return false;
    if (ethernet->h_proto == bpf_htons(ETH_P_IP))
        return parse_ipv4(packet, ethernet + 1, end, size - ETH_HLEN, wanted);
    if (ethernet->h_proto == bpf_htons(ETH_P_IPV6))
        return parse_ipv6(packet, ethernet + 1, end, size - ETH_HLEN, wanted);
    return false;
}

#endif
