// SPDX-License-Identifier: MIT
//
// A peer with rings of keystream that the test fills itself, so that it knows what is ready.
#pragma once

#include <array>

#include "bpf/bpf_fixture.h"
#include "datapath/keystream_ring.h"
#include "datapath/shared_array.h"

namespace wg::test {

/// Maps that the programs share with the daemon by mmap.
struct SharedMaps {
    SharedMaps();
    SharedArray<wg_ring> rings;
    SharedArray<wg_peer_activity> activity;
};

/// A ring with its link, erased at the end.
class TestRing {
  public:
    TestRing(SharedMaps &maps,
             const TestPeer &peer,
             wg_direction direction,
             std::uint64_t next = 0);
    ~TestRing();
    TestRing(const TestRing &) = delete;
    TestRing &operator=(const TestRing &) = delete;

    /// Makes so many slots ready, or all there is room for.
    std::size_t fill(std::size_t limit = WG_RING_SLOTS)
    {
        return ring_->fill(filler_, limit, time_);
    }
    /// Lets time pass in which no payload was longer than this.
    void learn(std::uint64_t longest);
    /// From now on with this one.
    void use(const SlotFiller &filler) { filler_ = filler; }
    std::uint64_t state(std::uint64_t counter) const { return slot(counter).state; }
    wg_slot &slot(std::uint64_t counter) const { return slots_[counter]; }
    KeystreamRing &ring() { return *ring_; }
    wg_ring &header() { return header_; }
    __u32 &link() { return link_; }

  private:
    wg_ring &header_;
    __u32 &link_;
    std::unique_ptr<KeystreamRing> ring_;
    RingSlots slots_;
    SlotFiller filler_;
    Instant time_ = now().instant;
};

using CipherCounts = std::array<std::uint64_t, WG_CIPHER_COUNTS>;
/// Packets by where their keystream came from, since the test began.
CipherCounts cipher_counts();

/// Runs tasks at once, each on a CPU of its own where there are enough.
void run_at_once(const std::vector<std::function<void()>> &tasks);

} // namespace wg::test
