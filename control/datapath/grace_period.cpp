// SPDX-License-Identifier: MIT
#include "datapath/grace_period.h"

#include <cstdlib>
#include <utility>

#include <sys/syscall.h>
#include <unistd.h>

#include <linux/membarrier.h>

#include "base/log.h"

namespace wg {

void wait_for_grace_period()
{
    if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) != 0) {
        log::error("membarrier is not available: without it nothing can be erased safely");
        std::abort();
    }
}

Result<> check_grace_periods()
{
    const long commands = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
    if (commands < 0 || (commands & MEMBARRIER_CMD_GLOBAL) == 0)
        return failure(ENOSYS, "this kernel has no membarrier(MEMBARRIER_CMD_GLOBAL), as with "
                               "nohz_full: wgxdp needs it");
    return {};
}

GracePeriod::GracePeriod(asio::io_context &io) : io_(io), thread_([this] { run(); }) {}

GracePeriod::~GracePeriod()
{
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void GracePeriod::after(std::function<void()> callback)
{
    {
        const std::lock_guard lock(mutex_);
        pending_.push_back(std::move(callback));
    }
    wake_.notify_one();
}

void GracePeriod::run()
{
    std::unique_lock lock(mutex_);
    for (;;) {
        wake_.wait(lock, [this] { return stopping_ || !pending_.empty(); });
        if (stopping_)
            return;
        auto batch = std::exchange(pending_, {});
        lock.unlock();
        wait_for_grace_period();
        asio::post(io_, [batch = std::move(batch)] {
            for (const auto &callback : batch)
                callback();
        });
        lock.lock();
    }
}

} // namespace wg
