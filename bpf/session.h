/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * From an index or a keypair id to everything one packet needs of a session. The pointers hold
 * until the program ends: the daemon erases nothing before a grace period has passed.
 */
#ifndef WGXDP_BPF_SESSION_H
#define WGXDP_BPF_SESSION_H

#include "maps.h"

struct wg_session {
    __u64 id; /* of the keypair */
    __u64 now;
    struct wg_keypair *keypair;
    struct wg_peer *peer;
    struct wg_peer_activity *activity;
    __u64 ready; /* 1: the packet's keystream came from a ring */
};

static __always_inline struct wg_peer *find_peer(__u32 peer)
{
    __u64 *version = bpf_map_lookup_elem(&peer_versions, &peer);
    __u64 key;

    if (!version)
        return 0;
    key = *(volatile __u64 *)version;
    return bpf_map_lookup_elem(&peers, &key);
}

/* A keypair and the activity of its peer; false where either is gone. */
static __always_inline bool find_keypair(struct wg_session *session, __u64 id)
{
    __u32 peer;

    session->id = id;
    session->now = bpf_ktime_get_boot_ns();
    session->keypair = bpf_map_lookup_elem(&keypairs, &id);
    if (!session->keypair)
        return false;
    peer = session->keypair->peer;
    session->activity = bpf_map_lookup_elem(&peer_activity, &peer);
    return session->activity;
}

/* And the peer as it is now. */
static __always_inline bool find_session(struct wg_session *session, __u64 id)
{
    if (!find_keypair(session, id))
        return false;
    session->peer = find_peer(session->keypair->peer);
    return session->peer;
}

#endif
