// SPDX-License-Identifier: MIT
#include "daemon/handshake_workers.h"

#include <algorithm>
#include <utility>

#include <asio/post.hpp>

namespace wg {

HandshakeWorkers::HandshakeWorkers(asio::io_context &io, unsigned threads) : io_(io)
{
    for (unsigned i = 0; i < std::max(threads, 1U); i++)
        threads_.emplace_back([this] { run(); });
}

HandshakeWorkers::~HandshakeWorkers()
{
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread &thread : threads_)
        thread.join();
}

void HandshakeWorkers::submit(Task task, bool is_answer)
{
    {
        const std::lock_guard lock(mutex_);
        (is_answer ? answers_ : others_).push_back(std::move(task));
    }
    wake_.notify_one();
}

void HandshakeWorkers::run()
{
    std::unique_lock lock(mutex_);
    for (;;) {
        wake_.wait(lock, [this] { return stopping_ || !answers_.empty() || !others_.empty(); });
        if (stopping_)
            return;
        auto &queue = answers_.empty() ? others_ : answers_;
        Task task = std::move(queue.front());
        queue.pop_front();
        lock.unlock();
        task.work();
        task.work = nullptr; // its share of the job goes here, not under the lock
        deliver(std::move(task.done));
        lock.lock();
    }
}

/* One wake-up of the loop serves all that is done before it comes to it. */
void HandshakeWorkers::deliver(std::function<void()> done)
{
    {
        const std::lock_guard lock(finished_->mutex);
        finished_->callbacks.push_back(std::move(done));
        if (finished_->callbacks.size() > 1)
            return;
    }
    asio::post(io_, [finished = finished_] {
        std::vector<std::function<void()>> callbacks;
        {
            const std::lock_guard lock(finished->mutex);
            callbacks.swap(finished->callbacks);
        }
        for (const auto &callback : callbacks)
            callback();
    });
}

} // namespace wg
