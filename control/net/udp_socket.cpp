// SPDX-License-Identifier: MIT
#include "net/udp_socket.h"

#include <algorithm>
#include <array>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "net/udp_message.h"

namespace wg {
namespace {

constexpr int BUFFER = 7 << 20;         // as wireguard-go: a handshake flood or a slow path's burst
constexpr int MOST_PORT_ATTEMPTS = 100; // as the kernel driver

struct Option {
    int level;
    int name;
    int value;
    std::string_view what;
};

Result<> set_option(const Fd &socket, const Option &option)
{
    if (setsockopt(socket.get(), option.level, option.name, &option.value, sizeof(option.value)) !=
        0)
        return system_failure(errno, "UDP socket: {}", option.what);
    return {};
}

/// DONT: DF stays clear, and a datagram that is too long for the route is fragmented here.
constexpr std::array V4_OPTIONS = {
    Option{IPPROTO_IP, IP_PKTINFO, 1, "ask for our address"},
    Option{IPPROTO_IP, IP_RECVTOS, 1, "ask for ECN"},
    Option{IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT, "clear DF"},
};
constexpr std::array V6_OPTIONS = {
    Option{IPPROTO_IPV6, IPV6_V6ONLY, 1, "IPv6 only"},
    Option{IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, "ask for our address"},
    Option{IPPROTO_IPV6, IPV6_RECVTCLASS, 1, "ask for ECN"},
    Option{IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT, "fragment here"},
};

Result<Fd> open_socket(sa_family_t family)
{
    Fd socket(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP));
    if (!socket)
        return system_failure(errno, "UDP socket: open");
    std::span<const Option> options = V4_OPTIONS;
    if (family == AF_INET6)
        options = V6_OPTIONS;
    for (const Option &option : options)
        WG_TRY(set_option(socket, option));
    for (auto [forced, plain] :
         {std::pair{SO_RCVBUFFORCE, SO_RCVBUF}, {SO_SNDBUFFORCE, SO_SNDBUF}}) {
        if (setsockopt(socket.get(), SOL_SOCKET, forced, &BUFFER, sizeof(BUFFER)) != 0)
            setsockopt(socket.get(), SOL_SOCKET, plain, &BUFFER,
                       sizeof(BUFFER)); // as much as one may
    }
    return socket;
}

Result<> bind_port(const Fd &socket, sa_family_t family, std::uint16_t port)
{
    sockaddr_storage any{};
    any.ss_family = family;
    // Both families have the port at the same place.
    reinterpret_cast<sockaddr_in &>(any).sin_port = htons(port);
    socklen_t size = family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
    if (bind(socket.get(), reinterpret_cast<sockaddr *>(&any), size) != 0)
        return system_failure(errno, "listen_port: {}/{}", port,
                              family == AF_INET6 ? "IPv6" : "IPv4");
    return {};
}

Result<std::uint16_t> port_of(const Fd &socket)
{
    sockaddr_in address{};
    socklen_t size = sizeof(address);
    if (getsockname(socket.get(), reinterpret_cast<sockaddr *>(&address), &size) != 0)
        return system_failure(errno, "UDP socket: read its port");
    return ntohs(address.sin_port);
}

struct Listener {
    std::uint16_t port = 0;
    Fd v4;
    Fd v6;
};

Result<Listener> open_both(std::uint16_t port)
{
    Listener listener;
    listener.v4 = WG_TRY(open_socket(AF_INET));
    WG_TRY(bind_port(listener.v4, AF_INET, port));
    listener.port = WG_TRY(port_of(listener.v4));

    auto v6 = open_socket(AF_INET6);
    if (!v6 && v6.error().code.value() == EAFNOSUPPORT)
        return listener;
    listener.v6 = WG_TRY(std::move(v6));
    WG_TRY(bind_port(listener.v6, AF_INET6, listener.port));
    return listener;
}

/// A random port of IPv4 may be taken for IPv6: try others.
Result<Listener> open_listener(std::uint16_t port)
{
    for (int attempt = 1;; ++attempt) {
        auto listener = open_both(port);
        bool taken = !listener && listener.error().code.value() == EADDRINUSE;
        if (port != 0 || !taken || attempt == MOST_PORT_ATTEMPTS)
            return listener;
    }
}

} // namespace

UdpSocket::UdpSocket(std::uint16_t port, OnDatagrams on_datagrams)
    : port_(port), on_datagrams_(std::move(on_datagrams))
{
}

Result<std::unique_ptr<UdpSocket>> UdpSocket::open(asio::io_context &io,
                                                   std::uint16_t port,
                                                   std::uint32_t mark,
                                                   OnDatagrams on_datagrams)
{
    Listener listener = WG_TRY(open_listener(port));
    std::unique_ptr<UdpSocket> socket(new UdpSocket(listener.port, std::move(on_datagrams)));
    auto watch = [&io, self = socket.get()](Fd fd) {
        int lent = fd.get();
        return ReadWatch::start(io, std::move(fd), [self, lent] { self->receive(lent); });
    };
    socket->v4_ = WG_TRY(watch(std::move(listener.v4)));
    if (listener.v6)
        socket->v6_ = WG_TRY(watch(std::move(listener.v6)));
    WG_TRY(socket->set_mark(mark));
    return socket;
}

Result<> UdpSocket::set_mark(std::uint32_t mark)
{
    for (int fd : {v4_.fd(), v6_.fd()}) {
        if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) != 0)
            return system_failure(errno, "UDP socket: set mark {}", mark);
    }
    return {};
}

void UdpSocket::receive(int fd)
{
    std::array<Datagram, ReceiveBatch::SIZE> datagrams;
    std::size_t received = batch_.receive(fd);
    if (received == 0)
        return;
    for (std::size_t i = 0; i < received; ++i) {
        datagrams[i] = read_datagram_header(batch_.header(i));
        datagrams[i].bytes = batch_.bytes(i);
    }
    auto on_datagrams = on_datagrams_; // it may destroy this socket
    on_datagrams({datagrams.data(), received});
}

void UdpSocket::send_all(std::span<OutgoingDatagram> datagrams)
{
    while (!datagrams.empty()) {
        bool v6 = datagrams.front().to.address.is_v6();
        auto end = std::ranges::find_if(
            datagrams, [v6](const auto &other) { return other.to.address.is_v6() != v6; });
        auto run = datagrams.first(static_cast<std::size_t>(end - datagrams.begin()));
        send_messages(v6 ? v6_.fd() : v4_.fd(), run);
        datagrams = datagrams.subspan(run.size());
    }
}

} // namespace wg
