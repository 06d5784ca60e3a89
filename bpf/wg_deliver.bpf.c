/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * The end of story 1 in native mode: on the NIC's TC ingress, after GRO, packets that wg_rx_xdp
 * marked go into wg0.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

#include "config.h"
#include "drop.h"
#include "maps.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

static __always_inline bool is_marked(struct __sk_buff *skb, struct wg_mark *mark)
{
    struct wg_mark *meta = (void *)(long)skb->data_meta;

    if ((void *)(meta + 1) > (void *)(long)skb->data)
        return false;
    *mark = *meta;
    return mark->secret == config.mark_secret;
}

SEC("tc")
int wg_deliver(struct __sk_buff *skb)
{
    struct wg_tunnel *tunnel;
    struct wg_mark mark;

    if (!is_marked(skb, &mark))
        return TC_ACT_UNSPEC;
    tunnel = bpf_map_lookup_elem(&tunnels, &mark.tunnel);
    if (!tunnel) {
        count_drop(WG_DROP_NOT_DELIVERED);
        return TC_ACT_SHOT;
    }
    if (skb->vlan_present)
        bpf_skb_vlan_pop(skb); /* a tag of the outer frame that the NIC had stripped */
    bpf_csum_level(skb, BPF_CSUM_LEVEL_INC);
    bpf_set_hash_invalid(skb);
    bpf_skb_change_type(skb, 0 /* PACKET_HOST: redirect_peer keeps OTHERHOST on older kernels */);
    if (tunnel->wg0_ifindex)
        return bpf_redirect(tunnel->wg0_ifindex, BPF_F_INGRESS);
    return bpf_redirect_peer(mark.tunnel, 0);
}
