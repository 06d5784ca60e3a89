/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * ChaCha20-Poly1305 (RFC 8439, section 2.8) over packet memory, without associated data as in
 * WireGuard's data messages, from a slot that already holds the ChaCha20 stream of the packet's
 * counter. Encryption and authentication are one pass of 64-byte chunks: the XOR hides in the
 * latency of Poly1305.
 *
 * All functions take `payload`, the first byte after the message header; `end`, the first byte
 * beyond accessible memory; and `length` of the payload, 0 to WG_MAX_PAYLOAD, behind which
 * WG_TAG_SIZE bytes of tag lie. No byte beyond the tag is read or written.
 */
#ifndef WGXDP_CRYPTO_AEAD_H
#define WGXDP_CRYPTO_AEAD_H

#include <wgxdp/abi.h>
#include <wgxdp/protocol.h>

#include "crypto/poly1305.h"
#include "portable.h"

enum aead_result : __u32 {
    AEAD_OK,
    AEAD_OUT_OF_BOUNDS, /* the packet is shorter than length says, or length longer than a slot */
    AEAD_BAD_TAG,
};

enum aead_mode : __u32 {
    AEAD_SEAL,    /* encrypt and write the tag */
    AEAD_OPEN,    /* authenticate and decrypt */
    AEAD_VERIFY,  /* authenticate only */
    AEAD_DECRYPT, /* decrypt only: the tag was verified before */
};

static constexpr __u32 AEAD_BLOCK = 16; /* of Poly1305 */
static constexpr __u32 AEAD_CHUNK = 64;

static __always_inline void aead_xor(__u8 *data, const __u8 *stream, __u32 size)
{
    for (__u32 at = 0; at < size; at += 8)
        store_le64(data + at, load_le64(data + at) ^ load_le64(stream + at));
}

static __always_inline void aead_chunk(struct poly1305_sum *sum,
                                       const struct poly1305_key *key,
                                       __u8 *data,
                                       const __u8 *stream,
                                       enum aead_mode mode)
{
    if (mode == AEAD_SEAL)
        aead_xor(data, stream, AEAD_CHUNK);
    if (mode != AEAD_DECRYPT)
        poly1305_absorb_chunk(sum, key, data);
    if (mode == AEAD_OPEN || mode == AEAD_DECRYPT)
        aead_xor(data, stream, AEAD_CHUNK);
}

static __always_inline void aead_block(struct poly1305_sum *sum,
                                       const struct poly1305_key *key,
                                       __u8 *data,
                                       const __u8 *stream,
                                       enum aead_mode mode)
{
    if (mode == AEAD_SEAL)
        aead_xor(data, stream, AEAD_BLOCK);
    if (mode != AEAD_DECRYPT)
        poly1305_absorb(sum, key, data);
    if (mode == AEAD_OPEN || mode == AEAD_DECRYPT)
        aead_xor(data, stream, AEAD_BLOCK);
}

/* The last 1 to 15 bytes. The tag follows them, so 16 bytes are there to load and store. */
static __always_inline void aead_ragged_block(struct poly1305_sum *sum,
                                              const struct poly1305_key *key,
                                              __u8 *data,
                                              const __u8 *stream,
                                              __u32 size,
                                              enum aead_mode mode)
{
    const __u64 mask_low = size >= 8 ? ~0ULL : ~(~0ULL << (8 * size & 63));
    const __u64 mask_high = size <= 8 ? 0 : ~(~0ULL << (8 * (size - 8) & 63));
    const __u64 low = load_le64(data);
    const __u64 high = load_le64(data + 8);
    const __u64 xored_low = low ^ (load_le64(stream) & mask_low);
    const __u64 xored_high = high ^ (load_le64(stream + 8) & mask_high);

    if (mode != AEAD_VERIFY) {
        store_le64(data, xored_low);
        store_le64(data + 8, xored_high);
    }
    if (mode == AEAD_SEAL)
        poly1305_absorb_words(sum, key, xored_low & mask_low, xored_high & mask_high);
    else if (mode != AEAD_DECRYPT)
        poly1305_absorb_words(sum, key, low & mask_low, high & mask_high);
}

/* The chunks of a payload that fill 64 bytes. False: the packet ends before them. */
static __always_inline bool aead_chunks(struct poly1305_sum *sum,
                                        const struct poly1305_key *key,
                                        __u8 *data,
                                        const __u8 *end,
                                        const __u8 *stream,
                                        __u32 chunks,
                                        enum aead_mode mode)
{
    for (__u32 i = 0; i < WG_MAX_PAYLOAD / AEAD_CHUNK; i++) {
        if (i >= chunks)
            break;
        if (!in_bounds(data, AEAD_CHUNK, end))
            return false;
        aead_chunk(sum, key, data, stream, mode);
        data += AEAD_CHUNK;
        stream += AEAD_CHUNK;
    }
    return true;
}

/* The tag that the payload has, from the sum over it. */
static __always_inline struct poly1305_tag aead_tag(struct poly1305_sum *sum,
                                                    const struct poly1305_key *key,
                                                    __u32 length,
                                                    const struct wg_slot *slot)
{
    /* the lengths of the associated data and of the ciphertext */
    poly1305_absorb_words(sum, key, 0, length);
    return poly1305_finish(sum, slot->poly_key);
}

/* What follows the chunks: up to three blocks, a ragged one, the tag. */
static __always_inline enum aead_result aead_rest(struct poly1305_sum *sum,
                                                  const struct poly1305_key *key,
                                                  __u8 *data,
                                                  const __u8 *end,
                                                  const __u8 *stream,
                                                  __u32 length,
                                                  const struct wg_slot *slot,
                                                  enum aead_mode mode)
{
    struct poly1305_tag tag, expected;
    __u32 left = length % AEAD_CHUNK;
    __u8 *tag_bytes;

    for (__u32 i = 0; i < AEAD_CHUNK / AEAD_BLOCK - 1; i++) {
        if (left < AEAD_BLOCK)
            break;
        if (!in_bounds(data, AEAD_BLOCK, end))
            return AEAD_OUT_OF_BOUNDS;
        aead_block(sum, key, data, stream, mode);
        data += AEAD_BLOCK;
        stream += AEAD_BLOCK;
        left -= AEAD_BLOCK;
    }

    left = length % AEAD_BLOCK;
    tag_bytes = data + left; /* to the verifier, a pointer that needs a check of its own */
    if (!in_bounds(data, AEAD_BLOCK, end) || !in_bounds(tag_bytes, WG_TAG_SIZE, end))
        return AEAD_OUT_OF_BOUNDS;
    tag.low = load_le64(tag_bytes);
    tag.high = load_le64(tag_bytes + 8);
    if (left)
        aead_ragged_block(sum, key, data, stream, left, mode);
    if (mode == AEAD_DECRYPT)
        return AEAD_OK;

    expected = aead_tag(sum, key, length, slot);
    if (mode == AEAD_SEAL) {
        store_le64(tag_bytes, expected.low);
        store_le64(tag_bytes + 8, expected.high);
        return AEAD_OK;
    }
    /* opaque: or the two halves become two branches, and time tells which of them differs */
    return opaque((tag.low ^ expected.low) | (tag.high ^ expected.high)) ? AEAD_BAD_TAG : AEAD_OK;
}

static __always_inline enum aead_result aead_run(
    __u8 *payload, const __u8 *end, __u32 length, const struct wg_slot *slot, enum aead_mode mode)
{
    const __u8 *stream = (const __u8 *)slot->keystream;
    struct poly1305_sum sum = {};
    struct poly1305_key key;
    __u32 chunks;
    __u64 done;

    if (length > WG_MAX_PAYLOAD)
        return AEAD_OUT_OF_BOUNDS;
    poly1305_init(&key, slot->poly_key);
    /* opaque: or clang drops the loop's own bound, and the verifier of 6.1, which forgets the one
     * of length, walks on ("R7 offset is outside of the packet") */
    chunks = (__u32)opaque(length) / AEAD_CHUNK;
    if (!aead_chunks(&sum, &key, payload, end, stream, chunks, mode))
        return AEAD_OUT_OF_BOUNDS;

    /* Where the chunks end, computed anew: with the loop's own pointers and count the verifier
     * walks the rest once for each of the 24 ways out of the loop (82,000 instructions, not
     * 15,000). */
    done = length & ~(AEAD_CHUNK - 1U);
    if (!at_most(&done, sizeof(slot->keystream) - AEAD_CHUNK))
        return AEAD_OUT_OF_BOUNDS;
    return aead_rest(&sum, &key, payload + done, end, stream + done, length, slot, mode);
}

/* Encrypts the payload and writes the tag behind it. */
static __always_inline enum aead_result
aead_seal(__u8 *payload, const __u8 *end, __u32 length, const struct wg_slot *slot)
{
    return aead_run(payload, end, length, slot, AEAD_SEAL);
}

/* Authenticates and decrypts in one pass. Whatever the result, the payload is XORed afterwards:
 * unless it is AEAD_OK, the packet must be dropped. */
static __always_inline enum aead_result
aead_open(__u8 *payload, const __u8 *end, __u32 length, const struct wg_slot *slot)
{
    return aead_run(payload, end, length, slot, AEAD_OPEN);
}

/* Checks the tag and writes nothing. Only the slot's poly_key is needed, which is one block of
 * ChaCha20: a forgery costs no more than that. */
static __always_inline enum aead_result
aead_verify(const __u8 *payload, const __u8 *end, __u32 length, const struct wg_slot *slot)
{
    return aead_run((__u8 *)payload, end, length, slot, AEAD_VERIFY);
}

/* Decrypts a payload whose tag was verified. */
static __always_inline enum aead_result
aead_decrypt(__u8 *payload, const __u8 *end, __u32 length, const struct wg_slot *slot)
{
    return aead_run(payload, end, length, slot, AEAD_DECRYPT);
}

#endif
