// SPDX-License-Identifier: MIT
#include "daemon/handshake_workers.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include <asio/post.hpp>
#include <sodium.h>

#include "base/log.h"

namespace wg {

namespace {

constexpr unsigned MOST_THREADS = 32;
constexpr unsigned MOST_ANSWERS_IN_A_ROW = 4;
constexpr std::size_t WORK_STACK = 8192;

} // namespace

HandshakeWorkers::HandshakeWorkers(asio::io_context &io, unsigned threads) : io_(io)
{
    try {
        for (unsigned i = 0; i < std::clamp(threads, 1U, MOST_THREADS); i++)
            threads_.emplace_back([this] { run(); });
    } catch (const std::system_error &error) { // a limit of processes: fewer will do
        if (threads_.empty())
            throw;
        log::warn("only {} threads for handshakes: {}", threads_.size(), error.what());
    }
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
        Task task = next();
        lock.unlock();
        task.work();
        task.work = nullptr; // its share of the job goes here, not under the lock
        sodium_stackzero(WORK_STACK);
        deliver(std::move(task.done));
        lock.lock();
    }
}

HandshakeWorkers::Task HandshakeWorkers::next()
{
    const bool answer =
        others_.empty() || (!answers_.empty() && answers_in_a_row_ < MOST_ANSWERS_IN_A_ROW);
    answers_in_a_row_ = answer ? answers_in_a_row_ + 1 : 0;
    auto &queue = answer ? answers_ : others_;
    Task task = std::move(queue.front());
    queue.pop_front();
    return task;
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
