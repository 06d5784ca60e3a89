/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * The guard of story 3: while a tunnel is under load, handshake messages are judged here, on the
 * NIC's TC ingress behind wg_deliver or wg_rx_tc. Whoever knows our public key (mac1) and has no
 * cookie gets one back the way he came, and only those with a good mac2 come to the daemon: a flood
 * costs neither socket nor daemon. What parse_message does not take is judged by the daemon.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

#include "config.h"
#include "cookie.h"
#include "drop.h"
#include "listener.h"

enum { REPLY_HOP_LIMIT = 64 };

/* Of a handshake message: other packets of the NIC are let pass before anything is pulled. */
enum frame_sizes : __u32 {
    SHORTEST_FRAME = ETH_HLEN + sizeof(struct iphdr) + sizeof(struct udphdr) +
                     sizeof(struct wg_handshake_response),
    LONGEST_FRAME = ETH_HLEN + sizeof(struct ipv6hdr) + sizeof(struct udphdr) +
                    sizeof(struct wg_handshake_initiation),
};

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* --- the message --- */

/* Is it for a tunnel under load? Then it is in work, which is claimed. Its own frame: with
 * cookie_mac the stack would be too deep. */
static __noinline bool take_handshake(struct __sk_buff *skb, struct cookie_work *work)
{
    struct wg_packet packet = {};
    struct wg_cookie_checker *checker;
    __u32 tunnel;

    if (skb->len < SHORTEST_FRAME || skb->len > LONGEST_FRAME || !pull_headers(skb) ||
        !parse_message(&packet, (void *)(long)skb->data, (void *)(long)skb->data_end, skb->len,
                       WG_HANDSHAKE_MESSAGE) ||
        !find_listener(&packet, &tunnel))
        return false;
    packet.from.ifindex = skb->ifindex;
    check_roamable(&packet.from);
    checker = bpf_map_lookup_elem(&cookies, &tunnel);
    if (!packet.from.source.family || !checker ||
        bpf_ktime_get_boot_ns() >= read_once(&checker->load_until) || !claim_work(work))
        return false;
    work->packet = packet;
    work->tunnel = tunnel;
    bpf_spin_lock(&checker->lock);
    work->keys = checker->keys;
    bpf_spin_unlock(&checker->lock);
    return true;
}

static __always_inline __u32 size_without_macs(const struct cookie_work *work)
{
    return work->packet.payload_length == sizeof(struct wg_handshake_initiation)
               ? sizeof(struct wg_handshake_initiation) - sizeof(struct wg_macs)
               : sizeof(struct wg_handshake_response) - sizeof(struct wg_macs);
}

static __always_inline __u32 payload_offset(const struct cookie_work *work)
{
    return work->packet.payload_offset & 0x7f;
}

/* Swapping source and destination changes nothing in it. */
static __always_inline __u64 pseudo_sum(const struct cookie_work *work, __u32 udp_length)
{
    return checksum_words(work->packet.from.source.address, 16) +
           pseudo_header_sum(work->packet.from.destination, 16, bpf_htons(udp_length));
}

/* sum: of the message. */
static __always_inline enum udp_sum
check_udp(struct __sk_buff *skb, const struct cookie_work *work, __u64 sum)
{
    const struct wg_packet *packet = &work->packet;
    const __u32 length = sizeof(struct udphdr) + packet->payload_length;
    const __u64 pseudo = pseudo_sum(work, length);
    __u16 field;

    if (bpf_skb_load_bytes(skb, payload_offset(work) - sizeof(field), &field, sizeof(field)))
        return UDP_SUM_WRONG;
    if (!field)
        return packet->from.source.family == WG_AF_INET ? UDP_SUM_WHOLE : UDP_SUM_WRONG;
    sum += pseudo + packet->from.source.port + packet->port + bpf_htons(length) + field;
    if (checksum_fold(sum) == 0xffff)
        return UDP_SUM_WHOLE;
    return checksum_fold(pseudo) == field ? UDP_SUM_OF_PSEUDO_HEADER : UDP_SUM_WRONG;
}

/* Takes the message apart: what the macs are made over, and the macs. */
static __always_inline bool load_message(struct __sk_buff *skb, struct cookie_work *work)
{
    const __u32 size = size_without_macs(work), offset = payload_offset(work);
    __s64 sum;

    __builtin_memset(&work->message, 0, sizeof(work->message));
    if (bpf_skb_load_bytes(skb, offset, &work->message, size) ||
        bpf_skb_load_bytes(skb, offset + size, work->macs, sizeof(work->macs)))
        return false;
    sum = bpf_csum_diff(0, 0, work->message.words, size, 0);
    sum = bpf_csum_diff(0, 0, work->macs, sizeof(work->macs), (__u32)sum);
    work->udp_sum = check_udp(skb, work, (__u32)sum);
    return work->udp_sum != UDP_SUM_WRONG;
}

/* WG_DROP_NONE: the daemon shall see it. */
static __always_inline enum wg_drop_reason judge(struct __sk_buff *skb, struct cookie_work *work)
{
    const __u32 size = size_without_macs(work);
    const __le32 *mac2 = work->macs + MAC_WORDS;

    if (bpf_ktime_get_boot_ns() >= work->keys.secret_until || !load_message(skb, work))
        return WG_DROP_NONE;
    if (!check_mac1(work, size))
        return WG_DROP_NONE; /* the daemon's, or of somebody behind our NAT with the same port */
    make_cookie(work, &work->packet.from.source);
    if (!(mac2[0] | mac2[1] | mac2[2] | mac2[3]))
        return WG_DROP_UNDER_LOAD;
    return check_mac2(work, size) ? WG_DROP_NONE : WG_DROP_BAD_MAC2;
}

/* As long as so many are refused, there is load. */
static __always_inline void prolong_load(const struct cookie_work *work)
{
    __u32 tunnel = work->tunnel;
    struct wg_cookie_checker *checker = bpf_map_lookup_elem(&cookies, &tunnel);
    __u64 until = bpf_ktime_get_boot_ns() + WG_LOAD_LEFT;

    if (checker &&
        __sync_fetch_and_add(&checker->refused, 1) % WG_LOAD_MESSAGES == WG_LOAD_MESSAGES - 1 &&
        read_once(&checker->load_until) < until)
        write_once(&checker->load_until, until);
}

/* --- the reply --- */

enum { UDP_LENGTH = sizeof(struct udphdr) + sizeof(struct wg_cookie_reply) };

static __always_inline void write_udp_header(struct cookie_work *work)
{
    const __u64 pseudo = pseudo_sum(work, UDP_LENGTH);
    struct udphdr *udp = &work->out.udp;

    udp->source = work->packet.port;
    udp->dest = work->packet.from.source.port;
    udp->len = bpf_htons(UDP_LENGTH);
    udp->check = 0;
    udp->check = work->udp_sum == UDP_SUM_WHOLE
                     ? checksum_finish_udp(pseudo + checksum_words(&work->out, UDP_LENGTH))
                     : checksum_fold(pseudo);
}

static __always_inline long write_ip_header(struct __sk_buff *skb, struct cookie_work *work)
{
    const struct wg_packet *packet = &work->packet;

    if (packet->from.source.family == WG_AF_INET) {
        work->ipv4 = (struct iphdr){.version = 4,
                                    .ihl = 5,
                                    .tot_len = bpf_htons(sizeof(work->ipv4) + UDP_LENGTH),
                                    .frag_off = bpf_htons(0x4000 /* DF: needs no id */),
                                    .ttl = REPLY_HOP_LIMIT,
                                    .protocol = IPPROTO_UDP};
        __builtin_memcpy(&work->ipv4.saddr, packet->from.destination, 4);
        __builtin_memcpy(&work->ipv4.daddr, packet->from.source.address, 4);
        work->ipv4.check = checksum_ipv4(&work->ipv4);
        return bpf_skb_store_bytes(skb, ETH_HLEN, &work->ipv4, sizeof(work->ipv4), 0);
    }
    work->ipv6 = (struct ipv6hdr){.version = 6,
                                  .payload_len = bpf_htons(UDP_LENGTH),
                                  .nexthdr = IPPROTO_UDP,
                                  .hop_limit = REPLY_HOP_LIMIT};
    __builtin_memcpy(&work->ipv6.saddr, packet->from.destination, 16);
    __builtin_memcpy(&work->ipv6.daddr, packet->from.source.address, 16);
    return bpf_skb_store_bytes(skb, ETH_HLEN, &work->ipv6, sizeof(work->ipv6), 0);
}

static __always_inline long swap_macs(struct __sk_buff *skb)
{
    __u8 before[2 * ETH_ALEN], after[2 * ETH_ALEN];

    if (bpf_skb_load_bytes(skb, 0, before, sizeof(before)))
        return -1;
    __builtin_memcpy(after, before + ETH_ALEN, ETH_ALEN);
    __builtin_memcpy(after + ETH_ALEN, before, ETH_ALEN);
    return bpf_skb_store_bytes(skb, 0, after, sizeof(after), 0);
}

/* Turns the packet round: from where it went to where it came from, by the same link. */
static __always_inline int send_reply(struct __sk_buff *skb, struct cookie_work *work)
{
    const __u32 offset = payload_offset(work) - sizeof(struct udphdr);
    __u32 tunnel = work->tunnel;
    const struct wg_tunnel *sender = bpf_map_lookup_elem(&tunnels, &tunnel);

    make_nonce(work);
    seal_cookie(work);
    write_udp_header(work);
    if (!sender || bpf_skb_change_tail(skb, offset + UDP_LENGTH, 0) || swap_macs(skb) ||
        write_ip_header(skb, work) || bpf_skb_store_bytes(skb, offset, &work->out, UDP_LENGTH, 0))
        return TC_ACT_SHOT;
    skb->mark = sender->fwmark;
    return bpf_redirect(skb->ifindex, 0); /* sent when this program has ended */
}

SEC("tc")
int wg_cookie(struct __sk_buff *skb)
{
    __u32 zero = 0;
    struct cookie_work *work = bpf_map_lookup_elem(&cookie_work, &zero);
    enum wg_drop_reason drop;
    int verdict = TC_ACT_UNSPEC;

    if (!work || !take_handshake(skb, work))
        return TC_ACT_UNSPEC;
    drop = judge(skb, work);
    if (drop) {
        count_drop(drop);
        prolong_load(work);
        verdict = send_reply(skb, work);
    }
    release_work(work);
    return verdict;
}
