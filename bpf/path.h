/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * What the way to a peer carries, and inner TCP kept to it.
 */
#ifndef WGXDP_BPF_PATH_H
#define WGXDP_BPF_PATH_H

#include "inner.h"
#include "mss.h"

static __always_inline __u32 outer_header_size(const struct wg_peer *peer)
{
    const __u32 ip =
        peer->endpoint.family == WG_AF_INET ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);

    return ip + sizeof(struct udphdr) + sizeof(struct wg_transport_data);
}

/* The longest inner packet that reaches the peer in one piece, as far as we know. */
static __always_inline __u32 path_mtu(const struct wg_tunnel *tunnel, const struct wg_peer *peer)
{
    const __u32 overhead = outer_header_size(peer) + WG_TAG_SIZE;

    if (peer->route.kind != WG_ROUTE_DIRECT || peer->route.mtu <= overhead)
        return tunnel->mtu;
    return lesser(tunnel->mtu, peer->route.mtu - overhead);
}

/* These return a number since the verifier wants one. */
__global int clamp_skb_mss(struct __sk_buff *skb, __u32 offset, __u32 mtu)
{
    mss_clamp((__u8 *)(long)skb->data + (offset & 0x7f), (__u8 *)(long)skb->data_end, mtu);
    return WG_DROP_NONE;
}

__global int clamp_xdp_mss(struct xdp_md *xdp, __u32 offset, __u32 mtu)
{
    mss_clamp((__u8 *)(long)xdp->data + (offset & 0x7f), (__u8 *)(long)xdp->data_end, mtu);
    return WG_DROP_NONE;
}

#endif
