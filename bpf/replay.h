/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * The replay window of a keypair: RFC 6479, as drivers/net/wireguard/receive.c has it. A ring of
 * words, one bit a counter; words that the window leaves behind are cleared whole as it moves on.
 */
#ifndef WGXDP_REPLAY_H
#define WGXDP_REPLAY_H

#include <wgxdp/abi.h>
#include <wgxdp/drop_reason.h>
#include <wgxdp/protocol.h>

#include "portable.h"

enum replay_sizes : __u32 { REPLAY_WORD_BITS = 64 };

/* A counter's position is counter + 1, as replay_next counts: 0 means "none yet". */
static __always_inline __u32 replay_word(__u64 position)
{
    return position / REPLAY_WORD_BITS % WG_REPLAY_WORDS;
}

static __always_inline __u64 replay_bit(__u64 position)
{
    return 1ULL << position % REPLAY_WORD_BITS;
}

static __always_inline enum wg_drop_reason replay_check_age(__u64 replay_next, __u64 counter)
{
    if (replay_next > REJECT_AFTER_MESSAGES || counter >= REJECT_AFTER_MESSAGES)
        return WG_DROP_COUNTER_LIMIT;
    if (counter + 1 + WG_REPLAY_WINDOW < replay_next)
        return WG_DROP_TOO_OLD;
    return WG_DROP_NONE;
}

/* A look without the lock, before any cipher work, at a counter that is not authentic yet. While
 * another CPU moves the window, a replay may get past it: replay_accept decides. (A CPU that
 * reorders loads may then also take a late packet for a replay: it is lost, as late packets may
 * be.) */
static __always_inline enum wg_drop_reason replay_check_hint(const struct wg_keypair *keypair,
                                                             __u64 counter)
{
    const __u64 replay_next = read_once(&keypair->replay_next);
    const __u64 position = counter + 1;
    enum wg_drop_reason drop = replay_check_age(replay_next, counter);

    if (drop != WG_DROP_NONE || position > replay_next)
        return drop;
    if (read_once(&keypair->replay_bitmap[replay_word(position)]) & replay_bit(position))
        return WG_DROP_REPLAYED;
    return WG_DROP_NONE;
}

/* Takes the counter of an authentic packet, once. Under keypair->lock: no calls in here. */
static __always_inline enum wg_drop_reason replay_accept(struct wg_keypair *keypair, __u64 counter)
{
    const __u64 last = keypair->replay_next;
    const __u64 position = counter + 1;
    const __u64 bit = replay_bit(position);
    enum wg_drop_reason drop = replay_check_age(last, counter);
    __u64 *word = &keypair->replay_bitmap[replay_word(position)];

    if (drop != WG_DROP_NONE)
        return drop;
    if (position > last) {
        const __u64 ahead = position / REPLAY_WORD_BITS - last / REPLAY_WORD_BITS;

        for (__u32 i = 1; i <= WG_REPLAY_WORDS; i++) {
            if (i > ahead)
                break;
            write_once(&keypair->replay_bitmap[replay_word(last + i * REPLAY_WORD_BITS)], 0);
        }
        /* after the clearing, or replay_check_hint would take a stale bit for a replay */
        write_once(&keypair->replay_next, position);
    }
    if (*word & bit)
        return WG_DROP_REPLAYED;
    *word |= bit;
    return WG_DROP_NONE;
}

#endif
