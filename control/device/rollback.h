// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <vector>

namespace wg {

/// Runs what it was given, last first, unless told to keep.
class Rollback {
  public:
    Rollback() = default;
    Rollback(const Rollback &) = delete;
    Rollback &operator=(const Rollback &) = delete;
    ~Rollback()
    {
        for (auto step = steps_.rbegin(); step != steps_.rend(); ++step)
            (*step)();
    }
    void add(std::function<void()> step) { steps_.push_back(std::move(step)); }
    void keep() { steps_.clear(); }

  private:
    std::vector<std::function<void()>> steps_;
};

} // namespace wg
