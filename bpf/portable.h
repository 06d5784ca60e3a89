/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * The little that algorithm headers need from their surroundings, so that the same text is compiled
 * as BPF, natively under sanitizers and by libFuzzer: the common part of C23 and C++20.
 */
#ifndef WGXDP_PORTABLE_H
#define WGXDP_PORTABLE_H

#ifdef __bpf__
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

/* A function that the verifier checks once and by itself, whatever the callers' arguments are:
 * pointers may be null, and it returns a number. */
#define __global __noinline
#else
#include <linux/types.h>

#undef __always_inline /* linux/stddef.h has a weaker one */
#define __always_inline inline __attribute__((always_inline))
#define __global static inline
#endif

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words are loaded as they lie in memory");

/* Makes the optimiser forget what it knows of a value (its range, or what it was computed from). */
static __always_inline __u64 opaque(__u64 value)
{
    asm volatile("" : "+r"(value));
    return value;
}

/* Whether a value is within its limit, asked so that the verifier remembers the answer. Opaque on
 * both sides: clang must compare the very register that is used afterwards, and may not spill it
 * before (6.1 does not know that a register and its spilled copy are equal: "R4 max value is
 * outside of the allowed memory range"). */
static __always_inline bool at_most(__u64 *value, __u64 limit)
{
    *value = opaque(*value);
    if (*value > limit)
        return false;
    *value = opaque(*value);
    return true;
}

/* The smaller one, without a branch: the verifier would walk everything after it twice. */
static __always_inline __u32 lesser(__u32 a, __u32 b)
{
    const __s64 difference = (__s64)opaque((__u64)a - b);

    return (__u32)(b + (difference & difference >> 63));
}

/* Whether `size` bytes from `data` on lie before `end`. Opaque, since clang turns a plain
 * comparison in a loop into one with end + 1: "pointer arithmetic on pkt_end prohibited". */
static __always_inline bool in_bounds(const __u8 *data, __u32 size, const __u8 *end)
{
    const __u8 *after = data + size;

    asm volatile("" : "+r"(after));
    return after <= end;
}

/* A look at memory that others may be writing: one load, not repeated, not moved past another. */
static __always_inline __u64 read_once(const __u64 *from)
{
    return *(const volatile __u64 *)from;
}

static __always_inline void write_once(__u64 *to, __u64 value)
{
    *(volatile __u64 *)to = value;
}

#ifdef __bpf__
/* No load or store passes it, on any CPU. A compare and swap whose answer is wanted is a full
 * barrier; of an addition whose answer is not, clang makes one that orders nothing. */
static __always_inline void full_barrier(void)
{
    __u64 word = 0, before;

    asm volatile("" : : "r"(&word) : "memory");
    before = __sync_val_compare_and_swap(&word, 0, 1);
    asm volatile("" : : "r"(before) : "memory");
}
#endif

/* Little-endian words at any address. BPF has no unaligned types: clang would make four byte loads
 * of a memcpy, while the kernel (x86, arm64) allows the whole load on packet memory. */
#ifdef __bpf__
typedef __u32 __attribute__((may_alias)) portable_u32;
typedef __u64 __attribute__((may_alias)) portable_u64;

static __always_inline __u32 load_le32(const void *from)
{
    return *(const portable_u32 *)from;
}

static __always_inline __u64 load_le64(const void *from)
{
    return *(const portable_u64 *)from;
}

static __always_inline void store_le32(void *to, __u32 value)
{
    *(portable_u32 *)to = value;
}

static __always_inline void store_le64(void *to, __u64 value)
{
    *(portable_u64 *)to = value;
}
#else
static __always_inline __u32 load_le32(const void *from)
{
    __u32 value;

    __builtin_memcpy(&value, from, sizeof(value));
    return value;
}

static __always_inline __u64 load_le64(const void *from)
{
    __u64 value;

    __builtin_memcpy(&value, from, sizeof(value));
    return value;
}

static __always_inline void store_le32(void *to, __u32 value)
{
    __builtin_memcpy(to, &value, sizeof(value));
}

static __always_inline void store_le64(void *to, __u64 value)
{
    __builtin_memcpy(to, &value, sizeof(value));
}
#endif

#endif
