// SPDX-License-Identifier: MIT
#include "bench.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>

namespace wg::bench {

void require(bool good, const char *what)
{
    if (!good)
        throw std::system_error(errno, std::generic_category(), what);
}

Fd udp_socket(int flags)
{
    Fd made(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | flags, 0));
    require(static_cast<bool>(made), "socket");
    return made;
}

Fd connected_socket(const Endpoint &to)
{
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(to.port);
    std::memcpy(&address.sin_addr, to.address.bytes.data(), sizeof(address.sin_addr));
    Fd made = udp_socket();
    require(::connect(made.get(), reinterpret_cast<const sockaddr *>(&address), sizeof(address)) ==
                0,
            "connect");
    return made;
}

Fd receiver_in(const char *netns, const sockaddr_in &address, int flags)
{
    const Fd ours(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
    const Fd theirs(::open(netns, O_RDONLY | O_CLOEXEC));
    require(::setns(theirs.get(), CLONE_NEWNET) == 0, netns);
    Fd made = udp_socket(flags);
    require(::setns(ours.get(), CLONE_NEWNET) == 0, "back from the receiver's namespace");
    require(::bind(made.get(), reinterpret_cast<const sockaddr *>(&address), sizeof(address)) == 0,
            "bind");
    return made;
}

int run(const char *name, int (*main)(int argc, char **argv), int argc, char **argv)
{
    try {
        return main(argc, argv);
    } catch (const std::exception &exception) {
        std::fprintf(stderr, "%s: %s\n", name, exception.what());
        return 1;
    }
}

} // namespace wg::bench
