// SPDX-License-Identifier: MIT
//
// Host names looked up beside the loop: the system's resolver may take half a minute.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <asio/io_context.hpp>

#include "base/address.h"

namespace wg {

class Resolver {
  public:
    using Wanted = std::function<bool()>;
    using Done = std::function<void(std::vector<Endpoint>)>;

    explicit Resolver(asio::io_context &io);
    /// What is under way is not waited for, and not told any more.
    ~Resolver();
    Resolver(const Resolver &) = delete;
    Resolver &operator=(const Resolver &) = delete;

    /// Everything that these places ("HOST:PORT") are, in their order; told in the loop. While that
    /// is nothing they are asked again, for as long as it is wanted.
    void resolve(std::vector<std::string> places, Wanted is_wanted, Done done);

  private:
    struct Jobs;
    std::shared_ptr<Jobs> jobs_; // shared with the threads, which may outlive us
};

} // namespace wg
