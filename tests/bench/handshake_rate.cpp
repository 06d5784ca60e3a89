// SPDX-License-Identifier: MIT
//
// How many handshakes a second one responder answers. Every initiation is made before the clock
// starts and every response is checked after it stops: what is measured is the responder's work,
// not ours.
//
//     handshake_rate ENDPOINT PUBLIC_KEY PEERS HANDSHAKES
//
// prints the public keys of its peers, one a line, and an empty line; waits for a line on standard
// input (now the responder knows them); prints "done" when the clock stops; then the figures as
// JSON.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <memory>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/encoding.h"
#include "base/fd.h"
#include "bench.h"
#include "noise/cookie.h"
#include "noise/handshake.h"

namespace wg::bench {
namespace {

using Steady = std::chrono::steady_clock;
using std::chrono_literals::operator""s;

constexpr std::size_t WINDOW = 32; // in flight: no implementation here calls that load
constexpr auto ANSWER_TIMEOUT = 1s;
constexpr auto DEADLINE = 15s;

/// One peer of the responder, with a port of its own: boringtun gives each a connected socket.
struct Client {
    StaticIdentity identity;
    CookieGenerator cookies;
    Fd socket;
};

enum class State : std::uint8_t { waiting, answered, lost };

/// One handshake: its initiation, and what came back.
struct Attempt {
    Handshake handshake;
    Client *client;
    wg_handshake_initiation initiation{};
    wg_handshake_response response{};
    Steady::time_point sent{};
    State state = State::waiting;
};

struct Figures {
    std::size_t answered = 0, lost = 0, cookies = 0;
    double seconds = 0;
};

/// Calls function(i) for every i below count, on all CPUs.
template <typename F>
void in_parallel(std::size_t count, F function)
{
    std::atomic<std::size_t> next = 0;
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); i++)
        threads.emplace_back([&] {
            for (std::size_t mine; (mine = next++) < count;)
                function(mine);
        });
}

class Initiators {
  public:
    Initiators(const Endpoint &to,
               const PublicKey &responder,
               std::size_t peers,
               std::size_t handshakes);
    void print_keys() const;
    /// Every attempt in turn, a few in flight, until all are answered or lost, or time is up.
    Figures run();
    /// How many responses are authentic.
    std::size_t count_authentic();

  private:
    void prepare(std::size_t number);
    void send(Attempt &attempt);
    void take(Bytes message, Figures &figures);
    void receive_all(Figures &figures);

    Fd epoll_{::epoll_create1(EPOLL_CLOEXEC)};
    std::vector<std::unique_ptr<Client>> clients_;
    std::vector<std::unique_ptr<Attempt>> attempts_;
    SystemRandom random_;
};

Initiators::Initiators(const Endpoint &to,
                       const PublicKey &responder,
                       std::size_t peers,
                       std::size_t handshakes)
{
    for (std::size_t i = 0; i < peers; i++) {
        clients_.push_back(
            std::make_unique<Client>(StaticIdentity::from(generate_private_key(random_)),
                                     CookieGenerator(responder), connected_socket(to)));
        epoll_event wanted{.events = EPOLLIN, .data = {.fd = clients_.back()->socket.get()}};
        if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wanted.data.fd, &wanted) != 0)
            throw std::system_error(errno, std::generic_category(), "epoll");
    }
    for (std::size_t i = 0; i < handshakes; i++)
        attempts_.push_back(
            std::make_unique<Attempt>(Handshake(responder), clients_[i % peers].get()));
    in_parallel(handshakes, [this](std::size_t i) { prepare(i); });
}

void Initiators::prepare(std::size_t number)
{
    Attempt &attempt = *attempts_[number];
    SystemRandom random;
    // a peer's timestamps must grow
    const auto at = now().wall + (number / clients_.size()) * 1s;
    attempt.handshake.set_identity(&attempt.client->identity);
    attempt.initiation = attempt.handshake
                             .create_initiation(attempt.client->identity,
                                                static_cast<std::uint32_t>(number + 1), at, random)
                             .value();
}

void Initiators::print_keys() const
{
    for (const auto &client : clients_)
        fmt::print("{}\n", to_base64(client->identity.public_key));
    fmt::print("\n");
    std::fflush(stdout);
}

void Initiators::send(Attempt &attempt)
{
    attempt.client->cookies.add_macs(mutable_bytes_of(attempt.initiation), now().instant);
    attempt.sent = Steady::now();
    if (::send(attempt.client->socket.get(), &attempt.initiation, sizeof(attempt.initiation), 0) <
        0)
        throw std::system_error(errno, std::generic_category(), "send");
}

void Initiators::take(Bytes message, Figures &figures)
{
    const auto attempt_of = [this](std::uint32_t index) -> Attempt * {
        return index - 1 < attempts_.size() ? attempts_[index - 1].get() : nullptr;
    };
    if (message.size() == sizeof(wg_handshake_response)) {
        const auto response = load<wg_handshake_response>(message);
        Attempt *attempt = attempt_of(response.receiver_index);
        if (attempt != nullptr && attempt->state == State::waiting) {
            attempt->response = response;
            attempt->state = State::answered;
            figures.answered++;
        }
    } else if (message.size() == sizeof(wg_cookie_reply)) {
        const auto reply = load<wg_cookie_reply>(message);
        Attempt *attempt = attempt_of(reply.receiver_index);
        if (attempt != nullptr && attempt->client->cookies.consume_reply(reply, now().instant)) {
            figures.cookies++;
            send(*attempt); // again, with mac2
        }
    }
}

/// What waits at the sockets, after a while at most.
void Initiators::receive_all(Figures &figures)
{
    std::array<epoll_event, WINDOW> ready;
    const int count = ::epoll_wait(epoll_.get(), ready.data(), WINDOW, 10);
    for (int i = 0; i < count; i++) {
        std::array<std::uint8_t, 2048> buffer;
        const auto size = ::recv(ready[static_cast<std::size_t>(i)].data.fd, buffer.data(),
                                 buffer.size(), MSG_DONTWAIT);
        if (size > 0)
            take(Bytes(buffer).first(static_cast<std::size_t>(size)), figures);
    }
}

Figures Initiators::run()
{
    Figures figures;
    const auto began = Steady::now();
    std::size_t settled = 0, next = 0; // all before: answered or lost; not sent yet
    while (settled < attempts_.size() && Steady::now() < began + DEADLINE) {
        while (next < attempts_.size() && next - figures.answered - figures.lost < WINDOW)
            send(*attempts_[next++]);
        receive_all(figures);
        const auto oldest = Steady::now() - ANSWER_TIMEOUT;
        for (; settled < next; settled++) {
            Attempt &attempt = *attempts_[settled];
            if (attempt.state == State::waiting && attempt.sent > oldest)
                break;
            if (attempt.state == State::waiting) {
                attempt.state = State::lost;
                figures.lost++;
            }
        }
    }
    figures.seconds = std::chrono::duration<double>(Steady::now() - began).count();
    return figures;
}

std::size_t Initiators::count_authentic()
{
    std::atomic<std::size_t> authentic = 0;
    in_parallel(attempts_.size(), [&](std::size_t i) {
        Attempt &attempt = *attempts_[i];
        if (attempt.state == State::answered &&
            attempt.handshake.consume_response(attempt.response, attempt.client->identity))
            authentic++;
    });
    return authentic;
}

/// A socket a client is more than many systems let a process have without asking.
void allow_many_sockets()
{
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        std::fprintf(stderr, "usage: handshake_rate ENDPOINT PUBLIC_KEY PEERS HANDSHAKES\n");
        return 2;
    }
    if (sodium_init() < 0)
        return 1;
    allow_many_sockets();
    const auto to = Endpoint::parse(argv[1]).value();
    const auto responder = parse_public_key_base64(argv[2]).value();
    Initiators initiators(to, responder, std::stoul(argv[3]), std::stoul(argv[4]));
    initiators.print_keys();
    std::string line;
    if (!std::getline(std::cin, line))
        return 1;
    const Figures figures = initiators.run();
    fmt::print("done\n");
    std::fflush(stdout);
    fmt::print(
        R"({{"answered": {}, "authentic": {}, "lost": {}, "cookies": {}, "seconds": {:.4f}}})"
        "\n",
        figures.answered, initiators.count_authentic(), figures.lost, figures.cookies,
        figures.seconds);
    return 0;
}

} // namespace
} // namespace wg::bench

int main(int argc, char **argv)
{
    return wg::bench::run("handshake_rate", wg::bench::main, argc, argv);
}
