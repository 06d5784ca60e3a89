/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * Every key, value and event that the BPF programs and the daemon share. Change anything here and
 * WG_ABI_VERSION grows: a new daemon adopts only maps of its own version.
 *
 * Publication follows RCU: an element that several fields belong to is written once, under a key
 * that is never used again, and reached through one 64-bit word (peer_versions) or one small
 * element (indices). Nothing that a program may be reading is changed in place by the daemon, so
 * nothing is read half.
 */
#ifndef WGXDP_ABI_H
#define WGXDP_ABI_H

#include <linux/bpf.h>
#include <linux/types.h>

#include <wgxdp/keystream.h>
#include <wgxdp/protocol.h>

enum wg_abi : __u32 {
    WG_ABI_VERSION = 6,
    WG_MAX_PEERS = 1 << 17,
};

/* An IP address and port of a peer. IPv4 stands in the first 4 bytes of address, the rest is zero.
 */
struct wg_endpoint {
    __u8 address[16];
    __be16 port;
    __u16 family; /* AF_INET, AF_INET6; 0: none */
    __u32 scope_id;
};
static_assert(sizeof(struct wg_endpoint) == 16 + 2 + 2 + 4);

/* listeners: a local address and listen port → tunnel. What is not in it is not ours and passes. */
struct wg_listener_key {
    __u8 address[16];
    __be16 port;
    __u16 family;
};
static_assert(sizeof(struct wg_listener_key) == 16 + 2 + 2);

/* tunnels: id → one interface. The id is wg0x's ifindex: it never leaves the birth netns. */
struct wg_tunnel {
    char name[16];     /* wg0's */
    __u32 wg0_ifindex; /* 0 while wg0 lives in another netns */
    __u32 mtu;
    __u32 fwmark;
    __be16 listen_port;
    __u8 wg0_mac[6];
    __u8 wg0x_mac[6];
    __u8 no_attach; /* leaves the NICs that its traffic uses as they are */
    __u8 bare;      /* made for wg(8) alone: it goes with its configuration socket */
};
static_assert(sizeof(struct wg_tunnel) == 16 + 4 + 4 + 4 + 2 + 6 + 6 + 1 + 1);

/* nics: ifindex → an attached NIC. */
enum wg_nic_mode : __u8 { WG_NIC_AUTO = 0, WG_NIC_NATIVE = 1, WG_NIC_TC = 2 };
struct wg_nic {
    __u32 receiver;        /* what the IP stack receives its packets by: a port's bridge or bond */
    enum wg_nic_mode mode; /* never WG_NIC_AUTO */
    enum wg_nic_mode wanted; /* as asked for */
    __u8 mac[6];
    __u8 gro_was_on; /* restored by detach */
    __u8 unasked;    /* attached since a tunnel uses it: goes with the last tunnel */
    __u8 padding[2];
};
static_assert(sizeof(struct wg_nic) == 4 + 1 + 1 + 6 + 1 + 1 + 2);

/* allowed_ips_v4, allowed_ips_v6: the tunnel's bits always match, then the address → peer. */
struct wg_allowed_ip_key_v4 {
    __u32 prefix_len; /* 32 + the prefix's own length */
    __u32 tunnel;
    __u8 address[4];
};
static_assert(sizeof(struct wg_allowed_ip_key_v4) == 4 + 4 + 4,
              "LPM key: the kernel matches the bytes after prefix_len");
struct wg_allowed_ip_key_v6 {
    __u32 prefix_len;
    __u32 tunnel;
    __u8 address[16];
};
static_assert(sizeof(struct wg_allowed_ip_key_v6) == 4 + 4 + 16,
              "LPM key: the kernel matches the bytes after prefix_len");

/* allowed_ips_cache: a look-up of this CPU's. `version` is that of the tries that were asked, and
 * in its lower bits a number that every writer changes: who reads the same before and after has
 * read one look-up. A writer holds the element while it is WG_CACHE_BUSY. (On PREEMPT_RT the
 * packets of one CPU can interleave.) */
enum wg_cache_version : __u64 { WG_CACHE_WRITERS = 1 << 24, WG_CACHE_BUSY = ~0ULL };
struct wg_cached_lookup {
    __u64 version;
    __u64 peer;
    __u64 high, low; /* of the address */
    __u64 tunnel_and_family;
    __u64 padding[3];
};
static_assert(sizeof(struct wg_cached_lookup) == 64);

/* How a peer's packets leave. */
enum wg_route_kind : __u8 {
    WG_ROUTE_NONE = 0,   /* not resolved, or not for BPF: the daemon's socket sends */
    WG_ROUTE_DIRECT = 1, /* an Ethernet NIC and a known next hop */
};
struct wg_route {
    __u32 ifindex;
    __u32 mtu; /* largest outer IP packet */
    __u8 source[16];
    __u8 source_mac[6];
    __u8 next_hop_mac[6];
    enum wg_route_kind kind;
    __u8 hop_limit;
    __u8 padding[2];
};
static_assert(sizeof(struct wg_route) == 4 + 4 + 16 + 6 + 6 + 1 + 1 + 2);

/* peers: version → one state of a peer; peer_versions[peer id] names the valid one. */
enum wg_peer_flags : __u32 {
    WG_PEER_SENDING_INVALID = 1, /* do not send with current: a new handshake is due */
    WG_PEER_LIMITED = 2,         /* has a rate limit or a quota */
};
struct wg_peer {
    __u32 id;
    __u32 tunnel;
    __u64 current; /* keypair ids, 0: none */
    __u64 previous;
    __u64 next;
    __u32 flags;
    __u16 persistent_keepalive; /* seconds, 0: off */
    __u8 padding[2];
    struct wg_endpoint endpoint;
    __u8 source[16];      /* our address that the peer last sent to, zero: unknown */
    __u32 source_ifindex; /* and the interface it came in by */
    struct wg_route route;
    __u8 public_key[WG_KEY_SIZE];
    __u8 latest_timestamp[WG_TIMESTAMP_SIZE]; /* of the last accepted initiation */
    __u64 last_handshake;                     /* wall clock, ns since 1970, 0: never */
    __u64 rate_limit; /* bytes a second, each way, 0: none. Counted as tx_bytes and rx_bytes are */
    __u64 burst_ns;   /* of rate_limit, that may pass at once */
    __u64 quota;      /* bytes, both ways together, 0: none */
};
static_assert(sizeof(struct wg_peer) == 4 + 4 + 7 * 8 + 4 + 2 + 2 + 24 + 16 + 4 + 40 + 32 + 12);

/* peer_secrets, tunnel_secrets: preshared and private keys, for a daemon that takes over. The lock
 * is there for BPF_F_LOCK: it makes user space overwrite a key where it is. */
struct wg_secret_key {
    struct bpf_spin_lock lock;
    __u8 key[WG_KEY_SIZE];
};
static_assert(sizeof(struct wg_secret_key) == 4 + 32);

/* cookies: tunnel id → what wg_cookie judges handshake messages with while the tunnel is under
 * load. The daemon overwrites the element under its lock; wg_cookie moves load_until and counts. */
struct wg_cookie_keys {
    __u64 secret_until; /* ns, CLOCK_BOOTTIME: older cookies are not worth anything */
    __u8 mac1_key[WG_KEY_SIZE];
    __u32 cookie_key[8];
    __u8 secret[WG_KEY_SIZE];
};
struct wg_cookie_checker {
    struct bpf_spin_lock lock; /* guards keys */
    __u32 refused;
    __u64 load_until; /* ns, CLOCK_BOOTTIME; past: the daemon judges */
    struct wg_cookie_keys keys;
};
static_assert(sizeof(struct wg_cookie_checker) == 4 + 4 + 8 + 8 + 3 * 32);

/* Load lasts for so long (ns) when so many messages wait. When wg_cookie refuses as many, a part of
 * that is left: so it goes on with 2,048 a second, more than honest peers alone ever need. */
enum wg_load : __u64 {
    WG_LOAD_MESSAGES = 512,
    WG_LOAD_TIME = 1000000000,
    WG_LOAD_LEFT = WG_LOAD_TIME / 4,
};

/* What a program wants the daemon to know about a peer: level bits in peer_activity.events. A bit
 * that was clear rings the bell once; it stays set until the daemon clears it. */
enum wg_event_bits : __u32 {
    WG_EVENT_SENT = 1,     /* data sent: the answer is due (new_handshake) */
    WG_EVENT_RECEIVED = 2, /* data received: an answer is due (send_keepalive) */
    WG_EVENT_CONFIRMED =
        4, /* a keypair that was never received on carried its first authentic packet */
    /* an authentic packet came from elsewhere than the peer's endpoint, or to another address */
    WG_EVENT_ENDPOINT = 8,
    WG_EVENT_REKEY = 16,     /* the keypair is old enough for a new handshake */
    WG_EVENT_INTERFACE = 32, /* an authentic packet came only by another interface */
};
struct wg_event {
    __u32 peer;
    __u32 bits;
    __u64 keypair;
};
static_assert(sizeof(struct wg_event) == 4 + 4 + 8);

/* When a peer without a ring asks for one. */
enum wg_burst : __u64 {
    WG_BURST_PACKETS = 32, /* so many in one interval, and a peer is busy */
    WG_BURST_INTERVAL = 10000000,
    WG_BURST_PAUSE = 100000000, /* after asking */
};

/* peer_activity[peer id]: times (ns, CLOCK_BOOTTIME) and bytes that timers and people want. The
 * first line is written by senders, the second by receivers; the daemon adds its own messages
 * atomically. */
struct wg_peer_activity {
    __u64 tx_bytes;
    __u64 last_sent;        /* any authenticated packet */
    __u64 first_unanswered; /* first data sent after last_received; older than last_received:
                               answered */
    __u32 events;           /* wg_event_bits */
    __u32 send_ring;        /* of the daemon: the ring of keystream to send with, 0: none */
    __u64 send_burst_since; /* how busy a peer without a ring is: wg_burst */
    __u32 send_burst;
    __u32 padding0;
    __u64 send_free_at; /* when all that was sent would have passed at the rate limit */
    __u64 quota_used;   /* bytes, both ways, counted while there is a quota */
    __u64 rx_bytes;
    __u64 last_received; /* any authenticated packet */
    __u64 last_data_received;
    __u64 first_unacknowledged; /* first data received after last_sent; older than last_sent:
                                   acknowledged */
    __u64 receive_burst_since;
    __u32 receive_burst;
    __u32 receive_ring; /* of the daemon */
    __u64 receive_free_at;
    __u64 line1;
};
static_assert(sizeof(struct wg_peer_activity) == 64 + 64);

/* Where the last packet from elsewhere came from. */
struct wg_observed_endpoint {
    struct wg_endpoint source;
    __u8 destination[16]; /* our address it was sent to */
    __u32 ifindex;
    __u32 padding;
    __u64 noted_at; /* 0: never */
};
static_assert(sizeof(struct wg_observed_endpoint) == 24 + 16 + 4 + 4 + 8);

/* keypairs: id → state of one session. Installed and erased by the daemon, never replaced; only
 * programs change it afterwards. The id is a 64-bit number that is never used again. */
enum wg_keypair_flags : __u32 { WG_KEYPAIR_INITIATOR = 1 };
struct wg_keypair {
    struct bpf_spin_lock lock; /* guards replay_* and observed */
    __u32 peer;
    __u32 tunnel;
    __u32 local_index;
    __u32 remote_index;
    __u32 flags;
    __u64 created_at; /* ns, CLOCK_BOOTTIME */
    __u64 line0[4];
    __u64 tx_counter; /* the next to send; fetch_add, never set */
    __u64 rekey_told; /* when WG_EVENT_REKEY was last raised for this keypair: at most every
                         REKEY_TIMEOUT */
    __u64 line1[6];
    __u64 replay_next; /* greatest authentic counter + 1, 0: none yet */
    struct wg_observed_endpoint observed;
    __u64 replay_bitmap[WG_REPLAY_WORDS];
};
static_assert(sizeof(struct wg_keypair) == 64 + 64 + 8 + 56 + WG_REPLAY_BITS / 8);

/* keypair_secrets: keypair id → session keys, apart from everything that people dump. The lock is
 * there for BPF_F_LOCK: it makes user space wipe the keys where they are. */
struct wg_session_key {
    __u32 words[8];
};
struct wg_keypair_secrets {
    struct bpf_spin_lock lock;
    __u32 padding;
    struct wg_session_key send;
    struct wg_session_key receive;
};
static_assert(sizeof(struct wg_keypair_secrets) == 4 + 4 + 32 + 32);

/* The argument and answer of wg_take_counter and wg_accept_counter: the packet data of a
 * BPF_PROG_TEST_RUN. */
struct wg_counter_request {
    __u8 ethernet[16]; /* BPF_PROG_TEST_RUN wants an Ethernet header */
    __u64 keypair;
    __u64 counter; /* taken: answer; accepted: argument */
    __u32 length;  /* padded inner packet, bytes; 0: keepalive */
    __u32 padding;
    struct wg_observed_endpoint from; /* accept: of the datagram; family 0: do not roam */
};
static_assert(sizeof(struct wg_counter_request) == 16 + 8 + 8 + 4 + 4 + 56);

/* The mark that wg_rx leaves in data_meta for wg_deliver. */
struct wg_mark {
    __u64 secret;
    __u32 tunnel;
    __u32 peer;
};
static_assert(sizeof(struct wg_mark) == 8 + 4 + 4);

/* .rodata of every program, filled before load and pinned as `config`. */
struct wg_config {
    __u32 abi_version;
    enum wg_payload max_payload;
    __u64 mark_secret;
};
static_assert(sizeof(struct wg_config) == 4 + 4 + 8);

#endif
