/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * What stands on the wire and every constant of the protocol (WireGuard whitepaper, sections 5.4
 * and 6). Shared by the BPF programs and the daemon: plain C23 and C++20.
 */
#ifndef WGXDP_PROTOCOL_H
#define WGXDP_PROTOCOL_H

#include <linux/types.h>

enum wg_message_type : __u32 {
    WG_HANDSHAKE_INITIATION = 1,
    WG_HANDSHAKE_RESPONSE = 2,
    WG_COOKIE_REPLY = 3,
    WG_TRANSPORT_DATA = 4,
};

enum wg_sizes : __u32 {
    WG_KEY_SIZE = 32,
    WG_TAG_SIZE = 16,
    WG_TIMESTAMP_SIZE = 12,
    WG_COOKIE_SIZE = 16,
    WG_COOKIE_NONCE_SIZE = 24,
    WG_PADDING = 16,
    WG_TRANSPORT_OVERHEAD =
        32, /* header and tag of a transport_data message; also a keepalive's size */
};

struct wg_macs {
    __u8 mac1[WG_COOKIE_SIZE];
    __u8 mac2[WG_COOKIE_SIZE];
};

struct wg_handshake_initiation {
    __le32 type; /* the type byte and three reserved zero bytes */
    __le32 sender_index;
    __u8 ephemeral[WG_KEY_SIZE];
    __u8 encrypted_static[WG_KEY_SIZE + WG_TAG_SIZE];
    __u8 encrypted_timestamp[WG_TIMESTAMP_SIZE + WG_TAG_SIZE];
    struct wg_macs macs;
};
static_assert(sizeof(struct wg_handshake_initiation) == 4 + 4 + 32 + 48 + 28 + 32,
              "148 bytes on the wire");

struct wg_handshake_response {
    __le32 type;
    __le32 sender_index;
    __le32 receiver_index;
    __u8 ephemeral[WG_KEY_SIZE];
    __u8 encrypted_nothing[WG_TAG_SIZE];
    struct wg_macs macs;
};
static_assert(sizeof(struct wg_handshake_response) == 4 + 4 + 4 + 32 + 16 + 32,
              "92 bytes on the wire");

struct wg_cookie_reply {
    __le32 type;
    __le32 receiver_index;
    __u8 nonce[WG_COOKIE_NONCE_SIZE];
    __u8 encrypted_cookie[WG_COOKIE_SIZE + WG_TAG_SIZE];
};
static_assert(sizeof(struct wg_cookie_reply) == 4 + 4 + 24 + 32, "64 bytes on the wire");

struct wg_transport_data {
    __le32 type;
    __le32 receiver_index;
    __le64 counter;
    /* encrypted packet and tag follow */
};
static_assert(sizeof(struct wg_transport_data) == 4 + 4 + 8, "16 bytes on the wire");

/* The replay bitmap (RFC 6479): one word of it is always being cleared, so the window is that much
 * smaller. */
enum wg_replay : __u64 {
    WG_REPLAY_BITS = 8192,
    WG_REPLAY_WORDS = WG_REPLAY_BITS / 64,
    WG_REPLAY_WINDOW = WG_REPLAY_BITS - 64,
};

static const __u64 WG_SECOND = 1000000000ULL; /* ns */
static const __u64 REKEY_AFTER_MESSAGES = 1ULL << 60;
static const __u64 REJECT_AFTER_MESSAGES = ~0ULL - WG_REPLAY_WINDOW - 1;
static const __u64 REKEY_AFTER_TIME = 120 * 1000000000ULL; /* ns, as all times below */
static const __u64 REJECT_AFTER_TIME = 180 * 1000000000ULL;
static const __u64 REKEY_TIMEOUT = 5 * 1000000000ULL;
static const __u64 REKEY_TIMEOUT_JITTER_MAX = 333 * 1000000ULL;
static const __u64 KEEPALIVE_TIMEOUT = 10 * 1000000000ULL;
static const __u64 INITIATION_INTERVAL =
    20 * 1000000ULL; /* at least this between two accepted initiations */
static const __u64 COOKIE_SECRET_MAX_AGE = 120 * 1000000000ULL;
static const __u64 COOKIE_SECRET_LATENCY = 5 * 1000000000ULL;
static const __u32 MAX_TIMER_HANDSHAKES = 18;
static const __u32 MAX_STAGED_PACKETS = 128;

#endif
