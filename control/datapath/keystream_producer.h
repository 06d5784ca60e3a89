// SPDX-License-Identifier: MIT
//
// A thread that keeps rings filled: it looks after them every 150 µs while any is used, and sleeps
// until it is woken once none is.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "datapath/keystream_ring.h"

namespace wg {

class KeystreamProducer {
  public:
    explicit KeystreamProducer(const SlotFiller &filler);
    ~KeystreamProducer();
    KeystreamProducer(const KeystreamProducer &) = delete;
    KeystreamProducer &operator=(const KeystreamProducer &) = delete;

    void add(KeystreamRing &ring);
    /// When it returns, the thread touches the ring no more.
    void remove(const KeystreamRing &ring);
    void wake();
    std::size_t rings() const { return count_; }

  private:
    void run();
    std::size_t fill_rings(Instant now);
    bool may_sleep();

    const SlotFiller filler_;
    std::size_t count_ = 0; ///< of rings, for who adds and removes them
    std::mutex mutex_;      ///< what follows, and the rings while they are filled
    std::condition_variable wake_;
    std::vector<KeystreamRing *> rings_;
    bool woken_ = false;
    std::atomic<bool> stopping_ = false;
    std::thread thread_;
};

} // namespace wg
