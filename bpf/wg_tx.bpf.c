/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * Story 2, packet out: an inner packet that left wg0 arrives on wg0x → sealed, on the NIC's
 * transmit queue.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

#include "config.h"
#include "drop.h"
#include "encap.h"

enum { UNREACHABLE_INTERVAL_NS = 10000000 };

char LICENSE[] SEC("license") = "Dual MIT/GPL";

static __always_inline int shoot(enum wg_drop_reason reason)
{
    count_drop(reason);
    return TC_ACT_SHOT;
}

/* To the daemon's packet socket and to nobody else: the birth netns' IP stack refuses what is
 * somebody else's. */
static __always_inline int hand_over(struct __sk_buff *skb)
{
    if (bpf_skb_change_type(skb, 3 /* PACKET_OTHERHOST */))
        return shoot(WG_DROP_NO_STATE);
    return TC_ACT_OK;
}

/* The daemon tells the sender, and counts. A hundred a second and CPU: more, and a scan of our
 * prefixes would take the daemon's time. */
static __always_inline int unreachable(struct __sk_buff *skb, enum wg_drop_reason reason)
{
    const __u64 now = bpf_ktime_get_boot_ns();
    __u32 zero = 0;
    __u64 *next = bpf_map_lookup_elem(&unreachable_told, &zero);

    if (!next || now < *next)
        return shoot(reason);
    *next = now + UNREACHABLE_INTERVAL_NS;
    return hand_over(skb);
}

SEC("tc")
int wg_tx(struct __sk_buff *skb)
{
    struct wg_outgoing out = {};
    struct wg_tunnel *tunnel;
    struct wg_peer *peer;
    enum wg_drop_reason drop;
    __u32 id = skb->ifindex;

    drop = parse_frame(skb, &out.inner);
    if (drop)
        return shoot(drop);
    tunnel = bpf_map_lookup_elem(&tunnels, &id);
    if (!tunnel)
        return shoot(WG_DROP_NO_STATE);
    peer = find_destination(skb, &out.inner);
    if (!peer)
        return unreachable(skb, WG_DROP_NO_PEER);
    if (!peer->endpoint.family)
        return unreachable(skb, WG_DROP_NO_ENDPOINT);
    if (!is_sendable(&out, tunnel, peer))
        return hand_over(skb);
    drop = check_send_limits(&out.session, out.padded)
        ?: make_room(skb, &out)
        ?: clamp_sent(skb, &out)
        ?: seal(skb, &out)
        ?: write_outer(skb, &out, tunnel);
    if (drop)
        return shoot(drop);
    note_sent(&out.session, out.counter, out.padded);
    note_sealed(&out.session, out.counter, out.padded);
    return bpf_redirect(out.session.peer->route.ifindex, 0);
}
