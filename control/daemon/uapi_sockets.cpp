// SPDX-License-Identifier: MIT
#include "daemon/uapi_sockets.h"

#include <array>

#include <sys/inotify.h>
#include <unistd.h>

namespace wg {

namespace {

constexpr const char *DIRECTORY = "/var/run/wireguard";

} // namespace

Result<> UapiSockets::open(const std::string &name, UapiCalls calls)
{
    auto server = WG_TRY(UapiServer::listen(io_, DIRECTORY, name, std::move(calls)));
    WG_TRY(watch());
    sockets_.emplace(name, std::move(server));
    return {};
}

/* Each time: the directory may be another than the one that was watched. For the same one this
 * changes nothing. */
Result<> UapiSockets::watch()
{
    if (changes_.fd() < 0) {
        Fd fd(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
        if (!fd)
            return system_failure(errno, "{}: watch", DIRECTORY);
        changes_ = WG_TRY(ReadWatch::start(io_, std::move(fd), [this] { look_for_deleted(); }));
    }
    if (inotify_add_watch(changes_.fd(), DIRECTORY, IN_DELETE | IN_MOVE) < 0)
        return system_failure(errno, "{}: watch", DIRECTORY);
    return {};
}

void UapiSockets::look_for_deleted()
{
    std::array<char, 4096> events; // only that there are some matters
    while (::read(changes_.fd(), events.data(), events.size()) > 0) {
    }
    std::vector<std::string> deleted;
    for (const auto &[name, server] : sockets_)
        if (!server->has_name())
            deleted.push_back(name);
    for (const std::string &name : deleted) {
        close(name);
        on_deleted_(name);
    }
}

} // namespace wg
