/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * Cryptokey routing: the longest prefix of a tunnel that an inner address matches names its peer.
 */
#ifndef WGXDP_BPF_ALLOWED_IPS_H
#define WGXDP_BPF_ALLOWED_IPS_H

#include "maps.h"
#include "packet.h"

static __always_inline __u32 *lookup_v4(__u32 tunnel, const void *address)
{
    struct wg_allowed_ip_key_v4 key = {.prefix_len = 32 + 32, .tunnel = tunnel};

    __builtin_memcpy(key.address, address, sizeof(key.address));
    return bpf_map_lookup_elem(&allowed_ips_v4, &key);
}

static __always_inline __u32 *lookup_v6(__u32 tunnel, const void *address)
{
    struct wg_allowed_ip_key_v6 key = {.prefix_len = 32 + 128, .tunnel = tunnel};

    __builtin_memcpy(key.address, address, sizeof(key.address));
    return bpf_map_lookup_elem(&allowed_ips_v6, &key);
}

/* ip: a complete header of this family. */
static __always_inline __u32 *lookup_dst(__u32 tunnel, const void *ip, __u16 family)
{
    if (family == WG_AF_INET)
        return lookup_v4(tunnel, &((const struct iphdr *)ip)->daddr);
    return lookup_v6(tunnel, &((const struct ipv6hdr *)ip)->daddr);
}

static __always_inline __u32 *lookup_src(__u32 tunnel, const void *ip, __u16 family)
{
    if (family == WG_AF_INET)
        return lookup_v4(tunnel, &((const struct iphdr *)ip)->saddr);
    return lookup_v6(tunnel, &((const struct ipv6hdr *)ip)->saddr);
}

#endif
