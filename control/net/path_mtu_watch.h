// SPDX-License-Identifier: MIT
//
// Tells that a path turned out to carry less than was thought: ICMPv6 Packet Too Big (RFC 8201).
// The kernel learns the path's MTU for its routes from the same message, but announces it to
// nobody. (Over IPv4 our packets may be fragmented on their way.)
#pragma once

#include <functional>
#include <memory>
#include <set>

#include <asio/steady_timer.hpp>

#include "base/address.h"
#include "base/result.h"
#include "net/read_watch.h"

namespace wg {

class PathMtuWatch {
  public:
    /// Where packets were going that were too long. Whoever sends such messages is not asked who he
    /// is: what a route says now is what counts.
    using OnTooBig = std::function<void(const std::set<IpAddress> &)>;

    /// Watches the network namespace of the calling thread; nothing where there is no IPv6.
    static Result<std::unique_ptr<PathMtuWatch>> open(asio::io_context &io, OnTooBig on_too_big);

  private:
    PathMtuWatch(asio::io_context &io, OnTooBig on_too_big);
    void receive();
    void tell_soon();

    OnTooBig on_too_big_;
    std::set<IpAddress> too_big_; ///< not told yet
    asio::steady_timer soon_;
    ReadWatch watch_;
};

} // namespace wg
