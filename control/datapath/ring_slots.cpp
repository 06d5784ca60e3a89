// SPDX-License-Identifier: MIT
#include "datapath/ring_slots.h"

#include <sodium.h>

#include <bpf/bpf.h>

namespace wg {

Result<RingSlots> RingSlots::of(int fd)
{
    bpf_map_info info{};
    std::uint32_t info_size = sizeof(info);
    if (bpf_obj_get_info_by_fd(fd, &info, &info_size) != 0)
        return system_failure(errno, "ring of keystream");
    const std::size_t bytes = std::size_t{info.value_size} * WG_RING_SLOTS;
    return RingSlots(WG_TRY(SharedArray<std::uint8_t>::of(fd, bytes, "wg_ring_slots")),
                     info.value_size);
}

void RingSlots::wipe()
{
    sodium_memzero(&bytes_[0], bytes_.size());
}

} // namespace wg
