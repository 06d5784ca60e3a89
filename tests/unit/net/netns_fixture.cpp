// SPDX-License-Identifier: MIT
#include "unit/net/netns_fixture.h"

#include <cstdio>
#include <memory>

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/wait.h>

namespace wg::test {

Netns Netns::current()
{
    Fd fd(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    if (!fd)
        throw std::system_error(errno, std::generic_category(), "open this network namespace");
    return Netns(std::move(fd));
}

Netns::Netns()
{
    Netns home = current();
    if (unshare(CLONE_NEWNET) != 0)
        throw std::system_error(errno, std::generic_category(), "make a network namespace");
    fd_ = std::move(current().fd_);
    home.enter();
}

void Netns::enter() const
{
    if (setns(fd_.get(), CLONE_NEWNET) != 0)
        std::abort(); // every test after this one would run in the wrong place
}

std::string Netns::path() const
{
    return fmt::format("/proc/{}/fd/{}", getpid(), fd_.get());
}

std::string output_of(const std::string &command)
{
    auto close = [](FILE *pipe) { pclose(pipe); };
    std::unique_ptr<FILE, decltype(close)> pipe(popen((command + " 2>&1").c_str(), "r"), close);
    std::string output;
    std::array<char, 4096> part;
    while (std::size_t size = fread(part.data(), 1, part.size(), pipe.get()))
        output.append(part.data(), size);
    int status = pclose(pipe.release());
    if (status != 0)
        throw std::runtime_error(command + ": " + output);
    return output;
}

void run(const std::string &command)
{
    output_of(command);
}

void NetnsTest::SetUp()
{
    if (geteuid() != 0)
        GTEST_SKIP() << "needs root: network namespaces";
    home_ = Netns::current();
    Netns().enter();
    run("ip link set lo up");
    netlink_ = must(Netlink::open());
}

void NetnsTest::TearDown()
{
    if (home_)
        home_->enter();
}

bool NetnsTest::wait_for(const std::function<bool()> &condition)
{
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline)
            return false;
        io.restart();
        io.run_one_for(std::chrono::milliseconds(10));
    }
    return true;
}

void NetnsTest::wait_until_running(const std::string &name)
{
    Netlink here = must(Netlink::open());
    auto is_running = [&] { return (must(here.link_by_name(name)).flags & IFF_RUNNING) != 0; };
    ASSERT_TRUE(wait_for(is_running)) << name;
}

void TwoHostsTest::configure(int number)
{
    run("ip link set lo up");
    run("sysctl -qw net.ipv6.conf.eth0.accept_dad=0");
    run(fmt::format("ip address add 10.0.0.{}/24 dev eth0", number));
    run(fmt::format("ip address add fd00::{}/64 dev eth0 nodad", number));
    run("ip link set eth0 up");
}

Link TwoHostsTest::wait_until_usable()
{
    wait_until_running("eth0");
    Netlink here = must(Netlink::open());
    Link link = must(here.link_by_name("eth0"));
    auto speaks_link_local = [&] {
        return must(here.route_get({.destination = ip("fe80::99"), .oif = link.ifindex}))
            .source.is_link_local();
    };
    EXPECT_TRUE(wait_for(speaks_link_local));
    return link;
}

void TwoHostsTest::SetUp()
{
    NetnsTest::SetUp();
    if (IsSkipped())
        return;
    there.emplace();
    run("ip link add eth0 type veth peer name eth0 netns " + there->path());
    configure(1);
    {
        Inside inside(*there);
        configure(2);
        mac_there = wait_until_usable().mac;
    }
    Link here = wait_until_usable();
    eth0 = here.ifindex;
    mac_here = here.mac;
}

} // namespace wg::test
