// SPDX-License-Identifier: MIT
//
// A ring of keystream for one direction of one keypair, shared with the BPF programs by mmap
// (bpf/keystream.h has the other side). Made for its keypair and erased with it: no slot ever sees
// another key.
#pragma once

#include <memory>

#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"
#include "base/secret.h"
#include "datapath/ring_slots.h"
#include "datapath/slot_filler.h"

namespace wg {

class KeystreamRing {
  public:
    struct Owner {
        std::uint64_t keypair = 0;
        std::uint32_t peer = 0;
        wg_direction direction = WG_SEND;
    };

    /// Makes ring `number`, empty, from counter `next` on. `ring_slots`: the map of that name,
    /// which has no such ring yet; `header`: its element of the map `rings`; `max_payload`: the
    /// programs' own. The caller links it.
    static Result<std::unique_ptr<KeystreamRing>> create(int ring_slots,
                                                         wg_ring &header,
                                                         std::uint32_t number,
                                                         const Owner &owner,
                                                         wg_payload max_payload,
                                                         const wg_session_key &key,
                                                         std::uint64_t next);
    /// Zeroes and frees it; no program may use it any more. Without that it is left to them.
    void erase();

    const Owner &owner() const { return owner_; }
    std::uint32_t number() const { return number_; }
    std::uint64_t next() const; ///< counters below have been used

    /// Makes at most this many slots ready, ahead of the counters in use. Returns how many.
    std::size_t fill(const SlotFiller &filler, std::size_t limit, Instant now);
    /// From here on a program that uses up a part of it, or finds no slot, rings the bell.
    void arm();
    /// Whether it would have rung already.
    bool is_wanted() const;

  private:
    KeystreamRing(int ring_slots, wg_ring &header, std::uint32_t number, const Owner &owner);
    void choose_blocks(std::uint64_t next, Instant now);
    void set_blocks(std::uint64_t payload); ///< as this needs, or as many as there are
    void rewind(std::uint64_t to);
    bool are_ready() const;
    void fill_lanes(const SlotFiller &filler);

    int ring_slots_;
    wg_ring &header_;
    std::uint32_t number_;
    Owner owner_;
    Key key_;
    Fd map_;
    RingSlots slots_;
    std::uint64_t position_ = 0;   ///< the next counter to make
    std::uint64_t generation_ = 0; ///< of what is made now, in its place of the state
    unsigned blocks_ = 0;          ///< of each slot that is made now
    /// Payload of this and the last period; nothing is known of a time before the first.
    std::uint64_t longest_[2] = {0, WG_STANDARD_PAYLOAD};
    Instant period_end_;
};

/// Zeroes and frees what an earlier daemon left under this number, which no program may use any
/// more.
void erase_ring(int ring_slots, wg_ring &header, std::uint32_t number);

} // namespace wg
