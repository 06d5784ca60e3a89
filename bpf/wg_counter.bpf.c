/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * The daemon's way to a keypair's counter and replay window, which only programs change: run by
 * BPF_PROG_TEST_RUN with a wg_counter_request as packet data. Returns a wg_drop_reason.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "config.h"
#include "keypair.h"
#include "peer_limits.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* Takes a counter to send with: the answer stands in request->counter. */
SEC("tc")
int wg_take_counter(struct __sk_buff *skb)
{
    struct wg_counter_request *request = (void *)(long)skb->data;
    struct wg_session session;
    enum wg_drop_reason drop;
    __u64 counter = 0;
    __u32 length;

    if ((void *)(request + 1) > (void *)(long)skb->data_end)
        return WG_DROP_BAD_LENGTH;
    length = request->length;
    if (!find_session(&session, request->keypair))
        return WG_DROP_NO_STATE;
    if (is_expired(&session))
        return WG_DROP_KEYPAIR_EXPIRED;
    drop = check_send_limits(&session, length) ?: take_counter(session.keypair, &counter);
    if (drop)
        return drop;
    note_sent(&session, counter, length);
    request->counter = counter;
    return WG_DROP_NONE;
}

/* A datagram that the daemon has authenticated: accept its counter and note where it came from. */
SEC("tc")
int wg_accept_counter(struct __sk_buff *skb)
{
    struct wg_counter_request *request = (void *)(long)skb->data;
    struct wg_observed_endpoint from;
    struct wg_session session;
    __u64 counter;
    __u32 length;

    if ((void *)(request + 1) > (void *)(long)skb->data_end)
        return WG_DROP_BAD_LENGTH;
    counter = request->counter;
    length = request->length;
    from = request->from;
    if (!find_session(&session, request->keypair))
        return WG_DROP_NO_STATE;
    return check_receivable(&session, counter)
        ?: accept_counter(&session, counter, length, &from)
        ?: check_receive_limits(&session, length);
}
