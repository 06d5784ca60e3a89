// SPDX-License-Identifier: MIT
//
// Tells, once a second, which drops there were; looks at no counter while nobody asked for it.
#pragma once

#include <functional>
#include <map>

#include <asio.hpp>

#include "api/event_hub.h"

namespace wg {

class DropWatch {
  public:
    using Counts = std::map<wg_drop_reason, std::uint64_t>;

    /// count: all drops there ever were.
    DropWatch(asio::io_context &io, EventHub &hub, std::function<Counts()> count)
        : hub_(hub), count_(std::move(count)), timer_(io)
    {
    }
    /// Somebody may have asked. It ends when nobody does any more.
    void start();

  private:
    void wait();
    void look();

    EventHub &hub_;
    std::function<Counts()> count_;
    asio::steady_timer timer_;
    Counts told_;
    bool watching_ = false;
};

} // namespace wg
