/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * The TCP MSS option of a SYN, lowered to what the tunnel's path carries: then no segment needs to
 * be fragmented, and no "packet too big" has to find its way back. A SYN of either direction says
 * how long segments of the other one may be, so both are looked at, by one measure.
 */
#ifndef WGXDP_MSS_H
#define WGXDP_MSS_H

#include "checksum.h"
#include "portable.h"

enum mss_header : __u32 { MSS_IPV4_HEADER = 20, MSS_IPV6_HEADER = 40, MSS_TCP_HEADER = 20 };
enum mss_tcp : __u8 { MSS_TCP = 6 /* IPPROTO_TCP */, MSS_SYN = 2 };
enum mss_option : __u8 { MSS_OPTION_END = 0, MSS_OPTION_NOP = 1, MSS_OPTION = 2 };
enum mss_limit : __u32 { MSS_OPTION_SIZE = 4, MSS_LAST_OPTION = 60 - MSS_OPTION_SIZE };

/* How far it is to the next option. Without a branch: the verifier would walk all that follows for
 * either answer. */
static __always_inline __u64 mss_option_size(const __u8 *option)
{
    const __u64 nop = opaque(-(__u64)(option[0] == MSS_OPTION_NOP));

    return (option[1] & ~nop) | (1 & nop);
}

/* Where the option stands in a TCP header, 0: nowhere. */
static __always_inline __u64 mss_find(const __u8 *tcp, const __u8 *end)
{
    const __u64 size = (__u64)(tcp[12] >> 4) * 4;
    __u64 at = MSS_TCP_HEADER;

    for (__u32 i = MSS_TCP_HEADER; i <= MSS_LAST_OPTION; i++) {
        const __u8 *option;

        if (at + MSS_OPTION_SIZE > size || !at_most(&at, MSS_LAST_OPTION))
            return 0;
        option = tcp + at;
        if (!in_bounds(option, MSS_OPTION_SIZE, end) || option[0] == MSS_OPTION_END)
            return 0;
        if (option[0] == MSS_OPTION)
            return option[1] == MSS_OPTION_SIZE ? at : 0;
        at += mss_option_size(option);
    }
    return 0;
}

/* Two bytes as a word of the checksum, as it lies in memory: from an odd place they belong to two
 * words, and count the other way round. */
static __always_inline __u16 mss_word(__u8 first, __u8 second, __u64 at)
{
    return at & 1 ? (__u16)(first << 8 | second) : (__u16)(second << 8 | first);
}

static __always_inline void mss_clamp_segment(__u8 *tcp, const __u8 *end, __u32 most)
{
    __u16 before, after;
    __u8 *value;
    __u64 at;

    if (!in_bounds(tcp, MSS_TCP_HEADER, end) || !(tcp[13] & MSS_SYN))
        return;
    at = mss_find(tcp, end);
    if (!at || !at_most(&at, MSS_LAST_OPTION) || !in_bounds(tcp + at, MSS_OPTION_SIZE, end))
        return;
    value = tcp + at + 2;
    if ((__u32)(value[0] << 8 | value[1]) <= most)
        return;
    before = mss_word(value[0], value[1], at);
    value[0] = (__u8)(most >> 8);
    value[1] = (__u8)most;
    after = mss_word(value[0], value[1], at);
    after = checksum_update((__u16)(tcp[17] << 8 | tcp[16]), before, after);
    tcp[16] = (__u8)after;
    tcp[17] = (__u8)(after >> 8);
}

/* Of an IP packet that should not be longer than mtu. Nothing but a SYN is touched, and no SYN
 * behind IPv4 options or IPv6 extension headers. */
static __always_inline void mss_clamp(__u8 *ip, const __u8 *end, __u32 mtu)
{
    if (!in_bounds(ip, MSS_IPV6_HEADER, end)) /* nor is there a shorter one with TCP in it */
        return;
    if (ip[0] >> 4 == 6) {
        if (ip[6] == MSS_TCP && mtu > MSS_IPV6_HEADER + MSS_TCP_HEADER)
            mss_clamp_segment(ip + MSS_IPV6_HEADER, end, mtu - MSS_IPV6_HEADER - MSS_TCP_HEADER);
    } else if (ip[0] == 0x45 && ip[9] == MSS_TCP && !(ip[6] & 0x1f) && !ip[7] /* no fragment */ &&
               mtu > MSS_IPV4_HEADER + MSS_TCP_HEADER) {
        mss_clamp_segment(ip + MSS_IPV4_HEADER, end, mtu - MSS_IPV4_HEADER - MSS_TCP_HEADER);
    }
}

#endif
