// SPDX-License-Identifier: MIT
//
// UDP packets in bursts, each received before the next is sent, by one thread: on a machine whose
// clock counts instructions (vmtest/run instructions) next to nothing but the way of the packets is
// in the time that is printed.
//
//     packet_bursts RECEIVER_NETNS ADDRESS BYTES PACKETS
//
// sends from the namespace it is started in; prints nanoseconds a packet.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include "bench.h"

namespace wg::bench {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t BURST = 32;
constexpr std::size_t WARM_UP = 20; // bursts: caches, and what begins when a tunnel is busy
constexpr int RECEIVE_BUFFER = 4 << 20;
constexpr int GIVEN_UP_MS = 1000;
constexpr std::uint16_t PORT = 4242;

/// Sends a burst and takes all of it.
void burst(int from, int to, std::vector<std::uint8_t> &packet)
{
    for (std::size_t i = 0; i < BURST; ++i)
        require(::send(from, packet.data(), packet.size(), 0) > 0, "send");
    for (std::size_t taken = 0; taken < BURST;) {
        if (::recv(to, packet.data(), packet.size(), 0) > 0) {
            ++taken;
            continue;
        }
        require(errno == EAGAIN, "recv");
        pollfd readable{to, POLLIN, 0};
        if (::poll(&readable, 1, GIVEN_UP_MS) != 1)
            throw std::runtime_error(fmt::format("{} of a burst of {} arrived", taken, BURST));
    }
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        std::fprintf(stderr, "usage: packet_bursts RECEIVER_NETNS ADDRESS BYTES PACKETS\n");
        return 2;
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(PORT);
    if (::inet_pton(AF_INET, argv[2], &address.sin_addr) != 1)
        throw std::runtime_error(fmt::format("not an IPv4 address: {}", argv[2]));
    std::vector<std::uint8_t> packet(std::stoul(argv[3]));
    const std::size_t bursts = std::stoul(argv[4]) / BURST;

    const Fd to = receiver_in(argv[1], address, SOCK_NONBLOCK);
    require(::setsockopt(to.get(), SOL_SOCKET, SO_RCVBUFFORCE, &RECEIVE_BUFFER,
                         sizeof(RECEIVE_BUFFER)) == 0,
            "SO_RCVBUFFORCE");
    const Fd from = udp_socket(SOCK_NONBLOCK);
    require(::connect(from.get(), reinterpret_cast<const sockaddr *>(&address), sizeof(address)) ==
                0,
            "connect");
    for (std::size_t i = 0; i < WARM_UP; ++i)
        burst(from.get(), to.get(), packet);
    const auto began = Steady::now();
    for (std::size_t i = 0; i < bursts; ++i)
        burst(from.get(), to.get(), packet);
    const std::chrono::duration<double, std::nano> taken = Steady::now() - began;
    fmt::print("{:.0f}\n", taken.count() / static_cast<double>(bursts * BURST));
    return 0;
}

} // namespace
} // namespace wg::bench

int main(int argc, char **argv)
{
    return wg::bench::run("packet_bursts", wg::bench::main, argc, argv);
}
