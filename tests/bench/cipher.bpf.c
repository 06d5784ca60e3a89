/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * The cipher of the data plane by itself, for cipher_bench: one packet that is nothing but payload
 * and tag. "ready": the keystream was made beforehand, in a ring of slots that is larger than a
 * CPU's nearest caches, as in traffic.
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

SEC("xdp")
int seal_inline(struct xdp_md *xdp)
{
    fill_poly_key(&inline_slot, &key, counter);
    fill_keystream(&inline_slot, &key, counter, length);
    return aead_seal((void *)(long)xdp->data, (void *)(long)xdp->data_end, length, &inline_slot);
}

/* Decrypts what is not authentic, too: run again on the same packet, it does the same work. */
SEC("xdp")
int open_inline(struct xdp_md *xdp)
{
    __u8 *payload = (void *)(long)xdp->data;
    const __u8 *end = (void *)(long)xdp->data_end;
    enum aead_result result;

    fill_poly_key(&inline_slot, &key, counter);
    result = aead_verify(payload, end, length, &inline_slot);
    fill_keystream(&inline_slot, &key, counter, length);
    aead_decrypt(payload, end, length, &inline_slot);
    return result;
}

SEC("xdp")
int seal_ready(struct xdp_md *xdp)
{
    struct wg_slot *slot = ready_slot();

    if (!slot)
        return AEAD_OUT_OF_BOUNDS;
    return aead_seal((void *)(long)xdp->data, (void *)(long)xdp->data_end, length, slot);
}

SEC("xdp")
int open_ready(struct xdp_md *xdp)
{
    struct wg_slot *slot = ready_slot();

    if (!slot)
        return AEAD_OUT_OF_BOUNDS;
    return aead_open((void *)(long)xdp->data, (void *)(long)xdp->data_end, length, slot);
}
