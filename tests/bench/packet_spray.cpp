// SPDX-License-Identifier: MIT
//
// Small UDP packets to many addresses that all end at one socket, as many as get through: a window
// of them is under way, so that both ends are busy and next to nothing is lost.
//
//     packet_spray RECEIVER_NETNS PORT SECONDS  < ADDRESSES
//
// sends from the namespace it is started in; prints what arrived as JSON.
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include "bench.h"

namespace wg::bench {
namespace {

using Steady = std::chrono::steady_clock;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""us;

constexpr std::size_t PAYLOAD = 64;
constexpr std::size_t BATCH = 32;     // a system call
constexpr std::uint64_t WINDOW = 128; // fewer than a veth's queue holds
constexpr auto GIVEN_UP = 200ms;      // after so long without an arrival what is under way is lost

std::vector<sockaddr_in> read_addresses(std::uint16_t port)
{
    std::vector<sockaddr_in> found;
    for (std::string line; std::getline(std::cin, line);) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        if (::inet_pton(AF_INET, line.c_str(), &address.sin_addr) != 1)
            throw std::runtime_error("not an IPv4 address: " + line);
        found.push_back(address);
    }
    if (found.empty())
        throw std::runtime_error("no addresses on standard input");
    return found;
}

/// Messages of a batch, all with the same payload.
struct Batch {
    std::array<mmsghdr, BATCH> messages{};
    std::array<std::uint8_t, 2048> payload{};
    iovec part{payload.data(), PAYLOAD};

    Batch()
    {
        for (auto &message : messages) {
            message.msg_hdr.msg_iov = &part;
            message.msg_hdr.msg_iovlen = 1;
        }
    }
};

/// Until the stop is asked for.
void count_arrivals(const std::stop_token &stop, int socket, std::atomic<std::uint64_t> &received)
{
    Batch batch;
    while (!stop.stop_requested()) {
        pollfd ready{socket, POLLIN, 0};
        ::poll(&ready, 1, 10);
        int count = 0;
        while ((count = ::recvmmsg(socket, batch.messages.data(), BATCH, MSG_DONTWAIT, nullptr)) >
               0)
            received += static_cast<std::uint64_t>(count);
    }
}

/// Waits until a batch more fits into the window, or nothing arrives any more. How many are lost.
std::uint64_t
wait_for_room(std::uint64_t sent, std::uint64_t lost, const std::atomic<std::uint64_t> &received)
{
    auto last_arrival = Steady::now();
    std::uint64_t seen = received;
    while (seen + lost + (WINDOW - BATCH) < sent) {
        std::this_thread::sleep_for(20us);
        const std::uint64_t now_seen = received;
        if (now_seen != seen)
            last_arrival = Steady::now();
        else if (Steady::now() - last_arrival > GIVEN_UP)
            return sent - lost - seen;
        seen = now_seen;
    }
    return 0;
}

struct Figures {
    std::uint64_t sent = 0, received = 0, lost = 0;
    double seconds = 0;
};

Figures spray(int from, int to, std::vector<sockaddr_in> &addresses, std::chrono::seconds how_long)
{
    std::atomic<std::uint64_t> received = 0;
    const std::jthread receiver(
        [&](const std::stop_token &stop) { count_arrivals(stop, to, received); });
    std::minstd_rand random;
    Figures figures;
    Batch batch;
    const auto began = Steady::now();
    while (Steady::now() < began + how_long) {
        for (auto &message : batch.messages) {
            message.msg_hdr.msg_name = &addresses[random() % addresses.size()];
            message.msg_hdr.msg_namelen = sizeof(sockaddr_in);
        }
        const int count = ::sendmmsg(from, batch.messages.data(), BATCH, 0);
        require(count > 0, "sendmmsg");
        figures.sent += static_cast<std::uint64_t>(count);
        figures.lost += wait_for_room(figures.sent, figures.lost, received);
    }
    figures.seconds = std::chrono::duration<double>(Steady::now() - began).count();
    figures.received = received;
    return figures;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        std::fprintf(stderr, "usage: packet_spray RECEIVER_NETNS PORT SECONDS < ADDRESSES\n");
        return 2;
    }
    const auto port = static_cast<std::uint16_t>(std::stoul(argv[2]));
    auto addresses = read_addresses(port);
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_port = htons(port);
    const Fd to = receiver_in(argv[1], any);
    const Fd from = udp_socket();
    const Figures figures =
        spray(from.get(), to.get(), addresses, std::chrono::seconds(std::stoul(argv[3])));
    fmt::print(R"({{"sent": {}, "received": {}, "lost": {}, "seconds": {:.4f}}})"
               "\n",
               figures.sent, figures.received, figures.lost, figures.seconds);
    return 0;
}

} // namespace
} // namespace wg::bench

int main(int argc, char **argv)
{
    return wg::bench::run("packet_spray", wg::bench::main, argc, argv);
}
