// SPDX-License-Identifier: MIT
//
// Whoever is at the other end of a connection.
#pragma once

#include <string>

namespace wg {

class StreamClient {
  public:
    virtual ~StreamClient() = default;

    /// A message that answers nothing. Never waits: what a client leaves lying beyond a bound is
    /// lost, and it is told how much, once it has read the rest.
    virtual void push(std::string message) = 0;
};

} // namespace wg
