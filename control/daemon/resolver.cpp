// SPDX-License-Identifier: MIT
#include "daemon/resolver.h"

#include <algorithm>
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

std::vector<Endpoint> look_up(const std::vector<std::string> &places)
{
    std::vector<Endpoint> all;
    for (const std::string &place : places) {
        const auto host = parse_host_port(place);
        auto found = host ? resolve_all(*host) : tl::unexpected(host.error());
        if (!found) {
            log::warn("endpoint {}: {}", place, found.error().what);
            continue;
        }
        // none must push out those that come after it
        found->resize(std::min(found->size(), std::max(MOST_CANDIDATES / places.size(), 1UL)));
        all.insert(all.end(), found->begin(), found->end());
    }
    return all;
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

    void work();
};

void Resolver::Jobs::work()
{
    std::unique_lock lock(mutex);
    while (io != nullptr && !waiting.empty()) {
        Job job = std::move(waiting.front());
        waiting.pop_front();
        lock.unlock();
        auto found = look_up(job.places);
        lock.lock();
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
