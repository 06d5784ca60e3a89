// SPDX-License-Identifier: MIT
//
// The workers' contract: work in any thread, what follows in the loop's, answers first.
#include <future>

#include <asio/executor_work_guard.hpp>
#include <gtest/gtest.h>

#include "daemon/handshake_workers.h"

namespace wg::test {
namespace {

using namespace std::chrono_literals;

class HandshakeWorkersTest : public testing::Test {
  protected:
    /// Runs the loop until the condition holds.
    template <typename Condition>
    bool wait_for(Condition condition)
    {
        const auto end = std::chrono::steady_clock::now() + 10s;
        while (!condition() && std::chrono::steady_clock::now() < end)
            io.run_one_for(100ms);
        return condition();
    }

    asio::io_context io;
    asio::executor_work_guard<asio::io_context::executor_type> open = asio::make_work_guard(io);
};

TEST_F(HandshakeWorkersTest, every_task_is_worked_on_elsewhere_and_done_in_the_loop)
{
    constexpr std::size_t tasks = 1000;
    const auto loop = std::this_thread::get_id();
    std::size_t done = 0, astray = 0;
    HandshakeWorkers workers(io, 4);
    for (std::size_t i = 0; i < tasks; i++) {
        const auto worker = std::make_shared<std::thread::id>();
        workers.submit({.work = [worker] { *worker = std::this_thread::get_id(); },
                        .done =
                            [&, worker] {
                                astray += *worker == loop || *worker == std::thread::id() ||
                                          std::this_thread::get_id() != loop;
                                done++;
                            }},
                       i % 2 == 0);
    }
    EXPECT_TRUE(wait_for([&] { return done == tasks; })) << done;
    EXPECT_EQ(astray, 0u);
}

TEST_F(HandshakeWorkersTest, answers_go_before_what_we_begin_ourselves)
{
    std::promise<void> gate;
    std::string order;
    HandshakeWorkers workers(io, 1);
    const auto task = [&](char name) {
        return HandshakeWorkers::Task{.work = [] {}, .done = [&order, name] { order += name; }};
    };
    std::promise<void> begun;
    workers.submit({.work =
                        [&] {
                            begun.set_value();
                            gate.get_future().wait();
                        },
                    .done = [] {}},
                   false);
    begun.get_future().wait();
    workers.submit(task('a'), false);
    workers.submit(task('b'), true);
    workers.submit(task('c'), false);
    workers.submit(task('d'), true);
    gate.set_value();
    EXPECT_TRUE(wait_for([&] { return order.size() == 4; }));
    EXPECT_EQ(order, "bdac");
}

TEST_F(HandshakeWorkersTest, what_was_done_for_workers_that_are_gone_may_still_come)
{
    bool done = false;
    {
        HandshakeWorkers workers(io, 2);
        std::promise<void> worked;
        workers.submit({.work = [&] { worked.set_value(); }, .done = [&] { done = true; }}, true);
        worked.get_future().wait();
    } // joined: the task is delivered
    EXPECT_TRUE(wait_for([&] { return done; }));
}

} // namespace
} // namespace wg::test
