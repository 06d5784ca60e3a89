/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * BLAKE2s (RFC 7693), plain or keyed, for the BPF programs and the daemon: init, update, final.
 * Every loop is bounded, so a verifier can follow it; lengths that are constants fold away.
 */
#ifndef WGXDP_CRYPTO_BLAKE2S_H
#define WGXDP_CRYPTO_BLAKE2S_H

#include <linux/types.h>

enum wg_blake2s_sizes : __u32 {
    WG_BLAKE2S_BLOCK_SIZE = 64,
    WG_BLAKE2S_HASH_SIZE = 32, /* the longest hash, and the longest key */
};

struct wg_blake2s {
    __u32 h[8];
    __u64 hashed; /* bytes that went through compress, or will with the next block */
    __le32 block[WG_BLAKE2S_BLOCK_SIZE / 4]; /* written as bytes */
    __u32 filled;                            /* bytes in block */
    __u32 hash_size;
};

static const __u32 WG_BLAKE2S_IV[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

static inline __u32 wg_blake2s_load(__le32 word)
{
    return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? __builtin_bswap32(word) : word;
}

static inline __u32 wg_blake2s_rotate(__u32 word, __u32 right)
{
    return word >> right | word << (32 - right);
}

/* G of RFC 7693, section 3.1 */
static inline __attribute__((always_inline)) void
wg_blake2s_mix(__u32 *v, __u32 a, __u32 b, __u32 c, __u32 d, __le32 x, __le32 y)
{
    v[a] += v[b] + wg_blake2s_load(x);
    v[d] = wg_blake2s_rotate(v[d] ^ v[a], 16);
    v[c] += v[d];
    v[b] = wg_blake2s_rotate(v[b] ^ v[c], 12);
    v[a] += v[b] + wg_blake2s_load(y);
    v[d] = wg_blake2s_rotate(v[d] ^ v[a], 8);
    v[c] += v[d];
    v[b] = wg_blake2s_rotate(v[b] ^ v[c], 7);
}

/* One round; the schedule is written as a hexadecimal number, its first word leftmost, so that it
 * is a constant in the instructions and not a table in memory. */
static inline __attribute__((always_inline)) void
wg_blake2s_round(__u32 *v, const __le32 *m, __u64 schedule)
{
    wg_blake2s_mix(v, 0, 4, 8, 12, m[schedule >> 60], m[schedule >> 56 & 15]);
    wg_blake2s_mix(v, 1, 5, 9, 13, m[schedule >> 52 & 15], m[schedule >> 48 & 15]);
    wg_blake2s_mix(v, 2, 6, 10, 14, m[schedule >> 44 & 15], m[schedule >> 40 & 15]);
    wg_blake2s_mix(v, 3, 7, 11, 15, m[schedule >> 36 & 15], m[schedule >> 32 & 15]);
    wg_blake2s_mix(v, 0, 5, 10, 15, m[schedule >> 28 & 15], m[schedule >> 24 & 15]);
    wg_blake2s_mix(v, 1, 6, 11, 12, m[schedule >> 20 & 15], m[schedule >> 16 & 15]);
    wg_blake2s_mix(v, 2, 7, 8, 13, m[schedule >> 12 & 15], m[schedule >> 8 & 15]);
    wg_blake2s_mix(v, 3, 4, 9, 14, m[schedule >> 4 & 15], m[schedule & 15]);
}

/* F of RFC 7693, section 3.2, over state->block */
static inline void wg_blake2s_compress(struct wg_blake2s *state, __u32 last_block)
{
    const __le32 *m = state->block;
    __u32 v[16];

    for (__u32 i = 0; i < 8; ++i) {
        v[i] = state->h[i];
        v[i + 8] = WG_BLAKE2S_IV[i];
    }
    v[12] ^= (__u32)state->hashed;
    v[13] ^= (__u32)(state->hashed >> 32);
    v[14] ^= last_block ? ~0U : 0;

    wg_blake2s_round(v, m, 0x0123456789abcdef);
    wg_blake2s_round(v, m, 0xea489fd61c02b753);
    wg_blake2s_round(v, m, 0xb8c052fdae367194);
    wg_blake2s_round(v, m, 0x7931dcbe265a40f8);
    wg_blake2s_round(v, m, 0x905724afe1bc683d);
    wg_blake2s_round(v, m, 0x2c6a0b834d75fe19);
    wg_blake2s_round(v, m, 0xc51fed4a0763928b);
    wg_blake2s_round(v, m, 0xdb7ec13950f4862a);
    wg_blake2s_round(v, m, 0x6fe9b308c2d714a5);
    wg_blake2s_round(v, m, 0xa2847615fb9e3cd0);

    for (__u32 i = 0; i < 8; ++i)
        state->h[i] ^= v[i] ^ v[i + 8];
}

/* The parameter block (RFC 7693, section 2.5), for a key that is hashed first, if there is one. */
static inline void
wg_blake2s_set_parameters(struct wg_blake2s *state, __u32 hash_size, __u32 key_size)
{
    for (__u32 i = 0; i < 8; ++i)
        state->h[i] = WG_BLAKE2S_IV[i];
    state->h[0] ^= 0x01010000 ^ key_size << 8 ^ hash_size;
}

/* A key of up to WG_BLAKE2S_HASH_SIZE bytes, or none with key_size 0; the hash has 1 to
 * WG_BLAKE2S_HASH_SIZE. */
static inline void
wg_blake2s_init(struct wg_blake2s *state, __u32 hash_size, const __u8 *key, __u32 key_size)
{
    __u8 *block = (__u8 *)state->block;

    wg_blake2s_set_parameters(state, hash_size, key_size);
    state->hashed = 0;
    state->filled = 0;
    if (key_size)
        state->filled = WG_BLAKE2S_BLOCK_SIZE; /* a key is a whole block of its own */
    state->hash_size = hash_size;
    for (__u32 i = 0; i < WG_BLAKE2S_BLOCK_SIZE; ++i)
        block[i] = i < key_size && i < WG_BLAKE2S_HASH_SIZE ? key[i] : 0;
}

/* A full block waits until more data proves that it is not the last. */
static inline void wg_blake2s_update(struct wg_blake2s *state, const __u8 *data, __u64 size)
{
    __u8 *block = (__u8 *)state->block;
    __u32 filled = state->filled;

    for (__u64 i = 0; i < size; ++i) {
        if (filled >= WG_BLAKE2S_BLOCK_SIZE) {
            state->hashed += WG_BLAKE2S_BLOCK_SIZE;
            wg_blake2s_compress(state, 0);
            filled = 0;
        }
        block[filled++] = data[i];
    }
    state->filled = filled;
}

/* Writes hash_size bytes. The caller wipes the state if the data or the key was secret. */
static inline void wg_blake2s_final(struct wg_blake2s *state, __u8 *hash)
{
    __u8 *block = (__u8 *)state->block;

    state->hashed += state->filled;
    for (__u32 i = 0; i < WG_BLAKE2S_BLOCK_SIZE; ++i)
        if (i >= state->filled)
            block[i] = 0;
    wg_blake2s_compress(state, 1);
    for (__u32 i = 0; i < WG_BLAKE2S_HASH_SIZE; ++i)
        if (i < state->hash_size)
            hash[i] = (__u8)(state->h[i / 4] >> 8 * (i % 4));
}

#endif
