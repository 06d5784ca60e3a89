// SPDX-License-Identifier: MIT
//
// The bell: what the BPF programs tell through the ring buffer `events`.
#pragma once

#include <functional>
#include <memory>

#include <asio.hpp>

#include <wgxdp/abi.h>

#include "base/result.h"
#include "net/read_watch.h"

struct ring_buffer;

namespace wg {

class EventReader {
  public:
    using OnEvent = std::function<void(const wg_event &)>;

    static Result<std::unique_ptr<EventReader>>
    start(asio::io_context &io, int map_fd, OnEvent on_event);

  private:
    struct Free {
        void operator()(ring_buffer *ring) const;
    };
    explicit EventReader(OnEvent on_event) : on_event_(std::move(on_event)) {}
    static int on_sample(void *context, void *data, std::size_t size);
    void take_some();

    OnEvent on_event_;
    int taken_ = 0; ///< in this turn
    std::unique_ptr<ring_buffer, Free> ring_;
    ReadWatch watch_;
};

} // namespace wg
