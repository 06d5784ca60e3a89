// SPDX-License-Identifier: MIT
#include "datapath/keystream_ring.h"

#include <algorithm>
#include <atomic>

#include <bpf/bpf.h>

#include "base/log.h"

namespace wg {

namespace {

using std::chrono_literals::operator""ms;

constexpr auto PERIOD = 50ms; // slots are as long as the packets of the last one or two
constexpr std::uint64_t LATE =
    128; // so far back a slot stays as it is: packets overtake each other
constexpr std::uint64_t AHEAD = WG_RING_SLOTS - LATE;
constexpr std::uint64_t WAKE_AFTER = WG_RING_SLOTS / 4;

std::uint64_t load(const __u64 &from)
{
    return std::atomic_ref(const_cast<__u64 &>(from)).load(std::memory_order_acquire);
}

/* Block 0, and the keystream. */
std::uint64_t blocks_of(std::uint64_t payload)
{
    return 1 + (payload + 63) / 64;
}

} // namespace

KeystreamRing::KeystreamRing(int ring_slots,
                             wg_ring &header,
                             std::uint32_t number,
                             const Owner &owner)
    : ring_slots_(ring_slots), header_(header), number_(number), owner_(owner)
{
}

Result<std::unique_ptr<KeystreamRing>> KeystreamRing::create(int ring_slots,
                                                             wg_ring &header,
                                                             std::uint32_t number,
                                                             const Owner &owner,
                                                             wg_payload max_payload,
                                                             const wg_session_key &key,
                                                             std::uint64_t next)
{
    std::unique_ptr<KeystreamRing> ring(new KeystreamRing(ring_slots, header, number, owner));
    std::memcpy(ring->key_.mutable_bytes().data(), key.words, sizeof(key.words));
    bpf_map_create_opts options{};
    options.sz = sizeof(options);
    options.map_flags = BPF_F_MMAPABLE;
    ring->map_ = Fd(bpf_map_create(BPF_MAP_TYPE_ARRAY, "wg_ring_slots", sizeof(std::uint32_t),
                                   slot_size(max_payload), WG_RING_SLOTS, &options));
    if (!ring->map_)
        return system_failure(errno, "ring of keystream");
    ring->slots_ = WG_TRY(RingSlots::of(ring->map_.get()));
    ring->set_blocks(WG_STANDARD_PAYLOAD);
    header = {};
    header.keypair = owner.keypair;
    header.direction = owner.direction;
    header.peer = owner.peer;
    header.next = next;
    ring->position_ = next;
    const int fd = ring->map_.get();
    if (bpf_map_update_elem(ring_slots, &number, &fd, BPF_ANY) != 0)
        return system_failure(errno, "ring of keystream: map ring_slots");
    return ring;
}

void KeystreamRing::erase()
{
    slots_.wipe();
    bpf_map_delete_elem(ring_slots_, &number_);
    header_ = {};
}

std::uint64_t KeystreamRing::next() const
{
    return load(header_.next);
}

std::size_t KeystreamRing::fill(const SlotFiller &filler, std::size_t limit, Instant now)
{
    const std::uint64_t next = this->next();
    std::size_t made = 0;

    position_ = std::max(position_, next); // no keystream for counters that are burnt
    choose_blocks(next, now);
    while (made < limit && position_ + SLOT_LANES <= next + AHEAD &&
           position_ + SLOT_LANES <= WG_SLOT_COUNTERS) {
        if (!are_ready()) {
            fill_lanes(filler);
            made += SLOT_LANES;
        }
        position_ += SLOT_LANES;
    }
    return made;
}

void KeystreamRing::set_blocks(std::uint64_t payload)
{
    blocks_ = static_cast<unsigned>(std::min<std::uint64_t>(blocks_of(payload), slots_.blocks()));
}

/* Slots that are too short for what is sent now are made again, but not under who may be reading
 * one. */
void KeystreamRing::choose_blocks(std::uint64_t next, Instant now)
{
    longest_[0] = std::max<std::uint64_t>(longest_[0], load(header_.longest));
    if (blocks_of(longest_[0]) > blocks_) {
        set_blocks(longest_[0]);
        rewind(next + LATE);
    }
    if (now < period_end_)
        return;
    set_blocks(std::max(longest_[0], longest_[1]));
    period_end_ = now + PERIOD;
    longest_[1] = std::exchange(longest_[0], 0);
    std::atomic_ref(header_.longest).store(0, std::memory_order_relaxed);
}

/* A reader of a slot must notice that it was made again, though for the same counter. */
void KeystreamRing::rewind(std::uint64_t to)
{
    if (to >= position_)
        return;
    position_ = to;
    generation_ = (generation_ + WG_SLOT_GENERATION) & WG_SLOT_GENERATIONS;
}

/* After a rewind some slots are long enough as they are. */
bool KeystreamRing::are_ready() const
{
    for (std::uint64_t counter = position_; counter < position_ + SLOT_LANES; counter++)
        if (const wg_slot &slot = slots_[counter];
            (slot.state & ~WG_SLOT_GENERATIONS) != (WG_SLOT_READY | counter) ||
            slot.blocks < blocks_)
            return false;
    return true;
}

/* Whatever was in the slots is stale. A program that is still reading one sees that it is not ready
 * any more: that is written before the rest, and the new counter after it. */
void KeystreamRing::fill_lanes(const SlotFiller &filler)
{
    SlotLanes lanes;
    for (std::size_t lane = 0; lane < SLOT_LANES; lane++) {
        lanes[lane] = &slots_[position_ + lane];
        std::atomic_ref(lanes[lane]->state).store(WG_SLOT_EMPTY, std::memory_order_relaxed);
    }
    std::atomic_thread_fence(std::memory_order_seq_cst);
    wg_session_key key;
    std::memcpy(key.words, key_.bytes().data(), sizeof(key.words));
    filler.fill(key, position_, lanes, blocks_);
    sodium_memzero(&key, sizeof(key));
    for (std::size_t lane = 0; lane < SLOT_LANES; lane++) {
        lanes[lane]->blocks = blocks_;
        std::atomic_ref(lanes[lane]->state)
            .store(WG_SLOT_READY | generation_ | (position_ + lane), std::memory_order_release);
    }
}

void KeystreamRing::arm()
{
    std::atomic_ref(header_.wake_at).store(next() + WAKE_AFTER);
    std::atomic_ref(header_.armed).store(1);
}

bool KeystreamRing::is_wanted() const
{
    return next() >= load(header_.wake_at);
}

void erase_ring(int ring_slots, wg_ring &header, std::uint32_t number)
{
    std::uint32_t id = 0;
    if (bpf_map_lookup_elem(ring_slots, &number, &id) == 0) {
        const Fd map(bpf_map_get_fd_by_id(id));
        if (auto slots = RingSlots::of(map.get()))
            slots->wipe();
        else
            log::error("an earlier daemon's keystream is not wiped: {}", slots.error().what);
        bpf_map_delete_elem(ring_slots, &number);
    }
    header = {};
}

} // namespace wg
