/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * ChaCha20 (RFC 8439, section 2.3), one block at a time, with WireGuard's nonce: 32 zero bits, then
 * the 64-bit counter of the packet. Plain C: a hand-allocated version with a quarter less
 * instructions was no faster, the chain of the rounds is the limit.
 */
#ifndef WGXDP_CRYPTO_CHACHA20_H
#define WGXDP_CRYPTO_CHACHA20_H

#include "portable.h"

enum chacha20_words : __u32 {
    CHACHA20_BLOCK_COUNTER = 12, /* the word that counts blocks */
    CHACHA20_NONCE = 13,         /* three words */
    CHACHA20_WORDS = 16,
};

struct chacha20_state {
    __u32 words[CHACHA20_WORDS];
};

struct chacha20_block {
    __u32 words[CHACHA20_WORDS];
};
static_assert(sizeof(struct chacha20_block) == 64);

/* Block 0 of a packet's stream comes next. */
static __always_inline void
chacha20_init(struct chacha20_state *state, const __u32 key[8], __u64 counter)
{
    state->words[0] = 0x61707865; /* "expand 32-byte k" */
    state->words[1] = 0x3320646e;
    state->words[2] = 0x79622d32;
    state->words[3] = 0x6b206574;
    for (int i = 0; i < 8; i++)
        state->words[4 + i] = key[i];
    state->words[CHACHA20_BLOCK_COUNTER] = 0;
    state->words[CHACHA20_NONCE] = 0;
    state->words[CHACHA20_NONCE + 1] = (__u32)counter;
    state->words[CHACHA20_NONCE + 2] = (__u32)(counter >> 32);
}

static __always_inline __u32 chacha20_rotate(__u32 word, int by)
{
    return word << by | word >> (32 - by);
}

static __always_inline void chacha20_quarter_round(__u32 *a, __u32 *b, __u32 *c, __u32 *d)
{
    *a += *b;
    *d = chacha20_rotate(*d ^ *a, 16);
    *c += *d;
    *b = chacha20_rotate(*b ^ *c, 12);
    *a += *b;
    *d = chacha20_rotate(*d ^ *a, 8);
    *c += *d;
    *b = chacha20_rotate(*b ^ *c, 7);
}

/* Writes the block that the state stands at; counting on is the caller's. Returns 0. */
__global int chacha20_generate(struct chacha20_block *block, const struct chacha20_state *state)
{
    __u32 x[CHACHA20_WORDS];

    if (!block || !state)
        return -1;
    for (__u32 i = 0; i < CHACHA20_WORDS; i++)
        x[i] = state->words[i];
    for (int round = 0; round < 20; round += 2) {
        chacha20_quarter_round(&x[0], &x[4], &x[8], &x[12]);
        chacha20_quarter_round(&x[1], &x[5], &x[9], &x[13]);
        chacha20_quarter_round(&x[2], &x[6], &x[10], &x[14]);
        chacha20_quarter_round(&x[3], &x[7], &x[11], &x[15]);
        chacha20_quarter_round(&x[0], &x[5], &x[10], &x[15]);
        chacha20_quarter_round(&x[1], &x[6], &x[11], &x[12]);
        chacha20_quarter_round(&x[2], &x[7], &x[8], &x[13]);
        chacha20_quarter_round(&x[3], &x[4], &x[9], &x[14]);
    }
    for (__u32 i = 0; i < CHACHA20_WORDS; i++)
        block->words[i] = x[i] + state->words[i];
    return 0;
}

#endif
