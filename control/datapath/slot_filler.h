// SPDX-License-Identifier: MIT
//
// ChaCha20 for many counters at once (RFC 8439, section 2.3): one SIMD lane a slot.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <wgxdp/abi.h>

namespace wg {

inline constexpr std::size_t SLOT_LANES = 16;
/// The slots of SLOT_LANES counters in a row.
using SlotLanes = std::array<wg_slot *, SLOT_LANES>;

struct SlotFiller {
    const char *name; ///< "avx512", "avx2" or "portable"
    /// Writes blocks 0 to blocks - 1 (as many as a slot has) of the stream of counter, counter + 1,
    /// …, but not the second half of block 0, where a slot keeps its state.
    void (*fill)(const wg_session_key &key,
                 std::uint64_t counter,
                 const SlotLanes &slots,
                 unsigned blocks);
};

/// Those that this CPU can run, the fastest first.
std::vector<SlotFiller> slot_fillers();

void fill_slots_avx512(const wg_session_key &key,
                       std::uint64_t counter,
                       const SlotLanes &slots,
                       unsigned blocks);
void fill_slots_avx2(const wg_session_key &key,
                     std::uint64_t counter,
                     const SlotLanes &slots,
                     unsigned blocks);

} // namespace wg
