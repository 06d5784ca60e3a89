// SPDX-License-Identifier: MIT
//
// Calls a function whenever a file descriptor is readable. The watch may be destroyed at any time,
// also by that very function: nothing is called afterwards.
#pragma once

#include <functional>
#include <memory>

#include <asio/io_context.hpp>

#include "base/fd.h"
#include "base/result.h"

namespace wg {

class ReadWatch {
  public:
    /// Watches nothing.
    ReadWatch() = default;
    /// `on_readable` must take some of what is there, not all: it is called again while there is
    /// more.
    static Result<ReadWatch> start(asio::io_context &io, Fd fd, std::function<void()> on_readable);
    ReadWatch(ReadWatch &&) noexcept = default;
    ReadWatch &operator=(ReadWatch &&other) noexcept;
    ~ReadWatch();

    int fd() const; ///< -1: watches nothing

  private:
    struct State;
    static void wait(const std::shared_ptr<State> &state);
    void stop();

    std::shared_ptr<State> state_;
};

} // namespace wg
