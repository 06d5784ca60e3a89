// SPDX-License-Identifier: MIT
#include "daemon/resolver.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include <asio/post.hpp>

#include "api/resolve.h"
#include "base/log.h"

namespace wg {
namespace {

constexpr int MOST_THREADS = 8;
constexpr std::size_t MOST_CANDIDATES = 16; // of all places together

constexpr int MOST_ATTEMPTS = 15; // as wg(8)
constexpr std::chrono::duration<double> FIRST_PAUSE{1};
constexpr double PAUSE_GROWTH = 1.2;

struct Answer {
    std::vector<Endpoint> endpoints{};
    bool may_be_later = false; ///< no name server has answered
};

Answer look_up(const std::vector<std::string> &places)
{
    Answer answer;
    auto &all = answer.endpoints;
    for (const std::string &place : places) {
        const auto host = parse_host_port(place);
        auto found = host ? resolve_all(*host) : tl::unexpected(host.error());
        if (!found) {
            log::warn("endpoint {}: {}", place, found.error().what);
            answer.may_be_later |= found.error().code.value() == EAGAIN;
            continue;
        }
        // none must push out those that come after it
        found->resize(std::min(found->size(), std::max(MOST_CANDIDATES / places.size(), 1UL)));
        all.insert(all.end(), found->begin(), found->end());
    }
    return answer;
}

} // namespace

struct Resolver::Jobs {
    struct Job {
        std::vector<std::string> places;
        Done done;
    };

    std::mutex mutex;
    asio::io_context *io; ///< nullptr: nobody wants to know any more
    std::deque<Job> waiting{};
    int threads = 0;
    std::condition_variable closed{};

    void work();
    std::vector<Endpoint> ask_until_answered(const std::vector<std::string> &places,
                                             std::unique_lock<std::mutex> &lock);
};

/* A machine that starts may have no name server yet. */
std::vector<Endpoint> Resolver::Jobs::ask_until_answered(const std::vector<std::string> &places,
                                                         std::unique_lock<std::mutex> &lock)
{
    auto pause = FIRST_PAUSE;
    for (int attempt = 1;; ++attempt, pause *= PAUSE_GROWTH) {
        lock.unlock();
        auto answer = look_up(places);
        lock.lock();
        if (!answer.endpoints.empty() || !answer.may_be_later || attempt == MOST_ATTEMPTS)
            return std::move(answer.endpoints);
        if (closed.wait_for(lock, pause, [this] { return io == nullptr; }))
            return {};
    }
}

void Resolver::Jobs::work()
{
    std::unique_lock lock(mutex);
    while (io != nullptr && !waiting.empty()) {
        Job job = std::move(waiting.front());
        waiting.pop_front();
        auto found = ask_until_answered(job.places, lock);
        if (io != nullptr)
            asio::post(*io, [done = std::move(job.done), found = std::move(found)]() mutable {
                done(std::move(found));
            });
    }
    threads--;
}

Resolver::Resolver(asio::io_context &io) : jobs_(new Jobs{.mutex = {}, .io = &io}) {}

Resolver::~Resolver()
{
    const std::lock_guard lock(jobs_->mutex);
    jobs_->io = nullptr;
    jobs_->waiting.clear();
    jobs_->closed.notify_all();
}

void Resolver::resolve(std::vector<std::string> places, Done done)
{
    const std::lock_guard lock(jobs_->mutex);
    jobs_->waiting.push_back({std::move(places), std::move(done)});
    if (jobs_->threads >= MOST_THREADS)
        return;
    try {
        std::thread([jobs = jobs_] { jobs->work(); }).detach();
        jobs_->threads++;
    } catch (const std::system_error &error) { // it waits for the next one, or for a thread
        log::warn("endpoints: not looked up: {}", error.what());
    }
}

} // namespace wg
