// SPDX-License-Identifier: MIT
//
//   app ─ wg0 (10.9.0.1) ══ wg0x ─ PacketSocket
//
// No wg_tx here: what the stack sends carries wg0's own MAC, so that it is PACKET_OTHERHOST at wg0x
// all the same.
#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <netpacket/packet.h>

#include "net/packet_socket.h"
#include "unit/net/netns_fixture.h"

namespace wg::test {
namespace {

constexpr std::size_t ETHERNET = 14;

class PacketSocketTest : public NetnsTest {
  protected:
    void SetUp() override
    {
        NetnsTest::SetUp();
        if (IsSkipped())
            return;
        tunnel = must(create_tunnel_interface(netlink(), random, "wg0", 1420));
        must(netlink().set_up(tunnel.ifindex));
        wait_until_running("wg0");
        wait_until_running("wg0x");
        must(netlink().add_address(tunnel.ifindex, must(InterfaceAddress::parse("10.9.0.1/24"))));
        must(netlink().add_address(tunnel.ifindex, must(InterfaceAddress::parse("fd09::1/64"))));
        sockets = must(
            PacketSocket::open(io, tunnel.inner_ifindex, [this](std::span<const Bytes> frames) {
                for (Bytes frame : frames)
                    received.emplace_back(frame.begin(), frame.end());
            }));
        app = Fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        sockaddr_in address = to("10.9.0.1", 4000);
        ASSERT_EQ(bind(app.get(), reinterpret_cast<sockaddr *>(&address), sizeof(address)), 0);
    }

    static sockaddr_in to(const char *host, std::uint16_t port)
    {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        inet_pton(AF_INET, host, &address.sin_addr);
        return address;
    }

    /// An Ethernet frame with a UDP datagram from 10.9.0.2:5000 to 10.9.0.1:4000.
    static Buffer udp_frame(const MacAddress &destination, std::string_view payload)
    {
        ip_header header;
        header.total_length =
            htons(static_cast<std::uint16_t>(sizeof(header) + 8 + payload.size()));
        std::uint32_t sum = 0;
        for (std::size_t i = 0; i < sizeof(header); i += 2)
            sum += load<std::uint16_t>(bytes_of(header).subspan(i, 2));
        while (sum >> 16)
            sum = (sum & 0xffff) + (sum >> 16);
        header.checksum = static_cast<std::uint16_t>(~sum);
        std::array<std::uint16_t, 4> udp = {
            htons(5000), htons(4000), htons(static_cast<std::uint16_t>(8 + payload.size())), 0};
        Buffer frame(destination.begin(), destination.end());
        for (int byte : {2, 0, 0, 0, 0, 9, 0x08, 0x00})
            frame.push_back(static_cast<std::uint8_t>(byte));
        for (Bytes part : {bytes_of(header), bytes_of(udp)})
            frame.insert(frame.end(), part.begin(), part.end());
        frame.insert(frame.end(), payload.begin(), payload.end());
        return frame;
    }

    std::string app_receives()
    {
        std::array<char, 2048> buffer{};
        ssize_t size = recv(app.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        return size > 0 ? std::string(buffer.data(), static_cast<std::size_t>(size))
                        : std::string();
    }

    TunnelInterface tunnel;
    std::unique_ptr<PacketSocket> sockets;
    std::vector<Buffer> received;
    Fd app;

  private:
    struct ip_header {
        std::uint8_t version_and_length = 0x45;
        std::uint8_t ds = 0;
        std::uint16_t total_length = 0;
        std::uint16_t id = 0;
        std::uint16_t fragment = 0;
        std::uint8_t ttl = 64;
        std::uint8_t protocol = IPPROTO_UDP;
        std::uint16_t checksum = 0;
        std::array<std::uint8_t, 4> source = {10, 9, 0, 2};
        std::array<std::uint8_t, 4> destination = {10, 9, 0, 1};
    };
};

TEST_F(PacketSocketTest, hands_over_what_the_stack_sends_by_wg0)
{
    sockaddr_in peer = to("10.9.0.2", 5000);
    ASSERT_EQ(sendto(app.get(), "hello", 5, 0, reinterpret_cast<sockaddr *>(&peer), sizeof(peer)),
              5);
    ASSERT_TRUE(wait_for([&] { return !received.empty(); }));
    const Buffer &frame = received[0];
    ASSERT_EQ(frame.size(), ETHERNET + 20 + 8 + 5);
    EXPECT_EQ(frame[12] << 8 | frame[13], ETHERTYPE_IP);
    EXPECT_EQ(std::string(frame.end() - 5, frame.end()), "hello");
}

TEST_F(PacketSocketTest, hands_over_ipv6_too)
{
    Fd app6(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 peer{};
    peer.sin6_family = AF_INET6;
    peer.sin6_port = htons(5000);
    inet_pton(AF_INET6, "fd09::2", &peer.sin6_addr);
    ASSERT_EQ(sendto(app6.get(), "hello", 5, 0, reinterpret_cast<sockaddr *>(&peer), sizeof(peer)),
              5);
    ASSERT_TRUE(wait_for([&] { return !received.empty(); }));
    EXPECT_EQ(received[0][12] << 8 | received[0][13], ETHERTYPE_IPV6);
}

TEST_F(PacketSocketTest, takes_a_burst_in_batches_and_in_order)
{
    sockaddr_in peer = to("10.9.0.2", 5000);
    for (std::uint32_t i = 0; i < 200; ++i)
        ASSERT_EQ(
            sendto(app.get(), &i, sizeof(i), 0, reinterpret_cast<sockaddr *>(&peer), sizeof(peer)),
            4);
    ASSERT_TRUE(wait_for([&] { return received.size() == 200; })) << received.size();
    for (std::uint32_t i = 0; i < 200; ++i)
        EXPECT_EQ(load<std::uint32_t>(Bytes(received[i]).last(4)), i);
}

TEST_F(PacketSocketTest, leaves_frames_for_the_birth_netns_alone)
{
    Fd raw(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
    sockaddr_ll wg0{};
    wg0.sll_family = AF_PACKET;
    wg0.sll_ifindex = static_cast<int>(tunnel.ifindex);
    MacAddress elsewhere = {2, 0, 0, 0, 0, 0x77};
    MacAddress broadcast = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    for (auto [mac, text] :
         {std::pair{tunnel.inner_mac, "host"}, {broadcast, "broadcast"}, {elsewhere, "other"}}) {
        Buffer frame = udp_frame(mac, text);
        ASSERT_EQ(sendto(raw.get(), frame.data(), frame.size(), 0,
                         reinterpret_cast<sockaddr *>(&wg0), sizeof(wg0)),
                  static_cast<ssize_t>(frame.size()));
    }
    ASSERT_TRUE(wait_for([&] { return !received.empty(); }));
    EXPECT_EQ(received.size(), 1U);
    EXPECT_EQ(received[0], udp_frame(elsewhere, "other"));
}

TEST_F(PacketSocketTest, injects_frames_into_wg0)
{
    must(sockets->inject(udp_frame(tunnel.mac, "from the peer")));
    std::string got;
    ASSERT_TRUE(wait_for([&] { return !(got = app_receives()).empty(); }));
    EXPECT_EQ(got, "from the peer");
    EXPECT_TRUE(received.empty()) << "its own frames do not come back";
}

TEST_F(PacketSocketTest, injects_many_and_skips_what_cannot_go)
{
    std::vector<Buffer> frames;
    for (int i = 0; i < 150; ++i)
        frames.push_back(udp_frame(tunnel.mac, fmt::format("{:03}", i)));
    frames[70] = Buffer(ETHERNET - 1); // no Ethernet header
    std::vector<Bytes> views(frames.begin(), frames.end());
    EXPECT_EQ(sockets->inject_all(views), 149U);
    std::vector<std::string> got;
    wait_for([&] {
        for (std::string text; !(text = app_receives()).empty();)
            got.push_back(text);
        return got.size() == 149;
    });
    ASSERT_EQ(got.size(), 149U);
    EXPECT_EQ(got[69], "069");
    EXPECT_EQ(got[70], "071");
    EXPECT_EQ(got[148], "149");
}

TEST_F(PacketSocketTest, says_that_its_interface_went_down)
{
    run("ip link set wg0x down");
    auto refused = sockets->inject(udp_frame(tunnel.mac, "x"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code.value(), ENETDOWN);
    EXPECT_EQ(PacketSocket::open(io, 4711, [](auto) {}).error().code.value(), ENODEV);
}

TEST_F(PacketSocketTest, may_be_destroyed_by_its_own_call)
{
    std::unique_ptr<PacketSocket> once;
    int calls = 0;
    once = must(PacketSocket::open(io, tunnel.inner_ifindex, [&](std::span<const Bytes>) {
        ++calls;
        once.reset();
    }));
    sockaddr_in peer = to("10.9.0.2", 5000);
    for (int i = 0; i < 2; ++i)
        sendto(app.get(), "x", 1, 0, reinterpret_cast<sockaddr *>(&peer), sizeof(peer));
    EXPECT_TRUE(wait_for([&] { return received.size() == 2; }));
    EXPECT_EQ(calls, 1);
}

} // namespace
} // namespace wg::test
