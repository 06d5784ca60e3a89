/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * Why a packet was dropped. The number is the key of the `drops` map; the name is what people see.
 */
#ifndef WGXDP_DROP_REASON_H
#define WGXDP_DROP_REASON_H

#include <linux/types.h>

enum wg_drop_reason : __u32 {
    WG_DROP_NONE,
    /* receiving data */
    WG_DROP_UNKNOWN_INDEX,
    WG_DROP_BAD_LENGTH,
    WG_DROP_KEYPAIR_EXPIRED,
    WG_DROP_COUNTER_LIMIT,
    WG_DROP_REPLAYED,
    WG_DROP_TOO_OLD,
    WG_DROP_BAD_TAG,
    WG_DROP_INNER_VERSION,
    WG_DROP_INNER_LENGTH,
    WG_DROP_INNER_SOURCE,
    /* sending data */
    WG_DROP_NOT_IP,
    WG_DROP_BAD_PACKET,
    WG_DROP_NO_PEER,
    WG_DROP_NO_ENDPOINT,
    WG_DROP_SEND_LIMIT,
    WG_DROP_STAGED_OVERFLOW,
    WG_DROP_STAGED_PURGED,
    WG_DROP_ROUTING_LOOP,
    WG_DROP_SEND_FAILED,
    /* either way */
    WG_DROP_NO_SLOT,
    WG_DROP_OVERTAKEN,
    WG_DROP_NO_ROOM,
    WG_DROP_NO_STATE,
    WG_DROP_NOT_DELIVERED,
    WG_DROP_OVER_RATE,
    WG_DROP_OVER_QUOTA,
    /* handshakes, counted by the daemon */
    WG_DROP_BAD_TYPE,
    WG_DROP_BAD_MAC1,
    WG_DROP_BAD_MAC2,
    WG_DROP_UNDER_LOAD,
    WG_DROP_RATE_LIMITED,
    WG_DROP_UNKNOWN_PEER,
    WG_DROP_BAD_HANDSHAKE,
    WG_DROP_REPLAYED_TIMESTAMP,
    WG_DROP_INITIATION_FLOOD,
    WG_DROP_UNEXPECTED_RESPONSE,
    WG_DROP_BAD_COOKIE,
    WG_DROP_COUNT,
};

static inline const char *wg_drop_reason_name(enum wg_drop_reason reason)
{
    static const char *const names[WG_DROP_COUNT] = {
        "none",
        "unknown_index",
        "bad_length",
        "keypair_expired",
        "counter_limit",
        "replayed",
        "too_old",
        "bad_tag",
        "inner_version",
        "inner_length",
        "inner_source",
        "not_ip",
        "bad_packet",
        "no_peer",
        "no_endpoint",
        "send_limit",
        "staged_overflow",
        "staged_purged",
        "routing_loop",
        "send_failed",
        "no_slot",
        "overtaken",
        "no_room",
        "no_state",
        "not_delivered",
        "over_rate",
        "over_quota",
        "bad_type",
        "bad_mac1",
        "bad_mac2",
        "under_load",
        "rate_limited",
        "unknown_peer",
        "bad_handshake",
        "replayed_timestamp",
        "initiation_flood",
        "unexpected_response",
        "bad_cookie",
    };

    return reason < WG_DROP_COUNT ? names[reason] : "unknown";
}

#endif
