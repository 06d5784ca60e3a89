// SPDX-License-Identifier: MIT
//
// The listen port: opening, both directions, and what the wire shows of it.
#include <algorithm>
#include <cstddef>
#include <thread>

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include "net/udp_socket.h"
#include "unit/net/netns_fixture.h"

namespace wg::test {
namespace {

struct Received {
    Buffer bytes;
    Endpoint from;
    std::uint8_t ecn = 0;
};

class UdpSocketTest : public TwoHostsTest {
  protected:
    std::unique_ptr<UdpSocket>
    open(std::vector<Received> &into, std::uint16_t port = 0, std::uint32_t mark = 0)
    {
        return must(UdpSocket::open(io, port, mark, [&into](std::span<const Datagram> datagrams) {
            for (const Datagram &d : datagrams)
                into.push_back({Buffer(d.bytes.begin(), d.bytes.end()), d.from, d.ecn});
        }));
    }
    std::unique_ptr<UdpSocket> open_there(std::vector<Received> &into)
    {
        Inside inside(*there);
        return open(into, 51820);
    }
    static OutgoingDatagram datagram(const char *to, const Buffer &bytes, std::uint8_t ds = 0)
    {
        return {.to = endpoint(to), .bytes = bytes, .ds = ds};
    }

    std::vector<Received> here_got;
    std::vector<Received> there_got;
    const Buffer hello = {'h', 'e', 'l', 'l', 'o'};
};

TEST_F(UdpSocketTest, has_one_random_port_for_both_families)
{
    auto socket = open(here_got);
    EXPECT_NE(socket->port(), 0);
    EXPECT_TRUE(socket->has_v6());
    std::string listening = output_of("ss -Hlun");
    EXPECT_NE(listening.find(fmt::format("0.0.0.0:{}", socket->port())), std::string::npos)
        << listening;
    EXPECT_NE(listening.find(fmt::format("[::]:{}", socket->port())), std::string::npos)
        << listening;
    EXPECT_NE(open(here_got)->port(), socket->port());
}

TEST_F(UdpSocketTest, has_the_port_that_was_asked_for_or_says_that_it_is_taken)
{
    EXPECT_EQ(open(here_got, 51820)->port(), 51820);
    for (int family : {AF_INET, AF_INET6}) {
        Fd taker(socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        int on = 1;
        setsockopt(taker.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)); // IPv4 knows it not
        sockaddr_in6 any{};
        any.sin6_family = static_cast<sa_family_t>(family);
        any.sin6_port = htons(51820);
        ASSERT_EQ(bind(taker.get(), reinterpret_cast<sockaddr *>(&any), sizeof(any)), 0);
        auto refused = UdpSocket::open(io, 51820, 0, [](auto) {});
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code.value(), EADDRINUSE);
        EXPECT_NE(refused.error().what.find("51820"), std::string::npos) << refused.error().what;
    }
}

TEST_F(UdpSocketTest, tries_other_random_ports_until_both_families_have_it)
{
    // Half of 16 ports are taken for IPv6; the kernel offers IPv4 any of them.
    run("sysctl -qw net.ipv4.ip_local_port_range='40000 40015'");
    std::vector<Fd> takers;
    for (std::uint16_t port = 40000; port < 40016; port = static_cast<std::uint16_t>(port + 2)) {
        Fd &taker = takers.emplace_back(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        int on = 1;
        setsockopt(taker.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
        sockaddr_in6 any{};
        any.sin6_family = AF_INET6;
        any.sin6_port = htons(port);
        ASSERT_EQ(bind(taker.get(), reinterpret_cast<sockaddr *>(&any), sizeof(any)), 0);
    }
    for (int i = 0; i < 8; ++i)
        EXPECT_EQ(open(here_got)->port() % 2, 1);
}

/// This thread sees a host whose kernel has no IPv6.
void forget_ipv6()
{
    sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    sock_fprog filter = {.len = std::size(program), .filter = program};
    ASSERT_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    ASSERT_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), 0);
}

TEST_F(UdpSocketTest, is_ipv4_alone_on_a_host_without_ipv6)
{
    std::unique_ptr<UdpSocket> socket;
    std::thread([&] {
        forget_ipv6();
        socket = open(here_got);
    }).join();
    ASSERT_TRUE(socket);
    EXPECT_FALSE(socket->has_v6());
    auto v4 = datagram("10.0.0.2:51820", hello);
    auto v6 = datagram("[fd00::2]:51820", hello);
    socket->send(v4);
    socket->send(v6);
    EXPECT_EQ(v4.error, 0);
    EXPECT_EQ(v6.error, EAFNOSUPPORT);
}

TEST_F(UdpSocketTest, tells_where_a_datagram_came_from_and_to)
{
    auto here = open(here_got);
    auto other = open_there(there_got);
    struct {
        const char *host;
        const char *from;
    } cases[] = {{"10.0.0.1", "10.0.0.2"}, {"[fd00::1]", "fd00::2"}};
    for (const auto &c : cases) {
        here_got.clear();
        auto sent = datagram(fmt::format("{}:{}", c.host, here->port()).c_str(), hello);
        other->send(sent);
        ASSERT_EQ(sent.error, 0);
        ASSERT_TRUE(wait_for([&] { return !here_got.empty(); })) << c.host;
        EXPECT_EQ(here_got[0].bytes, hello);
        EXPECT_EQ(here_got[0].from.address, ip(c.from));
        EXPECT_EQ(here_got[0].from.port, 51820);
        EXPECT_EQ(here_got[0].from.scope_id, 0U);
        EXPECT_EQ(here_got[0].from.source, sent.to.address);
        EXPECT_EQ(here_got[0].from.source_ifindex, eth0);

        Endpoint back = here_got[0].from; // as it is
        OutgoingDatagram answer{.to = back, .bytes = hello};
        here->send(answer);
        EXPECT_EQ(answer.error, 0);
        EXPECT_FALSE(answer.source_refused);
    }
    EXPECT_TRUE(wait_for([&] { return there_got.size() == 2; }));
}

TEST_F(UdpSocketTest, carries_ecn_both_ways)
{
    auto here = open(here_got);
    auto other = open_there(there_got);
    for (const char *to : {"10.0.0.2:51820", "[fd00::2]:51820"}) {
        for (std::uint8_t ecn = 0; ecn < 4; ++ecn) {
            there_got.clear();
            auto sent = datagram(to, hello, ecn);
            here->send(sent);
            ASSERT_TRUE(wait_for([&] { return !there_got.empty(); }));
            EXPECT_EQ(there_got[0].ecn, ecn) << to;
        }
    }
}

/// What passes on the other host's wire: Ethernet frames of one ethertype.
class Wire {
  public:
    Wire(const Netns &netns, std::uint16_t ethertype)
    {
        Inside inside(netns);
        fd_ = Fd(socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ethertype)));
    }
    /// The next IP packet with UDP or a fragment, empty: none yet.
    Buffer next()
    {
        Buffer packet(65536);
        ssize_t size = recv(fd_.get(), packet.data(), packet.size(), 0);
        packet.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
        return packet;
    }

  private:
    Fd fd_;
};

TEST_F(UdpSocketTest, sets_the_whole_ds_byte_and_clears_df)
{
    auto here = open(here_got);
    Wire wire(*there, ETHERTYPE_IP);
    auto sent = datagram("10.0.0.2:51820", hello, 0x88 | 1);
    here->send(sent);
    Buffer packet;
    ASSERT_TRUE(wait_for([&] { return !(packet = wire.next()).empty(); }));
    EXPECT_EQ(packet[1], 0x89);
    EXPECT_EQ(packet[6] & 0x40, 0) << "DF";
}

TEST_F(UdpSocketTest, sets_the_traffic_class)
{
    auto here = open(here_got);
    Wire wire(*there, ETHERTYPE_IPV6);
    auto sent = datagram("[fd00::2]:51820", hello, 0x88 | 1);
    here->send(sent);
    constexpr std::size_t NEXT_HEADER = 6;
    Buffer packet;
    ASSERT_TRUE(wait_for([&] {
        packet = wire.next(); // neighbour discovery passes too
        return !packet.empty() && packet[NEXT_HEADER] == IPPROTO_UDP;
    }));
    EXPECT_EQ((packet[0] & 0x0f) << 4 | packet[1] >> 4, 0x89);
}

TEST_F(UdpSocketTest, fragments_what_is_longer_than_the_link_carries)
{
    auto here = open(here_got);
    auto other = open_there(there_got);
    Buffer big(4000);
    for (std::size_t i = 0; i < big.size(); ++i)
        big[i] = static_cast<std::uint8_t>(i * 7);
    Wire wire(*there, ETHERTYPE_IP);
    for (const char *to : {"10.0.0.2:51820", "[fd00::2]:51820"}) {
        there_got.clear();
        auto sent = datagram(to, big);
        here->send(sent);
        EXPECT_EQ(sent.error, 0) << to;
        ASSERT_TRUE(wait_for([&] { return !there_got.empty(); })) << to;
        EXPECT_EQ(there_got[0].bytes, big) << to;
    }
    int fragments = 0;
    for (Buffer packet; !(packet = wire.next()).empty();)
        fragments += (packet[6] & 0x3f) != 0 || packet[7] != 0; // more fragments, or an offset
    EXPECT_EQ(fragments, 3);
}

TEST_F(UdpSocketTest, receives_the_longest_datagram_and_an_empty_one)
{
    auto here = open(here_got);
    for (std::size_t size : {std::size_t{65507}, std::size_t{0}}) {
        here_got.clear();
        Buffer bytes(size, 0x5a);
        auto sent = datagram(fmt::format("127.0.0.1:{}", here->port()).c_str(), bytes);
        here->send(sent);
        ASSERT_EQ(sent.error, 0);
        ASSERT_TRUE(wait_for([&] { return !here_got.empty(); })) << size;
        EXPECT_EQ(here_got[0].bytes, bytes);
    }
}

TEST_F(UdpSocketTest, routes_by_its_mark_and_by_a_new_one)
{
    run("ip rule add fwmark 51820 table 7 && ip route add 198.51.100.0/24 via 10.0.0.2 table 7");
    auto socket = open(here_got, 0, 51820);
    auto sent = datagram("198.51.100.1:1", hello);
    socket->send(sent);
    EXPECT_EQ(sent.error, 0);
    must(socket->set_mark(0));
    socket->send(sent);
    EXPECT_EQ(sent.error, ENETUNREACH);
}

TEST_F(UdpSocketTest, sends_many_in_order_and_skips_what_cannot_go)
{
    auto here = open(here_got);
    auto other = open_there(there_got);
    std::vector<Buffer> payloads;
    for (std::uint8_t i = 0; i < 100; ++i)
        payloads.push_back({i});
    std::vector<OutgoingDatagram> datagrams;
    for (const Buffer &payload : payloads) {
        const char *to = payload[0] == 40       ? "198.51.100.1:1"
                         : payload[0] % 10 == 3 ? "[fd00::2]:51820"
                                                : "10.0.0.2:51820";
        datagrams.push_back(datagram(to, payload));
    }
    here->send_all(datagrams);
    for (std::size_t i = 0; i < datagrams.size(); ++i)
        EXPECT_EQ(datagrams[i].error, i == 40 ? ENETUNREACH : 0) << i;
    ASSERT_TRUE(wait_for([&] { return there_got.size() == 99; })) << there_got.size();
    std::vector<std::uint8_t> v4;
    for (const Received &received : there_got) {
        if (!received.from.address.is_v6())
            v4.push_back(received.bytes[0]);
    }
    EXPECT_EQ(v4.size(), 89U);
    EXPECT_TRUE(std::ranges::is_sorted(v4));
}

TEST_F(UdpSocketTest, may_be_destroyed_by_its_own_call)
{
    std::unique_ptr<UdpSocket> once;
    int calls = 0;
    once = must(UdpSocket::open(io, 40000, 0, [&](std::span<const Datagram>) {
        ++calls;
        once.reset();
    }));
    auto sender = open(here_got);
    for (const char *to : {"127.0.0.1:40000", "[::1]:40000"}) { // one for each of its sockets
        auto sent = datagram(to, hello);
        sender->send(sent);
    }
    EXPECT_TRUE(wait_for([&] { return calls > 0; }));
    io.restart();
    io.poll();
    EXPECT_EQ(calls, 1);
}

} // namespace
} // namespace wg::test
