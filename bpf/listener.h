/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * Whether a packet is for one of our tunnels, and whether its sender can be answered.
 */
#ifndef WGXDP_BPF_LISTENER_H
#define WGXDP_BPF_LISTENER_H

#include "maps.h"
#include "packet.h"

enum wg_ifindex : __u32 { WG_LOOPBACK_IFINDEX = 1 };

/* An skb may keep most of its bytes outside the linear part; only headers are pulled for packets
 * that are not ours. False: it is not for BPF. */
static __always_inline bool pull_headers(struct __sk_buff *skb)
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
    return true;
}

/* The tunnel that listens at this local address and port. */
static __always_inline bool find_listener(const struct wg_packet *packet, __u32 *tunnel)
{
    struct wg_listener_key listener = {.port = packet->port, .family = packet->from.source.family};
    __u32 *found;

    __builtin_memcpy(listener.address, packet->from.destination, sizeof(listener.address));
    found = bpf_map_lookup_elem(&listeners, &listener);
    if (found)
        *tunnel = *found;
    return found;
}

/* What BPF takes skips the IP stack's own checks, so a peer roams, and is answered, only where it
 * could really be. */
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

#endif
