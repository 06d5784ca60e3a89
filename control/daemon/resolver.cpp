// SPDX-License-Identifier: MIT
#include "daemon/resolver.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <mutex>
#include <thread>

#include <asio/post.hpp>
#include <asio/steady_timer.hpp>

#include "api/resolve.h"
#include "base/log.h"

namespace wg {
namespace {

constexpr int MOST_THREADS = 8;
constexpr std::size_t MOST_CANDIDATES = 16; // of all places together

constexpr std::chrono::duration<double> FIRST_PAUSE{1}; // as wg(8)
constexpr std::chrono::duration<double> LONGEST_PAUSE{15};
constexpr double PAUSE_GROWTH = 1.2;

std::vector<Endpoint> look_up(const std::vector<std::string> &places, log::Level complaints)
{
    std::vector<Endpoint> all;
    for (const std::string &place : places) {
        const auto host = parse_host_port(place);
        auto found = host ? resolve_all(*host) : tl::unexpected(host.error());
        if (!found) {
            log::write(complaints, "endpoint {}: {}",
                       fmt::make_format_args(place, found.error().what));
            continue;
        }
        // none must push out those that come after it
        found->resize(std::min(found->size(), std::max(MOST_CANDIDATES / places.size(), 1UL)));
        all.insert(all.end(), found->begin(), found->end());
    }
    return all;
}

} // namespace

struct Resolver::Jobs : std::enable_shared_from_this<Jobs> {
    struct Job {
        std::vector<std::string> places;
        Wanted is_wanted;
        Done done;
        std::chrono::duration<double> pause = FIRST_PAUSE; ///< after it
    };

    explicit Jobs(asio::io_context &loop) : io(&loop) {}
    void submit(Job job);
    void work();
    void tell(Job job, std::vector<Endpoint> found);

    std::mutex mutex;
    asio::io_context *io; ///< nullptr: nobody wants to know any more
    std::deque<Job> waiting{};
    int threads = 0;
};

void Resolver::Jobs::submit(Job job)
{
    const std::lock_guard lock(mutex);
    waiting.push_back(std::move(job));
    if (threads >= MOST_THREADS)
        return;
    try {
        std::thread([jobs = shared_from_this()] { jobs->work(); }).detach();
        threads++;
    } catch (const std::system_error &error) { // it waits for the next one, or for a thread
        log::warn("endpoints: not looked up: {}", error.what());
    }
}

void Resolver::Jobs::work()
{
    std::unique_lock lock(mutex);
    while (io != nullptr && !waiting.empty()) {
        Job job = std::move(waiting.front());
        waiting.pop_front();
        lock.unlock();
        const bool is_first = job.pause == FIRST_PAUSE;
        auto found = look_up(job.places, is_first ? log::Level::warn : log::Level::debug);
        lock.lock();
        if (io != nullptr)
            asio::post(*io, [jobs = shared_from_this(), job = std::move(job),
                             found = std::move(found)]() mutable {
                jobs->tell(std::move(job), std::move(found));
            });
    }
    threads--;
}

/* In the loop. A machine that starts may have no name server yet, or one that does not know the
 * name yet, and a laptop none for hours. */
void Resolver::Jobs::tell(Job job, std::vector<Endpoint> found)
{
    if (!found.empty())
        return job.done(std::move(found));
    const auto pause = std::chrono::duration_cast<asio::steady_timer::duration>(job.pause);
    const auto timer = std::make_shared<asio::steady_timer>(*io, pause);
    job.pause = std::min(job.pause * PAUSE_GROWTH, LONGEST_PAUSE);
    timer->async_wait(
        [jobs = shared_from_this(), timer, job = std::move(job)](const std::error_code &) mutable {
            if (job.is_wanted())
                jobs->submit(std::move(job));
        });
}

Resolver::Resolver(asio::io_context &io) : jobs_(std::make_shared<Jobs>(io)) {}

Resolver::~Resolver()
{
    const std::lock_guard lock(jobs_->mutex);
    jobs_->io = nullptr;
    jobs_->waiting.clear();
}

void Resolver::resolve(std::vector<std::string> places, Wanted is_wanted, Done done)
{
    jobs_->submit({std::move(places), std::move(is_wanted), std::move(done)});
}

} // namespace wg
