/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * The cipher of the data plane by itself, for cipher_bench: one packet that is nothing but payload
 * and tag. "ready": the keystream was made beforehand, in a ring of slots that is larger than a
 * CPU's nearest caches, as in traffic. TC: a run of an XDP program waits for a grace period.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "crypto/aead.h"
#include "crypto/slot.h"

enum { RING_SLOTS = 1024 };

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, RING_SLOTS);
    __type(key, __u32);
    __type(value, struct wg_slot);
} bench_ring SEC(".maps");

struct wg_session_key key;
struct wg_slot inline_slot;
__u64 counter;
__u32 length;
__u32 next_slot;

static __always_inline struct wg_slot *ready_slot(void)
{
    __u32 which = next_slot++ % RING_SLOTS;

    return bpf_map_lookup_elem(&bench_ring, &which);
}

SEC("tc")
int seal_inline(struct __sk_buff *skb)
{
    fill_poly_key(&inline_slot, &key, counter);
    fill_keystream(&inline_slot, &key, counter, length);
    return aead_seal((void *)(long)skb->data, (void *)(long)skb->data_end, length, &inline_slot);
}

/* Decrypts what is not authentic, too: run again on the same packet, it does the same work. */
SEC("tc")
int open_inline(struct __sk_buff *skb)
{
    __u8 *payload = (void *)(long)skb->data;
    const __u8 *end = (void *)(long)skb->data_end;
    enum aead_result result;

    fill_poly_key(&inline_slot, &key, counter);
    result = aead_verify(payload, end, length, &inline_slot);
    fill_keystream(&inline_slot, &key, counter, length);
    aead_decrypt(payload, end, length, &inline_slot);
    return result;
}

SEC("tc")
int seal_ready(struct __sk_buff *skb)
{
    struct wg_slot *slot = ready_slot();

    if (!slot)
        return AEAD_OUT_OF_BOUNDS;
    return aead_seal((void *)(long)skb->data, (void *)(long)skb->data_end, length, slot);
}

SEC("tc")
int open_ready(struct __sk_buff *skb)
{
    struct wg_slot *slot = ready_slot();

    if (!slot)
        return AEAD_OUT_OF_BOUNDS;
    return aead_open((void *)(long)skb->data, (void *)(long)skb->data_end, length, slot);
}
