/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * Every map, with its contract: who writes, who reads. One instance of each is shared by all
 * programs (the loader sees to it) and pinned under its name.
 */
#ifndef WGXDP_BPF_MAPS_H
#define WGXDP_BPF_MAPS_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include <wgxdp/abi.h>
#include <wgxdp/drop_reason.h>

enum wg_map_sizes : __u32 {
    WG_MAX_TUNNELS = 4096,
    WG_MAX_NICS = 1024,
    WG_MAX_LISTENERS = 65536,
    WG_MAX_ALLOWED_IPS = 1 << 21,
    WG_EVENT_BYTES = 1 << 20,
    WG_BELL_BYTES = 1 << 16,
    WG_CACHED_LOOKUPS = 512, /* a power of two */
};

/* listeners: local address and port → tunnel id. Daemon writes. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, WG_MAX_LISTENERS);
    __type(key, struct wg_listener_key);
    __type(value, __u32);
} listeners SEC(".maps");

/* tunnels: id → interface. Daemon writes; a changed tunnel is replaced after a grace period. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, WG_MAX_TUNNELS);
    __type(key, __u32);
    __type(value, struct wg_tunnel);
} tunnels SEC(".maps");

/* nics: ifindex → an attached NIC. Daemon writes. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, WG_MAX_NICS);
    __type(key, __u32);
    __type(value, struct wg_nic);
} nics SEC(".maps");

/* allowed_ips_v4, allowed_ips_v6: tunnel and inner address → peer id. Daemon writes. */
struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, WG_MAX_ALLOWED_IPS);
    __type(key, struct wg_allowed_ip_key_v4);
    __type(value, __u32);
} allowed_ips_v4 SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, WG_MAX_ALLOWED_IPS);
    __type(key, struct wg_allowed_ip_key_v6);
    __type(value, __u32);
} allowed_ips_v6 SEC(".maps");

/* allowed_ips_version: of both tries; the daemon adds one after every change, by mmap. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u64);
} allowed_ips_version SEC(".maps");

/* allowed_ips_cache: this CPU's last look-ups in the tries. Programs only. */
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, WG_CACHED_LOOKUPS);
    __type(key, __u32);
    __type(value, struct wg_cached_lookup);
} allowed_ips_cache SEC(".maps");

/* peer_versions: peer id → key of its state in peers, 0: none. The daemon stores one word,
 * atomically, by mmap. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, WG_MAX_PEERS);
    __type(key, __u32);
    __type(value, __u64);
} peer_versions SEC(".maps");

/* peers: version → state of a peer. Daemon inserts, never changes, erases after a grace period. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, WG_MAX_PEERS * 2);
    __type(key, __u64);
    __type(value, struct wg_peer);
} peers SEC(".maps");

/* peer_activity: peer id → times and bytes. Programs write; the daemon adds its own, and sets
 * quota_used when asked, atomically, by mmap. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, WG_MAX_PEERS);
    __type(key, __u32);
    __type(value, struct wg_peer_activity);
} peer_activity SEC(".maps");

/* indices: our receiver index → keypair id. Daemon inserts and unlinks. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, WG_MAX_PEERS * 4);
    __type(key, __u32);
    __type(value, __u64);
} indices SEC(".maps");

/* keypairs: id → state of one session. Installed and erased by the daemon, never replaced; programs
 * alone write tx_counter, rekey_told, replay_* and observed. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, WG_MAX_PEERS * 4);
    __type(key, __u64);
    __type(value, struct wg_keypair);
} keypairs SEC(".maps");

/* keypair_secrets: keypair id → session keys. Installed before, wiped and erased with the keypair.
 */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, WG_MAX_PEERS * 4);
    __type(key, __u64);
    __type(value, struct wg_keypair_secrets);
} keypair_secrets SEC(".maps");

/* tunnel_secrets, peer_secrets: private and preshared keys by tunnel and peer id; no program reads
 * them, they wait for a daemon that takes over. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, WG_MAX_TUNNELS);
    __type(key, __u32);
    __type(value, struct wg_secret_key);
} tunnel_secrets SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, WG_MAX_PEERS);
    __type(key, __u32);
    __type(value, struct wg_secret_key);
} peer_secrets SEC(".maps");

/* cookies: tunnel id → how handshakes are judged under load. The daemon inserts, overwrites under the
 * lock and erases; wg_cookie writes refused and load_until. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, WG_MAX_TUNNELS);
    __type(key, __u32);
    __type(value, struct wg_cookie_checker);
} cookies SEC(".maps");

/* inline_slots: this CPU's cipher slots, used by whoever holds the word in slots_claimed. Programs
 * only. */
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, WG_SLOTS_PER_CPU);
    __type(key, __u32);
    __type(value, struct wg_slot);
} inline_slots SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct wg_cpu_slots);
} slots_claimed SEC(".maps");

/* rings: number → header of a ring of keystream. Daemon and programs write, each a line. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, WG_MAX_RINGS);
    __type(key, __u32);
    __type(value, struct wg_ring);
} rings SEC(".maps");

/* ring_slots: number → the slots of a ring. A ring is made for one keypair and direction, and ends
 * with it: no slot ever sees another key. The daemon inserts, and erases after a grace period. */
struct wg_ring_slots {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, WG_RING_SLOTS);
    /* Sizes, no types: up to 6.1 a map without BTF, as the daemon makes it, does not equal one that
     * has it (its timer_off is another error), and inserting it is EINVAL. */
    __uint(key_size, sizeof(__u32));
    __uint(value_size, sizeof(struct wg_slot));
};
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, WG_MAX_RINGS);
    __type(key, __u32);
    __array(values, struct wg_ring_slots);
} ring_slots SEC(".maps");

/* keystream_bell: programs ring, the daemon reads wg_keystream_wanted. */
struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, WG_BELL_BYTES);
} keystream_bell SEC(".maps");

/* cipher_counts: wg_cipher_count → packets, by CPU. Programs write. */
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, WG_CIPHER_COUNTS);
    __type(key, __u32);
    __type(value, __u64);
} cipher_counts SEC(".maps");

/* drops: wg_drop_reason → packets, by CPU. Programs write. */
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, WG_DROP_COUNT);
    __type(key, __u32);
    __type(value, __u64);
} drops SEC(".maps");

/* unreachable_told: when wg_tx may next leave a packet that can go nowhere to the daemon, so that
 * its sender is told; by CPU. Programs only. */
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u64);
} unreachable_told SEC(".maps");

/* events: the bell. Programs ring, the daemon reads. */
struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, WG_EVENT_BYTES);
} events SEC(".maps");

#endif
