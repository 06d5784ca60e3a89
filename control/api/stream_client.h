// SPDX-License-Identifier: MIT
//
// Whoever is at the other end of a connection.
#pragma once

#include <string>

namespace wg {

class StreamClient {
  public:
    virtual ~StreamClient() = default;

    /// The daemon's own user or root. Others, whom the socket's group lets in, may look and no
    /// more.
    virtual bool may_change() const = 0;

    /// A message that answers nothing. Never waits: what a client leaves lying beyond a bound is
    /// lost, and it is told how much, once it has read the rest.
    virtual void push(std::string message) = 0;
};

} // namespace wg
