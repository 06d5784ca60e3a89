/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * Every drop is counted under a reason.
 */
#ifndef WGXDP_BPF_DROP_H
#define WGXDP_BPF_DROP_H

#include "maps.h"

static __always_inline void count_drop(enum wg_drop_reason reason)
{
    __u32 key = reason;
    __u64 *packets = bpf_map_lookup_elem(&drops, &key);

    if (packets)
        (*packets)++; /* per CPU, and no program of ours interrupts another on one CPU for long
                         enough to matter */
}

#endif
