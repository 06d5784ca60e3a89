/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * Cipher slots of this CPU. A slot is claimed by a lock word, never by nesting depth: a shared slot
 * was overwritten by a nested transmit, which is nonce reuse. Between claim and release no packet
 * is sent and no tail call made.
 */
#ifndef WGXDP_BPF_CRYPTO_SLOT_H
#define WGXDP_BPF_CRYPTO_SLOT_H

#include "crypto/chacha20.h"
#include "maps.h"

/* A free slot of this CPU, or null. */
static __always_inline struct wg_slot *claim_slot(__u32 *which)
{
    __u32 zero = 0, i;
    struct wg_cpu_slots *cpu = bpf_map_lookup_elem(&slots_claimed, &zero);

    if (!cpu)
        return 0;
    for (i = 0; i < WG_SLOTS_PER_CPU; i++)
        if (__sync_val_compare_and_swap(&cpu->claimed[i], 0, 1) == 0)
            break;
    if (i >= WG_SLOTS_PER_CPU)
        return 0;
    *which = i;
    return bpf_map_lookup_elem(&inline_slots, which);
}

static __always_inline void release_slot(__u32 which)
{
    __u32 zero = 0;
    struct wg_cpu_slots *cpu = bpf_map_lookup_elem(&slots_claimed, &zero);

    if (cpu && which < WG_SLOTS_PER_CPU)
        *(volatile __u64 *)&cpu->claimed[which] = 0;
}

/* Fills blocks first .. first + count of a slot with the ChaCha20 stream of this counter. A global
 * function: verified once, for every caller. */
__global int fill_slot(
    struct wg_slot *slot, const struct wg_session_key *key, __u64 counter, __u32 first, __u32 count)
{
    struct chacha20_state state;

    if (!slot || !key)
        return -1;
    chacha20_init(&state, key->words, counter);
    for (__u32 block = 0; block < sizeof(*slot) / sizeof(struct chacha20_block); block++) {
        if (block >= first + count)
            break;
        if (block < first)
            continue;
        state.words[CHACHA20_BLOCK_COUNTER] = block;
        chacha20_generate((struct chacha20_block *)slot + block, &state);
    }
    return 0;
}

/* Block 0: all that is needed to check a tag. */
static __always_inline void
fill_poly_key(struct wg_slot *slot, const struct wg_session_key *key, __u64 counter)
{
    fill_slot(slot, key, counter, 0, 1);
}

/* The blocks after it: the keystream of so many bytes. */
static __always_inline void
fill_keystream(struct wg_slot *slot, const struct wg_session_key *key, __u64 counter, __u32 length)
{
    fill_slot(slot, key, counter, 1,
              (length + sizeof(struct chacha20_block) - 1) / sizeof(struct chacha20_block));
}

#endif
