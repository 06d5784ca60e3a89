// SPDX-License-Identifier: MIT
#include "datapath/keystream_producer.h"

#include <algorithm>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

namespace wg {

namespace {

using std::chrono_literals::operator""ms;

constexpr std::size_t BATCH = 128; // slots of one ring before the next one has its turn
constexpr long POLL_NS = 150'000;  // a full ring lasts for milliseconds
constexpr auto IDLE = 2ms;

/* What it makes is wanted at once: a packet that finds none costs the CPU eight times as much. */
void take_precedence()
{
    ::prctl(PR_SET_NAME, "wgxdp-keystream");
    ::prctl(PR_SET_TIMERSLACK, 1);
    (void)::setpriority(PRIO_PROCESS, 0, -20);
}

} // namespace

KeystreamProducer::KeystreamProducer(const SlotFiller &filler)
    : filler_(filler), thread_([this] { run(); })
{
}

KeystreamProducer::~KeystreamProducer()
{
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void KeystreamProducer::add(KeystreamRing &ring)
{
    count_++;
    {
        const std::lock_guard lock(mutex_);
        rings_.push_back(&ring);
    }
    wake();
}

void KeystreamProducer::remove(const KeystreamRing &ring)
{
    count_--;
    const std::lock_guard lock(mutex_);
    std::erase(rings_, &ring);
}

void KeystreamProducer::wake()
{
    {
        const std::lock_guard lock(mutex_);
        woken_ = true;
    }
    wake_.notify_one();
}

/* The sleep between rounds also lets others at the rings. */
void KeystreamProducer::run()
{
    take_precedence();
    Instant last_made = now().instant;
    while (!stopping_) {
        const Instant time = now().instant;
        if (fill_rings(time) > 0)
            last_made = time;
        if (time - last_made < IDLE || !may_sleep()) {
            const timespec pause{.tv_sec = 0, .tv_nsec = POLL_NS};
            ::nanosleep(&pause, nullptr);
            continue;
        }
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return woken_ || stopping_; });
        woken_ = false;
        last_made = now().instant;
    }
}

std::size_t KeystreamProducer::fill_rings(Instant now)
{
    const std::lock_guard lock(mutex_);
    std::size_t made = 0;
    for (std::size_t round = 0; round < WG_RING_SLOTS / BATCH; round++) {
        std::size_t fresh = 0;
        for (KeystreamRing *ring : rings_)
            fresh += ring->fill(filler_, BATCH, now);
        if (fresh == 0)
            break;
        made += fresh;
    }
    return made;
}

/* Arms every ring, and looks once more: what was used before it was armed has rung no bell. */
bool KeystreamProducer::may_sleep()
{
    const std::lock_guard lock(mutex_);
    for (KeystreamRing *ring : rings_)
        ring->arm();
    return std::ranges::none_of(rings_,
                                [](const KeystreamRing *ring) { return ring->is_wanted(); });
}

} // namespace wg
