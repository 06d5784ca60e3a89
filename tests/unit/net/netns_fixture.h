// SPDX-License-Identifier: MIT
//
// A network namespace of its own for each test, and another one at the other end of a cable.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>

#include <asio/io_context.hpp>
#include <gtest/gtest.h>

#include "base/fd.h"
#include "base/random.h"
#include "net/interface.h"
#include "net/netlink.h"

namespace wg::test {

/// The value, or a failed test with the error's sentence.
template <typename T>
T must(Result<T> result)
{
    if (!result)
        throw std::runtime_error(result.error().what);
    return take(std::move(result));
}

/// A network namespace that lives as long as this, or something in it. Made but not entered.
class Netns {
  public:
    Netns();
    /// The one the thread is in now.
    static Netns current();
    void enter() const;
    std::string path() const; ///< for `ip link set ... netns PATH`

  private:
    explicit Netns(Fd fd) : fd_(std::move(fd)) {}
    Fd fd_;
};

/// The calling thread is in `netns` until the end of the scope.
class Inside {
  public:
    explicit Inside(const Netns &netns) : home_(Netns::current()) { netns.enter(); }
    ~Inside() { home_.enter(); }
    Inside(const Inside &) = delete;
    Inside &operator=(const Inside &) = delete;

  private:
    Netns home_;
};

/// Runs a command in the thread's network namespace; throws when it fails.
void run(const std::string &command);
/// The same, and gives what it printed.
std::string output_of(const std::string &command);

/// Each test begins in a fresh network namespace with lo up.
class NetnsTest : public testing::Test {
  protected:
    void SetUp() override;
    void TearDown() override;

    Netlink &netlink() { return *netlink_; }
    std::uint32_t ifindex(const std::string &name)
    {
        return must(netlink().link_by_name(name)).ifindex;
    }
    /// Runs `io` until the condition holds; false after five seconds.
    bool wait_for(const std::function<bool()> &condition);

    /// An interface that just got its carrier drops what it should send for a moment.
    void wait_until_running(const std::string &name);

    asio::io_context io;
    SystemRandom random;

  private:
    std::optional<Netns> home_;
    std::optional<Netlink> netlink_;
};

/// Two hosts on a cable: here eth0 with 10.0.0.1/24 and fd00::1/64, there (in `there`) eth0
/// with 10.0.0.2 and fd00::2.
class TwoHostsTest : public NetnsTest {
  protected:
    void SetUp() override;

    std::optional<Netns> there;
    std::uint32_t eth0 = 0;
    MacAddress mac_here{};
    MacAddress mac_there{};

  private:
    static void configure(int number);
    /// Has its carrier, and an address of its own on the link.
    Link wait_until_usable();
};

inline IpAddress ip(std::string_view text)
{
    return must(IpAddress::parse(text));
}
inline Endpoint endpoint(std::string_view text)
{
    return must(Endpoint::parse(text));
}

} // namespace wg::test
