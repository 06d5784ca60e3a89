/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * The part of the ABI that is the cipher's: slots, and the rings of them that the daemon makes
 * ahead. WG_ABI_VERSION (abi.h) grows with it, too.
 */
#ifndef WGXDP_KEYSTREAM_H
#define WGXDP_KEYSTREAM_H

#include <linux/types.h>

enum wg_keystream_sizes : __u32 {
    WG_SLOTS_PER_CPU = 4,
    WG_MAX_RINGS = 1024,  /* number 0 is none */
    WG_RING_SLOTS = 1024, /* a power of two */
};

/* The longest padded inner packet that a cipher slot can carry, in bytes. The programs come in two
 * sizes, made from the same source with one of these as WG_MAX_PAYLOAD: the larger slots take the
 * verifier, and the memory of a ring, six times as far. */
enum wg_payload : __u32 { WG_STANDARD_PAYLOAD = 1535, WG_JUMBO_PAYLOAD = 8959 };
#ifndef WG_MAX_PAYLOAD /* the daemon, which has to do with both */
#define WG_MAX_PAYLOAD WG_JUMBO_PAYLOAD
#endif

/* A cipher slot: the raw ChaCha20 stream of one counter. Block 0 gives the Poly1305 key; its unused
 * half holds the slot's state; then keystream. */
struct wg_slot {
    __u32 poly_key[8];
    __u64 state;  /* in a ring: see below */
    __u64 blocks; /* in a ring: how many of them are filled */
    __u64 reserved[2];
    __u64 keystream[(WG_MAX_PAYLOAD + 1) / 8];
};
static_assert(sizeof(struct wg_slot) == 64 + WG_MAX_PAYLOAD + 1,
              "whole cache lines: block 0, and as many blocks of keystream as the payload has");

/* State of a slot in a ring: ready for the counter in its low bits, or not. Only the producer
 * writes a slot, and not while it says ready; programs read, and look again afterwards whether it
 * still says the same: if not, what they read may be of two streams, and the packet must not be
 * used. A slot that is made again for the same counter gets another generation. A counter that
 * would reach into the upper bits never touches a ring. */
enum wg_slot_state : __u64 {
    WG_SLOT_EMPTY = 0,
    WG_SLOT_COUNTERS = 1ULL << 48,
    WG_SLOT_GENERATION = 1ULL << 48, /* times 0 to 2^14 - 1 */
    WG_SLOT_GENERATIONS = 0x3fffULL << 48,
    WG_SLOT_READY = 1ULL << 62,
};

/* rings[number]: the header of a ring of keystream made ahead for one direction of one keypair; its
 * slots are ring_slots[number], a counter's at counter % WG_RING_SLOTS. The counters here are
 * hints: the keypair has the authority. The daemon writes the first line, before it links the ring;
 * programs take `armed` back, and write the second. */
enum wg_direction : __u32 { WG_SEND = 0, WG_RECEIVE = 1 };
struct wg_ring {
    __u64 keypair;
    enum wg_direction direction;
    __u32 peer;
    __u64 wake_at; /* at this counter the producer wants to be woken */
    __u64 armed;   /* 1: it sleeps */
    __u64 line0[4];
    __u64 next;    /* the greatest counter used + 1 */
    __u64 longest; /* authentic payload since the producer looked, bytes */
    __u64 line1[6];
};
static_assert(sizeof(struct wg_ring) == 64 + 64);

/* keystream_bell: a keypair has become busy, or the producer that sleeps over its ring is wanted.
 */
struct wg_keystream_wanted {
    __u64 keypair;
    __u32 peer;
    enum wg_direction direction;
};
static_assert(sizeof(struct wg_keystream_wanted) == 8 + 4 + 4);

/* cipher_counts: packets by where their keystream came from. */
enum wg_cipher_count : __u32 {
    WG_SEALED_READY,
    WG_SEALED_INLINE,
    WG_OPENED_READY,
    WG_OPENED_INLINE,
    WG_CIPHER_COUNTS,
};

struct wg_cpu_slots {
    __u64 claimed[8]; /* WG_SLOTS_PER_CPU lock words, outside the slots, which the cipher fills */
};

#endif
