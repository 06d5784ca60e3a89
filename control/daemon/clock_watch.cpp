// SPDX-License-Identifier: MIT
#include "daemon/clock_watch.h"

#include <array>

#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <linux/netlink.h>

#include "base/log.h"

namespace wg {
namespace {

/// The clocks are read one after the other; a sleep takes longer than that.
constexpr Duration SHORTEST_SLEEP = std::chrono::milliseconds(100);
constexpr std::uint32_t KERNEL_GROUP = 1;

/// Never expires, but is cancelled whenever CLOCK_REALTIME is set and at every resume.
Result<> arm(int fd)
{
    itimerspec never{};
    never.it_value.tv_sec = std::numeric_limits<std::int32_t>::max();
    if (::timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, nullptr) != 0 &&
        errno != ECANCELED)
        return system_failure(errno, "timerfd");
    return {};
}

Result<Fd> open_timer()
{
    Fd timer(::timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!timer)
        return system_failure(errno, "timerfd");
    WG_TRY(arm(timer.get()));
    return timer;
}

Result<Fd> open_uevents()
{
    Fd socket(
        ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT));
    sockaddr_nl kernel{};
    kernel.nl_family = AF_NETLINK;
    kernel.nl_groups = KERNEL_GROUP;
    if (!socket ||
        ::bind(socket.get(), reinterpret_cast<const sockaddr *>(&kernel), sizeof(kernel)) != 0)
        return system_failure(errno, "uevent socket");
    return socket;
}

} // namespace

Duration time_asleep()
{
    timespec monotonic{};
    ::clock_gettime(CLOCK_MONOTONIC, &monotonic);
    return now().instant.time_since_epoch() -
           (std::chrono::seconds(monotonic.tv_sec) + Duration(monotonic.tv_nsec));
}

ClockWatch::ClockWatch(ClockEvents events, std::function<Duration()> time_asleep)
    : events_(std::move(events)), time_asleep_(std::move(time_asleep)), asleep_(time_asleep_())
{
}

Result<std::unique_ptr<ClockWatch>>
ClockWatch::start(asio::io_context &io, ClockEvents events, std::function<Duration()> time_asleep)
{
    std::unique_ptr<ClockWatch> watch(new ClockWatch(std::move(events), std::move(time_asleep)));
    Fd timer = WG_TRY(open_timer());
    watch->timer_ = WG_TRY(
        ReadWatch::start(io, std::move(timer), [self = watch.get()] { self->read_timer(); }));
    Fd uevents = WG_TRY(open_uevents());
    watch->uevents_ = WG_TRY(
        ReadWatch::start(io, std::move(uevents), [self = watch.get()] { self->read_uevent(); }));
    return watch;
}

void ClockWatch::read_timer()
{
    std::uint64_t expirations = 0;
    const bool cancelled =
        ::read(timer_.fd(), &expirations, sizeof(expirations)) < 0 && errno == ECANCELED;
    if (const auto armed = arm(timer_.fd()); !armed)
        log::error("clock: {}", armed.error().what);
    if (cancelled)
        clock_was_set();
}

void ClockWatch::read_uevent()
{
    std::array<char, 8192> message;
    const ssize_t size = ::recv(uevents_.fd(), message.data(), message.size(), 0);
    if (size > 0)
        uevent({message.data(), static_cast<std::size_t>(size)});
}

void ClockWatch::clock_was_set()
{
    const Duration before = std::exchange(asleep_, time_asleep_());
    if (asleep_ - before >= SHORTEST_SLEEP)
        events_.slept();
    else
        events_.copied();
}

/* ACTION@DEVPATH, then KEY=VALUE, each ended by a zero byte (Documentation/ABI, sysfs uevent). */
void ClockWatch::uevent(std::string_view message)
{
    constexpr std::string_view NEW_VMGENID = "NEW_VMGENID=1";
    for (std::size_t start = 0; start < message.size();) {
        const std::size_t end = std::min(message.find('\0', start), message.size());
        if (message.substr(start, end - start) == NEW_VMGENID)
            return events_.copied();
        start = end + 1;
    }
}

} // namespace wg
