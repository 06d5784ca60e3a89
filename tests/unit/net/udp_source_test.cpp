// SPDX-License-Identifier: MIT
//
// The sticky source: an answer leaves from the address that the peer spoke to, while that address
// is ours.
#include "net/udp_socket.h"
#include "unit/net/netns_fixture.h"

namespace wg::test {
namespace {

class UdpSourceTest : public TwoHostsTest {
  protected:
    void SetUp() override
    {
        TwoHostsTest::SetUp();
        if (IsSkipped())
            return;
        run("ip address add 10.0.0.9/24 dev eth0 && ip address add fd00::9/64 dev eth0 nodad "
            "preferred_lft 0");
        here = must(UdpSocket::open(io, 51820, 0, [](auto) {}));
        Inside inside(*there);
        other = must(UdpSocket::open(io, 51820, 0, [this](std::span<const Datagram> datagrams) {
            for (const Datagram &datagram : datagrams)
                seen_from.push_back(datagram.from.address);
        }));
    }

    OutgoingDatagram send(const char *to, const char *source, std::uint32_t source_ifindex)
    {
        OutgoingDatagram datagram{.to = endpoint(to), .bytes = payload};
        datagram.to.source = ip(source);
        datagram.to.source_ifindex = source_ifindex;
        seen_from.clear();
        here->send(datagram);
        return datagram;
    }
    IpAddress arrives_from()
    {
        wait_for([&] { return !seen_from.empty(); });
        return seen_from.empty() ? IpAddress{} : seen_from[0];
    }

    Buffer payload = {1};
    std::unique_ptr<UdpSocket> here;
    std::unique_ptr<UdpSocket> other;
    std::vector<IpAddress> seen_from;
};

TEST_F(UdpSourceTest, is_used_while_it_is_ours)
{
    for (auto [to, source] :
         {std::pair{"10.0.0.2:51820", "10.0.0.9"}, {"[fd00::2]:51820", "fd00::9"}}) {
        auto sent = send(to, source, eth0);
        EXPECT_EQ(sent.error, 0);
        EXPECT_FALSE(sent.source_refused);
        EXPECT_EQ(arrives_from(), ip(source));
    }
}

TEST_F(UdpSourceTest, gives_way_to_the_kernels_choice_when_it_is_gone)
{
    for (auto [to, source, chosen] : {std::tuple{"10.0.0.2:51820", "10.0.0.9", "10.0.0.1"},
                                      {"[fd00::2]:51820", "fd00::9", "fd00::1"}}) {
        run(fmt::format("ip address delete {}/{} dev eth0", source, ip(source).is_v6() ? 64 : 24));
        auto sent = send(to, source, eth0);
        EXPECT_EQ(sent.error, 0) << to;
        EXPECT_TRUE(sent.source_refused) << "the caller must forget it";
        EXPECT_EQ(arrives_from(), ip(chosen));
    }
}

TEST_F(UdpSourceTest, follows_the_route_when_it_leaves_by_another_interface)
{
    run("ip link add eth1 type veth peer name eth2 && ip link set eth1 up && ip link set eth2 up");
    run("ip address add 10.1.0.1/24 dev eth1");
    auto sent = send("10.0.0.2:51820", "10.0.0.9", ifindex("eth1"));
    EXPECT_EQ(sent.error, 0);
    EXPECT_EQ(arrives_from(), ip("10.0.0.9"))
        << "an out interface that was forced would lead nowhere";
}

TEST_F(UdpSourceTest, is_not_blamed_for_a_destination_without_route)
{
    auto sent = send("198.51.100.1:1", "10.0.0.9", eth0);
    EXPECT_EQ(sent.error, ENETUNREACH);
}

TEST_F(UdpSourceTest, does_not_hold_up_the_rest_of_a_batch)
{
    std::vector<OutgoingDatagram> datagrams(5,
                                            {.to = endpoint("10.0.0.2:51820"), .bytes = payload});
    datagrams[2].to.source = ip("10.0.0.77");
    here->send_all(datagrams);
    for (std::size_t i = 0; i < datagrams.size(); ++i) {
        EXPECT_EQ(datagrams[i].error, 0) << i;
        EXPECT_EQ(datagrams[i].source_refused, i == 2) << i;
    }
    EXPECT_TRUE(wait_for([&] { return seen_from.size() == 5; }));
}

TEST_F(UdpSourceTest, reaches_a_link_local_peer_from_a_link_local_address)
{
    auto local_address = [](Netlink &of) {
        std::uint32_t link = must(of.link_by_name("eth0")).ifindex;
        for (const LocalAddress &local : must(of.addresses())) {
            if (local.ifindex == link && local.address.address.is_v6() &&
                local.address.address.is_link_local())
                return local.address.address;
        }
        throw std::runtime_error("eth0 has no link-local address");
    };
    IpAddress from = local_address(netlink());
    std::optional<Inside> inside(*there);
    auto netlink_there = must(Netlink::open());
    IpAddress to = local_address(netlink_there);
    inside.reset();

    OutgoingDatagram datagram{.to = {.address = to,
                                     .port = 51820,
                                     .scope_id = eth0,
                                     .source = from,
                                     .source_ifindex = eth0},
                              .bytes = payload};
    here->send(datagram);
    EXPECT_EQ(datagram.error, 0);
    EXPECT_FALSE(datagram.source_refused);
    EXPECT_EQ(arrives_from(), from);
}

} // namespace
} // namespace wg::test
