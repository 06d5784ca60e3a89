// SPDX-License-Identifier: MIT
//
// The slots of one ring of keystream, shared with the BPF programs by mmap. How long they are is
// the map's: as the programs were when the ring was made.
#pragma once

#include <cstdint>

#include <wgxdp/abi.h>

#include "base/result.h"
#include "datapath/shared_array.h"

namespace wg {

/// Of a slot for payloads up to this.
constexpr std::uint32_t slot_size(wg_payload max_payload)
{
    return sizeof(wg_slot) - WG_JUMBO_PAYLOAD + max_payload;
}

class RingSlots {
  public:
    RingSlots() = default;
    /// `fd`: a ring's own map, one that `ring_slots` names.
    static Result<RingSlots> of(int fd);

    /// The counter's. Only so much of it is there as blocks() says.
    wg_slot &operator[](std::uint64_t counter) const
    {
        return reinterpret_cast<wg_slot &>(bytes_[counter % WG_RING_SLOTS * size_]);
    }
    unsigned blocks() const { return size_ / 64; } ///< of ChaCha20, block 0 with them
    void wipe();

  private:
    RingSlots(SharedArray<std::uint8_t> bytes, std::uint32_t size)
        : bytes_(std::move(bytes)), size_(size)
    {
    }

    SharedArray<std::uint8_t> bytes_;
    std::uint32_t size_ = 0; ///< of a slot
};

} // namespace wg
