// SPDX-License-Identifier: MIT
//
// What was unlinked may be erased once every program that could still see it has ended. The kernel
// reuses a freed hash element at once, so erasing earlier would show a program half of something
// else (design.md, rule 2).
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include <asio.hpp>

#include "base/result.h"

namespace wg {

/// Waits for every program that runs now to end (membarrier(2): synchronize_rcu).
void wait_for_grace_period();
/// ENOSYS: this kernel cannot tell (no membarrier, or nohz_full): nothing could be erased safely.
Result<> check_grace_periods();

/// Runs callbacks on the loop after a grace period, batched: one wait serves all that came before
/// it.
class GracePeriod {
  public:
    explicit GracePeriod(asio::io_context &io);
    ~GracePeriod(); ///< pending callbacks are not run: what they would erase is found by the next
                    ///< daemon
    GracePeriod(const GracePeriod &) = delete;
    GracePeriod &operator=(const GracePeriod &) = delete;

    void after(std::function<void()> callback);

  private:
    void run();

    asio::io_context &io_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::vector<std::function<void()>> pending_;
    bool stopping_ = false;
    std::thread thread_;
};

} // namespace wg
