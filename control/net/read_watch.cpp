// SPDX-License-Identifier: MIT
#include "net/read_watch.h"

#include <asio/posix/stream_descriptor.hpp>

namespace wg {

/// Outlives the watch while a call is under way or a completion is queued.
struct ReadWatch::State {
    State(asio::io_context &io, std::function<void()> function)
        : descriptor(io), on_readable(std::move(function))
    {
    }

    asio::posix::stream_descriptor descriptor;
    std::function<void()> on_readable;
};

Result<ReadWatch> ReadWatch::start(asio::io_context &io, Fd fd, std::function<void()> on_readable)
{
    ReadWatch watch;
    watch.state_ = std::make_shared<State>(io, std::move(on_readable));
    std::error_code error;
    watch.state_->descriptor.assign(fd.get(), error);
    if (error)
        return system_failure(error.value(), "watch a socket");
    fd.release(); // the descriptor owns it now
    wait(watch.state_);
    return watch;
}

ReadWatch &ReadWatch::operator=(ReadWatch &&other) noexcept
{
    if (this != &other) {
        stop();
        state_ = std::move(other.state_);
    }
    return *this;
}

ReadWatch::~ReadWatch()
{
    stop();
}

void ReadWatch::stop()
{
    if (!state_)
        return;
    std::error_code ignored; // the descriptor is gone either way
    state_->descriptor.close(ignored);
    state_.reset();
}

int ReadWatch::fd() const
{
    return state_ ? state_->descriptor.native_handle() : -1;
}

void ReadWatch::wait(const std::shared_ptr<State> &state)
{
    // A completion may be queued already when the watch goes: only a state that is still owned may
    // be told.
    auto on_ready = [weak = std::weak_ptr(state)](std::error_code error) {
        auto alive = weak.lock();
        if (error || !alive)
            return;
        alive->on_readable();
        if (alive->descriptor.is_open())
            wait(alive);
    };
    state->descriptor.async_wait(asio::posix::stream_descriptor::wait_read, std::move(on_ready));
}

} // namespace wg
