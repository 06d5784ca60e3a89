// SPDX-License-Identifier: MIT
//
// Initiations of strangers who know the responder's public key, at a steady rate until standard
// input ends: each is whole, but none is of a peer.
//
//     handshake_flood ENDPOINT PUBLIC_KEY RATE
//
// prints "flooding", and at the end how many were sent, as JSON.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/encoding.h"
#include "bench.h"
#include "noise/cookie.h"
#include "noise/handshake.h"

namespace wg::bench {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t STRANGERS = 256;
constexpr std::chrono::milliseconds STEP{1};
constexpr std::size_t BATCH = 64; // a system call

std::vector<wg_handshake_initiation> make_initiations(const PublicKey &responder)
{
    SystemRandom random;
    std::vector<wg_handshake_initiation> made;
    for (std::uint32_t index = 1; index <= STRANGERS; index++) {
        const auto identity = StaticIdentity::from(generate_private_key(random));
        Handshake handshake(responder);
        handshake.set_identity(&identity);
        made.push_back(handshake.create_initiation(identity, index, now().wall, random).value());
        CookieGenerator(responder).add_macs(mutable_bytes_of(made.back()), now().instant);
    }
    return made;
}

bool input_has_ended()
{
    pollfd input{STDIN_FILENO, POLLIN, 0};
    return ::poll(&input, 1, 0) > 0;
}

class Flood {
  public:
    Flood(const Endpoint &to, const PublicKey &responder)
        : initiations_(make_initiations(responder)), socket_(connected_socket(to))
    {
    }

    /// Answers are not read. What the socket does not take is not sent again.
    std::uint64_t run(std::uint64_t rate)
    {
        std::uint64_t sent = 0;
        const auto began = Steady::now();
        for (auto step = began; !input_has_ended(); step += STEP) {
            const auto due = rate * static_cast<std::uint64_t>((step - began) / STEP) / 1000;
            while (sent < due)
                sent += send(std::min<std::uint64_t>(due - sent, BATCH));
            while (Steady::now() < step + STEP)
                ::poll(nullptr, 0, 1);
        }
        return sent;
    }

  private:
    std::size_t send(std::size_t count)
    {
        std::array<mmsghdr, BATCH> messages{};
        std::array<iovec, BATCH> parts;
        for (std::size_t i = 0; i < count; i++) {
            parts[i] = {&initiations_[next_++ % STRANGERS], sizeof(wg_handshake_initiation)};
            messages[i].msg_hdr.msg_iov = &parts[i];
            messages[i].msg_hdr.msg_iovlen = 1;
        }
        const int sent =
            ::sendmmsg(socket_.get(), messages.data(), static_cast<unsigned>(count), 0);
        require(sent > 0, "sendmmsg");
        return static_cast<std::size_t>(sent);
    }

    std::vector<wg_handshake_initiation> initiations_;
    Fd socket_;
    std::size_t next_ = 0;
};

int main(int argc, char **argv)
{
    if (argc != 4) {
        std::fprintf(stderr, "usage: handshake_flood ENDPOINT PUBLIC_KEY RATE\n");
        return 2;
    }
    if (sodium_init() < 0)
        return 1;
    Flood flood(Endpoint::parse(argv[1]).value(), parse_public_key_base64(argv[2]).value());
    fmt::print("flooding\n");
    std::fflush(stdout);
    fmt::print("{{\"sent\": {}}}\n", flood.run(std::stoull(argv[3])));
    return 0;
}

} // namespace
} // namespace wg::bench

int main(int argc, char **argv)
{
    return wg::bench::run("handshake_flood", wg::bench::main, argc, argv);
}
