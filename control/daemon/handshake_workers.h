// SPDX-License-Identifier: MIT
//
// The threads that do the public-key work of all tunnels' handshakes. What a message of a peer
// needs goes before what we begin ourselves, since thousands of peers may be due at once; but not
// always, since thousands may be asking, too.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <asio/io_context.hpp>

namespace wg {

class HandshakeWorkers {
  public:
    struct Task {
        std::function<void()> work; ///< in any thread
        std::function<void()> done; ///< then, in the loop
    };

    explicit HandshakeWorkers(asio::io_context &io,
                              unsigned threads = std::thread::hardware_concurrency());
    ~HandshakeWorkers(); ///< what waits is not done any more
    HandshakeWorkers(const HandshakeWorkers &) = delete;
    HandshakeWorkers &operator=(const HandshakeWorkers &) = delete;

    void submit(Task task, bool is_answer);

  private:
    /// What waits for the loop; outlives the threads, as the loop's handlers do.
    struct Finished {
        std::mutex mutex;
        std::vector<std::function<void()>> callbacks;
    };

    void run();
    Task next();
    void deliver(std::function<void()> done);

    asio::io_context &io_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Task> answers_;
    std::deque<Task> others_;
    unsigned answers_in_a_row_ = 0;
    bool stopping_ = false;
    std::shared_ptr<Finished> finished_ = std::make_shared<Finished>();
    std::vector<std::thread> threads_;
};

} // namespace wg
