/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * Cryptokey routing: the longest prefix of a tunnel that an inner address matches names its peer. A
 * small cache a CPU stands before the tries, whose cost grows with their size; any change of a trie
 * ends all that is in it.
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

/* What the cache compares. The family stands beside the tunnel: an IPv6 packet may carry any
 * address. */
struct wg_lookup {
    __u64 high, low;
    __u64 tunnel_and_family;
};

static __always_inline struct wg_lookup lookup_of(__u32 tunnel, const void *address, __u16 family)
{
    struct wg_lookup lookup = {.tunnel_and_family = (__u64)family << 32 | tunnel};

    if (family == WG_AF_INET) {
        lookup.low = load_le32(address);
    } else {
        lookup.high = load_le64(address);
        lookup.low = load_le64((const __u8 *)address + 8);
    }
    return lookup;
}

static __always_inline struct wg_cached_lookup *find_cached(const struct wg_lookup *lookup)
{
    const __u64 mixed = (lookup->high ^ lookup->low ^ lookup->tunnel_and_family) *
                        0x9e3779b97f4a7c15; /* 2^64 / golden ratio: spreads into the upper bits */
    __u32 index = mixed >> 32 & (WG_CACHED_LOOKUPS - 1);

    return bpf_map_lookup_elem(&allowed_ips_cache, &index);
}

/* Is this element the lookup's, in this version of the tries? */
static __always_inline bool is_cached(const struct wg_cached_lookup *cached,
                                      const struct wg_lookup *lookup,
                                      __u64 version,
                                      __u32 *peer)
{
    const __u64 before = read_once(&cached->version);

    *peer = (__u32)read_once(&cached->peer);
    return before / WG_CACHE_WRITERS == version && read_once(&cached->high) == lookup->high &&
           read_once(&cached->low) == lookup->low &&
           read_once(&cached->tunnel_and_family) == lookup->tunnel_and_family &&
           read_once(&cached->version) == before;
}

static __always_inline void
remember(struct wg_cached_lookup *cached, const struct wg_lookup *lookup, __u64 version, __u32 peer)
{
    const __u64 old = read_once(&cached->version);

    if (old == WG_CACHE_BUSY ||
        __sync_val_compare_and_swap(&cached->version, old, WG_CACHE_BUSY) != old)
        return;
    write_once(&cached->high, lookup->high);
    write_once(&cached->low, lookup->low);
    write_once(&cached->tunnel_and_family, lookup->tunnel_and_family);
    write_once(&cached->peer, peer);
    write_once(&cached->version, version * WG_CACHE_WRITERS + (old + 1) % WG_CACHE_WRITERS);
}

/* Whose address is it? address: 4 or 16 bytes. False: nobody's. */
static __always_inline bool
find_allowed_ip(__u32 *peer, __u32 tunnel, const void *address, __u16 family)
{
    const struct wg_lookup lookup = lookup_of(tunnel, address, family);
    struct wg_cached_lookup *cached = find_cached(&lookup);
    __u32 zero = 0;
    __u64 *version_now = bpf_map_lookup_elem(&allowed_ips_version, &zero);
    __u64 version;
    __u32 *found;

    if (!cached || !version_now)
        return false;
    version = read_once(version_now);
    if (is_cached(cached, &lookup, version, peer))
        return true;
    full_barrier(); /* what the trie says is not older than the version */
    found = family == WG_AF_INET ? lookup_v4(tunnel, address) : lookup_v6(tunnel, address);
    if (!found)
        return false;
    *peer = *found;
    remember(cached, &lookup, version, *peer);
    return true;
}

#endif
