// SPDX-License-Identifier: MIT
#include "net/path_mtu_watch.h"

#include <array>
#include <cstring>
#include <optional>

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip6.h>
#include <sys/socket.h>

#include "base/bytes.h"

namespace wg {
namespace {

/// The kernel has learned by then, and a flood of messages costs next to nothing.
constexpr auto DELAY = std::chrono::milliseconds(100);
constexpr std::size_t MOST = 256; ///< addresses in that time
constexpr int BATCH = 64;

/// No socket: there is no IPv6 here.
Result<Fd> open_socket()
{
    Fd socket(::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6));
    if (!socket && errno == EAFNOSUPPORT)
        return socket;
    if (!socket)
        return system_failure(errno, "ICMPv6 socket: open");
    icmp6_filter filter{};
    ICMP6_FILTER_SETBLOCKALL(&filter);
    ICMP6_FILTER_SETPASS(ICMP6_PACKET_TOO_BIG, &filter);
    if (setsockopt(socket.get(), IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter)) != 0)
        return system_failure(errno, "ICMPv6 socket: ask for Packet Too Big");
    return socket;
}

/// Where the packet was going that the message begins to quote.
std::optional<IpAddress> quoted_destination(Bytes message)
{
    if (message.size() < sizeof(icmp6_hdr) + sizeof(ip6_hdr))
        return std::nullopt;
    const auto quoted = load<ip6_hdr>(message.subspan(sizeof(icmp6_hdr)));
    if (quoted.ip6_nxt != IPPROTO_UDP)
        return std::nullopt;
    IpAddress address{.family = AF_INET6};
    std::memcpy(address.bytes.data(), &quoted.ip6_dst, address.bytes.size());
    return address;
}

} // namespace

PathMtuWatch::PathMtuWatch(asio::io_context &io, OnTooBig on_too_big)
    : on_too_big_(std::move(on_too_big)), soon_(io)
{
}

Result<std::unique_ptr<PathMtuWatch>> PathMtuWatch::open(asio::io_context &io, OnTooBig on_too_big)
{
    std::unique_ptr<PathMtuWatch> watch(new PathMtuWatch(io, std::move(on_too_big)));
    if (Fd socket = WG_TRY(open_socket()))
        watch->watch_ = WG_TRY(
            ReadWatch::start(io, std::move(socket), [self = watch.get()] { self->receive(); }));
    return watch;
}

void PathMtuWatch::receive()
{
    std::array<std::uint8_t, sizeof(icmp6_hdr) + sizeof(ip6_hdr)> buffer;
    const bool waits = !too_big_.empty();
    for (int i = 0; i < BATCH; i++) {
        const ssize_t size = recv(watch_.fd(), buffer.data(), buffer.size(), 0);
        if (size < 0)
            break;
        const auto to = quoted_destination(Bytes(buffer).first(static_cast<std::size_t>(size)));
        if (to && too_big_.size() < MOST)
            too_big_.insert(*to);
    }
    if (!waits && !too_big_.empty())
        tell_soon();
}

void PathMtuWatch::tell_soon()
{
    soon_.expires_after(DELAY);
    soon_.async_wait([this](const std::error_code &error) {
        if (!error)
            on_too_big_(std::exchange(too_big_, {}));
    });
}

} // namespace wg
