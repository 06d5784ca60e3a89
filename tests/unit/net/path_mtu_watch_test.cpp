// SPDX-License-Identifier: MIT
//
// A router's messages, as they arrive; what the kernel makes of them is netns/test_path_mtu's.
#include <cstring>

#include <netinet/icmp6.h>
#include <netinet/ip6.h>
#include <sys/socket.h>

#include "net/path_mtu_watch.h"
#include "unit/net/netns_fixture.h"

namespace wg::test {
namespace {

class PathMtuWatchTest : public NetnsTest {
  protected:
    void SetUp() override
    {
        NetnsTest::SetUp();
        if (IsSkipped())
            return;
        watch = must(PathMtuWatch::open(
            io, [this](const std::set<IpAddress> &too_big) { told.push_back(too_big); }));
        router = Fd(::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6));
        ASSERT_TRUE(router);
    }

    /// The first `size` bytes of a message about a packet to that address.
    void arrive(const char *to,
                std::uint8_t protocol = IPPROTO_UDP,
                std::uint8_t type = ICMP6_PACKET_TOO_BIG,
                std::size_t size = sizeof(icmp6_hdr) + sizeof(ip6_hdr) + 8)
    {
        icmp6_hdr icmp{};
        icmp.icmp6_type = type;
        icmp.icmp6_mtu = htonl(1400);
        ip6_hdr quoted{};
        quoted.ip6_vfc = 0x60;
        quoted.ip6_nxt = protocol;
        std::memcpy(&quoted.ip6_dst, must(IpAddress::parse(to)).bytes.data(),
                    sizeof(quoted.ip6_dst));
        std::array<std::uint8_t, sizeof(icmp) + sizeof(quoted) + 1000> message{};
        std::memcpy(message.data(), &icmp, sizeof(icmp));
        std::memcpy(message.data() + sizeof(icmp), &quoted, sizeof(quoted));
        sockaddr_in6 here{};
        here.sin6_family = AF_INET6;
        here.sin6_addr = in6addr_loopback;
        ASSERT_EQ(sendto(router.get(), message.data(), size, 0,
                         reinterpret_cast<const sockaddr *>(&here), sizeof(here)),
                  static_cast<ssize_t>(size));
    }

    static std::set<IpAddress> addresses(std::initializer_list<const char *> texts)
    {
        std::set<IpAddress> found;
        for (const char *text : texts)
            found.insert(must(IpAddress::parse(text)));
        return found;
    }

    std::vector<std::set<IpAddress>> told;
    std::unique_ptr<PathMtuWatch> watch;
    Fd router;
};

TEST_F(PathMtuWatchTest, tells_once_of_all_that_came_in_a_while)
{
    for (int i = 0; i < 300; i++)
        arrive(i % 2 == 0 ? "2001:db8::1" : "2001:db8::2");
    ASSERT_TRUE(wait_for([&] { return !told.empty(); }));
    EXPECT_EQ(told, std::vector{addresses({"2001:db8::1", "2001:db8::2"})});
    arrive("2001:db8::3", IPPROTO_UDP, ICMP6_PACKET_TOO_BIG, 1000);
    ASSERT_TRUE(wait_for([&] { return told.size() == 2; }));
    EXPECT_EQ(told[1], addresses({"2001:db8::3"}));
}

TEST_F(PathMtuWatchTest, tells_of_nothing_else)
{
    arrive("2001:db8::1", IPPROTO_TCP);
    arrive("2001:db8::2", IPPROTO_UDP, ICMP6_TIME_EXCEEDED);
    arrive("2001:db8::4", IPPROTO_UDP, ICMP6_PACKET_TOO_BIG,
           sizeof(icmp6_hdr) + sizeof(ip6_hdr) - 1);
    arrive("2001:db8::5");
    ASSERT_TRUE(wait_for([&] { return !told.empty(); }));
    EXPECT_EQ(told, std::vector{addresses({"2001:db8::5"})});
}

} // namespace
} // namespace wg::test
