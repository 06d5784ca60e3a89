/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * Story 1, packet in: UDP on a NIC → the inner packet on its way to wg0. wg_rx_xdp runs in the
 * driver and leaves a mark for wg_deliver; wg_rx_tc is the same for NICs without native XDP and for
 * lo, and delivers by itself.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

#include "config.h"
#include "decap.h"
#include "drop.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("xdp")
int wg_rx_xdp(struct xdp_md *xdp)
{
    struct wg_packet packet = {};
    struct wg_session session;
    struct wg_inner inner;
    struct wg_tunnel *tunnel;
    enum wg_drop_reason drop;

    if (!has_metadata(xdp) ||
        !parse_message(&packet, (void *)(long)xdp->data, (void *)(long)xdp->data_end,
                       frame_size(xdp), WG_DATA_MESSAGE))
        return XDP_PASS; /* not for BPF: the stack hands it to the daemon's socket */
    if (!is_for_nic(xdp) || !find_receiver(&packet, &session, &tunnel, xdp->ingress_ifindex))
        return XDP_PASS; /* not ours */
    drop = check_receivable(&session, packet.counter)
        ?: open_xdp(xdp, &packet, &session)
        ?: accept_counter(&session, packet.counter, packet.payload_length, &packet.from);
    if (drop)
        goto out;
    note_opened(&session, packet.counter, packet.payload_length);
    if (!packet.payload_length)
        return XDP_DROP; /* a keepalive has done its work */
    drop = check_receive_limits(&session, packet.payload_length)
        ?: check_inner(&packet, &session, &inner, (void *)(long)xdp->data, (void *)(long)xdp->data_end)
        ?: strip_xdp(xdp, &packet, &inner) /* point of no return: outer headers are gone */
        ?: clamp_xdp(xdp, &session, &inner, tunnel)
        ?: address_xdp(xdp, &inner, tunnel)
        ?: mark_xdp(xdp, &session);
    if (!drop)
        return XDP_PASS;
out:
    count_drop(drop);
    return XDP_DROP;
}

SEC("tc")
int wg_rx_tc(struct __sk_buff *skb)
{
    struct wg_packet packet = {};
    struct wg_session session;
    struct wg_inner inner;
    struct wg_tunnel *tunnel;
    enum wg_drop_reason drop;

    if (!parse_skb(skb, &packet))
        return TC_ACT_UNSPEC; /* never OK: later filters must run */
    if (!find_receiver(&packet, &session, &tunnel, receiver_of(skb->ifindex)))
        return TC_ACT_UNSPEC;
    drop = check_receivable(&session, packet.counter)
        ?: open_tc(skb, &packet, &session)
        ?: accept_counter(&session, packet.counter, packet.payload_length, &packet.from);
    if (drop)
        goto out;
    note_opened(&session, packet.counter, packet.payload_length);
    if (!packet.payload_length)
        return TC_ACT_SHOT; /* a keepalive has done its work */
    drop = check_receive_limits(&session, packet.payload_length)
        ?: check_inner(&packet, &session, &inner, (void *)(long)skb->data, (void *)(long)skb->data_end)
        ?: strip_tc(skb, &packet, &inner) /* point of no return */
        ?: clamp_tc(skb, &session, &inner, tunnel)
        ?: address_tc(skb, &inner, tunnel);
    if (!drop)
        return bpf_redirect(session.keypair->tunnel, 0); /* the tunnel's id is wg0x's ifindex */
out:
    count_drop(drop);
    return TC_ACT_SHOT;
}
