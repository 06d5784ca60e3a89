/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * The Internet checksum (RFC 1071) of the headers we write and check. Sums are 64 bits wide and
 * take 32-bit words as they lie in memory: the ones' complement sum does not mind the byte order.
 */
#ifndef WGXDP_CHECKSUM_H
#define WGXDP_CHECKSUM_H

#include <wgxdp/abi.h>

#include "portable.h"

enum checksum_sizes : __u32 {
    CHECKSUM_MAX_LENGTH = WG_MAX_PAYLOAD + 65, /* a datagram of the longest payload, and room */
    CHECKSUM_CHUNK = 64,
    CHECKSUM_IPV4_HEADER = 20,
};

static __always_inline __u16 checksum_fold(__u64 sum)
{
    sum = (sum >> 32) + (sum & 0xffffffff);
    sum = (sum >> 32) + (sum & 0xffffffff);
    sum = (sum >> 16) + (sum & 0xffff);
    sum = (sum >> 16) + (sum & 0xffff);
    return (__u16)sum;
}

/* The value of a checksum field. */
static __always_inline __u16 checksum_finish(__u64 sum)
{
    return (__u16)~checksum_fold(sum);
}

/* The same for UDP, where a field of zero would mean "no checksum" (RFC 768). */
static __always_inline __u16 checksum_finish_udp(__u64 sum)
{
    const __u16 checksum = checksum_finish(sum);

    return checksum ? checksum : 0xffff;
}

/* Sums `size` bytes, a constant multiple of 4 that is accessible. */
static __always_inline __u64 checksum_words(const void *from, __u32 size)
{
    const __u8 *bytes = (const __u8 *)from;
    __u64 sum = 0;

    for (__u32 at = 0; at < size; at += 4)
        sum += load_le32(bytes + at);
    return sum;
}

/* Of a header without options: what belongs into a checksum field that is zero, or 0 where the
 * checksum in the field is right. */
static __always_inline __u16 checksum_ipv4(const void *header)
{
    return checksum_finish(checksum_words(header, CHECKSUM_IPV4_HEADER));
}

/* The checksum after one 16-bit word of the data changed (RFC 1624, equation 3). All three are as
 * they lie in memory. */
static __always_inline __u16 checksum_update(__u16 checksum, __u16 before, __u16 after)
{
    return checksum_finish((__u64)(__u16)~checksum + (__u16)~before + after);
}

/* Sums the words in the last 0 to 63 bytes. */
static __always_inline bool checksum_rest(__u64 *sum, const __u8 *data, const __u8 *end, __u32 left)
{
    for (__u32 i = 0; i < CHECKSUM_CHUNK / 4 - 1; i++) {
        if (left < 4)
            break;
        if (!in_bounds(data, 4, end))
            return false;
        *sum += load_le32(data);
        data += 4;
        left -= 4;
    }
    for (__u32 i = 0; i < 3; i++) {
        if (left <= i)
            break;
        if (!in_bounds(data, 1, end))
            return false;
        *sum += (__u64)*data++ << 8 * i;
    }
    return true;
}

/* Adds the bytes data .. data + length to sum. `end` is the first byte beyond accessible memory.
 * False: the memory is shorter than length, or length is more than CHECKSUM_MAX_LENGTH. */
static __always_inline bool
checksum_add(__u64 *sum, const __u8 *data, const __u8 *end, __u32 length)
{
    const __u32 chunks = (__u32)opaque(length) / CHECKSUM_CHUNK; /* opaque: see aead_run */
    const __u8 *chunk = data;
    __u64 done;

    if (length > CHECKSUM_MAX_LENGTH)
        return false;
    for (__u32 i = 0; i < CHECKSUM_MAX_LENGTH / CHECKSUM_CHUNK; i++) {
        if (i >= chunks)
            break;
        if (!in_bounds(chunk, CHECKSUM_CHUNK, end))
            return false;
        *sum += checksum_words(chunk, CHECKSUM_CHUNK);
        chunk += CHECKSUM_CHUNK;
    }
    /* computed anew, so that the verifier walks the rest once and not for each way out of the loop
     */
    done = length & ~(CHECKSUM_CHUNK - 1U);
    if (!at_most(&done, CHECKSUM_MAX_LENGTH))
        return false;
    return checksum_rest(sum, data + done, end, length % CHECKSUM_CHUNK);
}

#endif
