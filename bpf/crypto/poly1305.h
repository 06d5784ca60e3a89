/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * Poly1305 (RFC 8439, section 2.5) with four limbs of radix 2^32, the top one 34 bits: 16 products
 * of 32 by 32 bits a block, nothing wider than 64 bits.
 *
 * r is clamped, so r[1..3] are multiples of 4 and 2^128 r[j] = 5 (r[j] / 4) mod 2^130 - 5: that is
 * fold[j - 1], and a product that would land beyond limb 3 lands in limb 0..2 instead.
 *
 * Why 64 bits are enough. r[j] < 2^28, fold < 1.25 * 2^28. The carries, 1 -> 2 -> 3 -> (x 5) 0 ->
 * 1, leave h0 < 2^32, h1 < 2^33, h2 < 2^32, h3 < 2^34; a block and its 2^128 bit (2^32 of h3) make
 * that at most 2, 3, 2 and 6 times 2^32. In units of 2^60 the sums are then d0 = h0 r0 + h1 fold2 +
 * h2 fold1 + h3 fold0 < 2 + 1.25 (3 + 2 + 6) = 15.75 d1 = h0 r1 + h1 r0 + h2 fold2 + h3 fold1    <
 * 2 + 3 + 1.25 (2 + 6) = 15 d2 = h0 r2 + h1 r1 + h2 r0 + h3 fold2       < 2 + 3 + 2 + 7.5 = 14.5 d3
 * = h0 r3 + h1 r2 + h2 r1 + h3 r0          < 2 + 3 + 2 + 6        = 13 and a carry adds less than
 * 2^33: all below 16, which is 2^64. h0 + 5 carry(d3) also stays below, since the carry is < 2^30.
 * No branch and no address depends on a secret.
 */
#ifndef WGXDP_CRYPTO_POLY1305_H
#define WGXDP_CRYPTO_POLY1305_H

#include "portable.h"

/* The multipliers of one key, laid out for poly1305_absorb's loads. */
struct poly1305_key {
    __u32 r[4];
    __u32 fold[3];
    __u32 padding;
    __u64 block_bit; /* 2^128 stands behind every block: 2^32 of limb 3 */
};
static_assert(sizeof(struct poly1305_key) == 16 + 12 + 4 + 8,
              "the offsets in POLY1305_MULTIPLY depend on it");

struct poly1305_sum {
    __u64 h0, h1, h2, h3;
};

struct poly1305_tag {
    __u64 low, high;
};

/* one_time_key: r, then s (which poly1305_finish adds). */
static __always_inline void poly1305_init(struct poly1305_key *key, const __u32 one_time_key[8])
{
    key->r[0] = one_time_key[0] & 0x0fffffff;
    key->r[1] = one_time_key[1] & 0x0ffffffc;
    key->r[2] = one_time_key[2] & 0x0ffffffc;
    key->r[3] = one_time_key[3] & 0x0ffffffc;
    key->fold[0] = key->r[1] + (key->r[1] >> 2);
    key->fold[1] = key->r[2] + (key->r[2] >> 2);
    key->fold[2] = key->r[3] + (key->r[3] >> 2);
    key->padding = 0;
    key->block_bit = 1ULL << 32;
}

#ifdef __bpf__
/* With its own register allocation LLVM spills into the dependency chain, which is all that limits
 * Poly1305 (446 ns for 1408 bytes against 346). So the registers are fixed here:
 *     r6..r9 h0..h3 | r1 message | r2 struct poly1305_key | r0, r3, r4 d1, d2, d3 | r5 scratch
 * h1 is last to be known (it takes the carry of d0), so it is multiplied last, and word 1 of the
 * next block is added to it (as d1, in r0) before that carry. */
#define POLY1305_FIRST(sum, limb, word) sum " = *(u32 *)(r2 + " #word ")\n" sum " *= " limb "\n"
#define POLY1305_ADD(sum, limb, word)                                                              \
    "r5 = *(u32 *)(r2 + " #word ")\nr5 *= " limb "\n" sum " += r5\n"
#define POLY1305_IN_PLACE(limb, word) "r5 = *(u32 *)(r2 + " #word ")\n" limb " *= r5\n"
#define POLY1305_MESSAGE(limb, at) "r5 = *(u32 *)(r1 + " #at ")\n" limb " += r5\n"
#define POLY1305_CARRY(to, from) "r5 = " from "\nr5 >>= 32\n" to " += r5\n"

/* clang-format off */
#define POLY1305_START(at) POLY1305_MESSAGE("r7", at + 4)
#define POLY1305_REST(at)                                                                          \
    POLY1305_MESSAGE("r8", at + 8) POLY1305_MESSAGE("r9", at + 12) POLY1305_MESSAGE("r6", at + 0)
#define POLY1305_MULTIPLY                                                                          \
    "r5 = *(u64 *)(r2 + 32)\nr9 += r5\n"                                                           \
    POLY1305_FIRST("r0", "r8", 24) POLY1305_ADD("r0", "r9", 20)                                    \
    POLY1305_ADD("r0", "r6", 4) POLY1305_ADD("r0", "r7", 0)                                        \
    POLY1305_FIRST("r3", "r8", 0) POLY1305_ADD("r3", "r9", 24)                                     \
    POLY1305_ADD("r3", "r6", 8) POLY1305_ADD("r3", "r7", 4)                                        \
    POLY1305_CARRY("r3", "r0") "w0 = w0\n"                                                         \
    POLY1305_FIRST("r4", "r8", 4) POLY1305_ADD("r4", "r9", 0)                                      \
    POLY1305_ADD("r4", "r6", 12) POLY1305_ADD("r4", "r7", 8)                                       \
    POLY1305_CARRY("r4", "r3") "w3 = w3\n"                                                         \
    POLY1305_IN_PLACE("r6", 0) POLY1305_IN_PLACE("r9", 16)                                         \
    POLY1305_IN_PLACE("r8", 20) POLY1305_IN_PLACE("r7", 24)                                        \
    "r6 += r9\nr6 += r8\nr6 += r7\n"                                                               \
    /* the carry beyond 2^130, times 5 as 1 + 4, goes to d0 */                                     \
    "r5 = r4\nr5 >>= 34\nr6 += r5\nr5 <<= 2\nr6 += r5\n"                                           \
    "r9 = r4\nr9 <<= 30\nr9 >>= 30\nr8 = r3\n"
#define POLY1305_CLOSE "r7 = r6\nr7 >>= 32\nr7 += r0\nw6 = w6\n"
#define POLY1305_NEXT(at)                                                                          \
    POLY1305_MESSAGE("r0", at + 4) POLY1305_CLOSE POLY1305_REST(at) POLY1305_MULTIPLY
/* clang-format on */

#define POLY1305_RUN(body, sum, key, message)                                                      \
    do {                                                                                           \
        register __u64 h0 asm("r6") = (sum)->h0;                                                   \
        register __u64 h1 asm("r7") = (sum)->h1;                                                   \
        register __u64 h2 asm("r8") = (sum)->h2;                                                   \
        register __u64 h3 asm("r9") = (sum)->h3;                                                   \
        register const void *from asm("r1") = (message);                                           \
        register const void *multipliers asm("r2") = (key);                                        \
        asm volatile(body                                                                          \
                     : "+r"(h0), "+r"(h1), "+r"(h2), "+r"(h3)                                      \
                     : "r"(from), "r"(multipliers)                                                 \
                     : "r0", "r3", "r4", "r5", "memory");                                          \
        (sum)->h0 = h0;                                                                            \
        (sum)->h1 = h1;                                                                            \
        (sum)->h2 = h2;                                                                            \
        (sum)->h3 = h3;                                                                            \
    } while (0)

static __always_inline void poly1305_multiply(struct poly1305_sum *sum,
                                              const struct poly1305_key *key)
{
    POLY1305_RUN(POLY1305_MULTIPLY POLY1305_CLOSE, sum, key, key);
}

/* 16 bytes of message */
static __always_inline void
poly1305_absorb(struct poly1305_sum *sum, const struct poly1305_key *key, const __u8 *block)
{
    POLY1305_RUN(POLY1305_START(0) POLY1305_REST(0) POLY1305_MULTIPLY POLY1305_CLOSE, sum, key,
                 block);
}

/* 64 bytes of message */
static __always_inline void
poly1305_absorb_chunk(struct poly1305_sum *sum, const struct poly1305_key *key, const __u8 *chunk)
{
    POLY1305_RUN(POLY1305_START(0) POLY1305_REST(0) POLY1305_MULTIPLY POLY1305_NEXT(16)
                     POLY1305_NEXT(32) POLY1305_NEXT(48) POLY1305_CLOSE,
                 sum, key, chunk);
}
#else
static __always_inline void poly1305_multiply(struct poly1305_sum *sum,
                                              const struct poly1305_key *key)
{
    const __u32 *r = key->r;
    const __u32 *fold = key->fold;
    const __u64 h0 = sum->h0;
    const __u64 h1 = sum->h1;
    const __u64 h2 = sum->h2;
    const __u64 h3 = sum->h3 + key->block_bit;
    __u64 d0 = h0 * r[0] + h1 * fold[2] + h2 * fold[1] + h3 * fold[0];
    __u64 d1 = h0 * r[1] + h1 * r[0] + h2 * fold[2] + h3 * fold[1];
    __u64 d2 = h0 * r[2] + h1 * r[1] + h2 * r[0] + h3 * fold[2];
    __u64 d3 = h0 * r[3] + h1 * r[2] + h2 * r[1] + h3 * r[0];

    d2 += d1 >> 32;
    d3 += d2 >> 32;
    d0 += 5 * (d3 >> 34);
    sum->h0 = (__u32)d0;
    sum->h1 = (__u32)d1 + (d0 >> 32);
    sum->h2 = (__u32)d2;
    sum->h3 = d3 & 0x3ffffffff;
}

static __always_inline void
poly1305_absorb(struct poly1305_sum *sum, const struct poly1305_key *key, const __u8 *block)
{
    sum->h0 += load_le32(block);
    sum->h1 += load_le32(block + 4);
    sum->h2 += load_le32(block + 8);
    sum->h3 += load_le32(block + 12);
    poly1305_multiply(sum, key);
}

static __always_inline void
poly1305_absorb_chunk(struct poly1305_sum *sum, const struct poly1305_key *key, const __u8 *chunk)
{
    for (int at = 0; at < 64; at += 16)
        poly1305_absorb(sum, key, chunk + at);
}
#endif

/* A block of message that stands in registers. */
static __always_inline void poly1305_absorb_words(struct poly1305_sum *sum,
                                                  const struct poly1305_key *key,
                                                  __u64 low,
                                                  __u64 high)
{
    sum->h0 += (__u32)low;
    sum->h1 += low >> 32;
    sum->h2 += (__u32)high;
    sum->h3 += high >> 32;
    poly1305_multiply(sum, key);
}

/* Carries through, reduces modulo 2^130 - 5 and adds s, modulo 2^128. */
static __always_inline struct poly1305_tag poly1305_finish(const struct poly1305_sum *sum,
                                                           const __u32 one_time_key[8])
{
    const __u32 *s = one_time_key + 4;
    struct poly1305_tag tag;
    __u64 h0, h1, h2, h3, g0, g1, g2, g3, take;

    h1 = sum->h1;
    h2 = sum->h2 + (h1 >> 32);
    h3 = sum->h3 + (h2 >> 32);
    h0 = sum->h0 + 5 * (h3 >> 34);
    h1 = (__u32)h1 + (h0 >> 32);
    h2 = (__u32)h2 + (h1 >> 32);
    h3 = (h3 & 0x3ffffffff) + (h2 >> 32);

    /* h is below 2^130 now; h + 5 reaches 2^130 exactly when h >= p, and then replaces h */
    g0 = (h0 & 0xffffffff) + 5;
    g1 = (h1 & 0xffffffff) + (g0 >> 32);
    g2 = (h2 & 0xffffffff) + (g1 >> 32);
    g3 = h3 + (g2 >> 32);
    take = 0 - (g3 >> 34);
    h0 ^= (h0 ^ g0) & take;
    h1 ^= (h1 ^ g1) & take;
    h2 ^= (h2 ^ g2) & take;
    h3 ^= (h3 ^ g3) & take;

    h0 = (__u64)(__u32)h0 + s[0];
    h1 = (__u64)(__u32)h1 + s[1] + (h0 >> 32);
    h2 = (__u64)(__u32)h2 + s[2] + (h1 >> 32);
    h3 = (__u64)(__u32)h3 + s[3] + (h2 >> 32);
    tag.low = (__u32)h0 | h1 << 32;
    tag.high = (__u32)h2 | h3 << 32;
    return tag;
}

#endif
