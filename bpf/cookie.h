/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * mac1, mac2 and cookie replies (whitepaper, sections 5.3, 5.4.4 and 5.4.7) for wg_cookie. The
 * daemon's own are in control/noise/cookie.cpp.
 */
#ifndef WGXDP_BPF_COOKIE_H
#define WGXDP_BPF_COOKIE_H

#include "crypto/blake2s.h"
#include "crypto/chacha20.h"
#include "crypto/poly1305.h"
#include "maps.h"
#include "packet.h"

enum cookie_words : __u32 {
    MAC_WORDS = WG_COOKIE_SIZE / 4,
    MACS_WORDS = 2 * MAC_WORDS,
    BLOCK_WORDS = WG_BLAKE2S_BLOCK_SIZE / 4,
    INPUT_WORDS = 64, /* a power of two, more than a message has */
    KEY_WORDS = 8,
    NONCE_INPUT_SIZE = 23, /* of no message and no address: this mac is no cookie */
};

/* What a mac is made over, and with: zeros follow the data. */
struct cookie_input {
    __le32 words[INPUT_WORDS];
};
struct cookie_key {
    __le32 words[KEY_WORDS];
};

/* What stands in the UDP checksum of a packet that never was on a wire: only the pseudo header's
 * sum, and a NIC that sends it on will add the rest. */
enum udp_sum : __u32 { UDP_SUM_WRONG, UDP_SUM_WHOLE, UDP_SUM_OF_PSEUDO_HEADER };

/* cookie_work: one message, its judgement and the reply, in the hands of whoever holds `claimed`:
 * more than the stack has room for. */
struct cookie_work {
    __u64 claimed;
    struct wg_packet packet;
    __u32 tunnel;
    enum udp_sum udp_sum;
    struct wg_cookie_keys keys;
    struct cookie_input message;
    struct cookie_input from;
    struct cookie_key cookie;
    struct wg_blake2s hash;
    struct chacha20_state state;
    struct chacha20_block blocks[2];
    __le32 macs[MACS_WORDS]; /* of the message */
    struct iphdr ipv4;       /* of the reply, or the next */
    struct ipv6hdr ipv6;
    struct {
        struct udphdr udp;
        struct wg_cookie_reply reply;
    } out;
};
static_assert(sizeof(struct cookie_work) == 1224, "pinned: WG_ABI_VERSION grows with it");
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct cookie_work);
} cookie_work SEC(".maps");

static __always_inline bool claim_work(struct cookie_work *work)
{
    return __sync_val_compare_and_swap(&work->claimed, 0, 1) == 0;
}

static __always_inline void release_work(struct cookie_work *work)
{
    __builtin_memset(&work->keys, 0, sizeof(work->keys));
    write_once(&work->claimed, 0);
}

/* Keyed BLAKE2s of `size` bytes, at most three blocks; the mac is hash->h[0..3]. A global function:
 * verified once. */
__global int cookie_mac(struct wg_blake2s *hash,
                        const struct cookie_key *key,
                        __u32 key_size,
                        const struct cookie_input *input,
                        __u32 size)
{
    if (!hash || !key || !input)
        return -1;
    wg_blake2s_set_parameters(hash, WG_COOKIE_SIZE, key_size);
    hash->hashed = WG_BLAKE2S_BLOCK_SIZE;
    for (__u32 i = 0; i < BLOCK_WORDS; i++)
        hash->block[i] = i < KEY_WORDS ? key->words[i] : 0;
    wg_blake2s_compress(hash, 0);
    for (__u32 block = 0; block < 3; block++) {
        const __u32 end = (block + 1) * WG_BLAKE2S_BLOCK_SIZE;

        hash->hashed = WG_BLAKE2S_BLOCK_SIZE + lesser(end, size);
        for (__u32 i = 0; i < BLOCK_WORDS; i++)
            hash->block[i] = input->words[block * BLOCK_WORDS + i];
        wg_blake2s_compress(hash, end >= size);
        if (end >= size)
            break;
    }
    return 0;
}

static __always_inline bool same_mac_words(const __u32 *a, const __u32 *b)
{
    __u32 difference = 0;

    for (__u32 i = 0; i < MAC_WORDS; i++)
        difference |= a[i] ^ b[i];
    return !opaque(difference);
}

/* Is the message by somebody who knows our public key? It stands in `message`, without its macs. */
static __always_inline bool check_mac1(struct cookie_work *work, __u32 size)
{
    cookie_mac(&work->hash, (const struct cookie_key *)work->keys.mac1_key, WG_KEY_SIZE,
               &work->message, size);
    return same_mac_words(work->hash.h, work->macs);
}

/* The cookie of whoever sends from there, into `cookie`. */
static __always_inline void make_cookie(struct cookie_work *work, const struct wg_endpoint *from)
{
    const bool v4 = from->family == WG_AF_INET;

    for (__u32 i = 0; i < 4; i++)
        work->from.words[i] = load_le32(from->address + 4 * i);
    work->from.words[4] = v4 ? 0 : from->port;
    if (v4)
        work->from.words[1] = from->port;
    cookie_mac(&work->hash, (const struct cookie_key *)work->keys.secret, WG_KEY_SIZE, &work->from,
               sizeof(from->port) + (v4 ? 4 : 16));
    for (__u32 i = 0; i < MAC_WORDS; i++)
        work->cookie.words[i] = work->hash.h[i];
}

/* Does the message show that its sender has that cookie? */
static __always_inline bool check_mac2(struct cookie_work *work, __u32 size)
{
    for (__u32 i = 0; i < MAC_WORDS; i++)
        work->message.words[(size / 4 + i) & (INPUT_WORDS - 1)] = work->macs[i];
    cookie_mac(&work->hash, &work->cookie, WG_COOKIE_SIZE, &work->message, size + WG_COOKIE_SIZE);
    return same_mac_words(work->hash.h, work->macs + MAC_WORDS);
}

/* HChaCha20 (draft-irtf-cfrg-xchacha): a block of ChaCha20 without the final addition, which is
 * taken back. Leaves the state at block 0 of XChaCha20's stream. */
static __always_inline void start_xchacha20(struct cookie_work *work, const __u32 nonce[6])
{
    struct chacha20_state *state = &work->state;
    const __u32 *mixed = work->blocks[0].words;
    __u32 key[KEY_WORDS];

    chacha20_init(state, work->keys.cookie_key, 0);
    for (__u32 i = 0; i < 4; i++)
        state->words[12 + i] = nonce[i];
    chacha20_generate(&work->blocks[0], state);
    for (__u32 i = 0; i < 4; i++) {
        key[i] = mixed[i] - state->words[i];
        key[4 + i] = mixed[12 + i] - state->words[12 + i];
    }
    chacha20_init(state, key, (__u64)nonce[5] << 32 | nonce[4]);
}

/* A nonce that tells nothing of what it was made from: the kernel's random numbers for BPF can be
 * computed from a few of them. */
static __always_inline void make_nonce(struct cookie_work *work)
{
    const __u64 now = bpf_ktime_get_ns();

    work->from.words[0] = (__u32)now;
    work->from.words[1] = now >> 32;
    work->from.words[2] = bpf_get_smp_processor_id();
    work->from.words[3] = bpf_get_prandom_u32();
    cookie_mac(&work->hash, (const struct cookie_key *)work->keys.secret, WG_KEY_SIZE, &work->from,
               NONCE_INPUT_SIZE);
    __builtin_memcpy(work->out.reply.nonce, work->hash.h, WG_COOKIE_NONCE_SIZE);
}

/* Makes the reply to the message, whose nonce is there: the cookie, encrypted for whoever sent the
 * mac1. */
__global int seal_cookie(struct cookie_work *work)
{
    struct poly1305_sum sum = {};
    struct poly1305_key key;
    struct poly1305_tag tag;
    __le32 *sealed;

    if (!work)
        return -1;
    work->out.reply.type = WG_COOKIE_REPLY;
    work->out.reply.receiver_index = work->message.words[1]; /* its sender index */
    sealed = (__le32 *)work->out.reply.encrypted_cookie;
    start_xchacha20(work, (const __le32 *)work->out.reply.nonce);
    chacha20_generate(&work->blocks[0], &work->state);
    work->state.words[CHACHA20_BLOCK_COUNTER] = 1;
    chacha20_generate(&work->blocks[1], &work->state);
    for (__u32 i = 0; i < MAC_WORDS; i++)
        sealed[i] = work->cookie.words[i] ^ work->blocks[1].words[i];
    poly1305_init(&key, work->blocks[0].words);
    poly1305_absorb(&sum, &key, (const __u8 *)work->macs);
    poly1305_absorb(&sum, &key, (const __u8 *)sealed);
    poly1305_absorb_words(&sum, &key, WG_COOKIE_SIZE, WG_COOKIE_SIZE);
    tag = poly1305_finish(&sum, work->blocks[0].words);
    sealed[4] = (__u32)tag.low;
    sealed[5] = tag.low >> 32;
    sealed[6] = (__u32)tag.high;
    sealed[7] = tag.high >> 32;
    return 0;
}

#endif
