// SPDX-License-Identifier: MIT
//
// Links, addresses and the routes that are added; the answers of route_get are in
// route_get_test.cpp.
#include <algorithm>

#include <net/if.h>
#include <net/if_arp.h>
#include <sys/syscall.h>

#include <linux/bpf.h>

#include "net/netlink.h"
#include "unit/net/netns_fixture.h"

namespace wg::test {
namespace {

class NetlinkTest : public NetnsTest {
  protected:
    void SetUp() override
    {
        NetnsTest::SetUp();
        if (!IsSkipped())
            run("ip link add v0 mtu 1400 address 02:00:00:00:00:01 type veth peer name v1");
    }
};

Fd bpf_call(bpf_cmd command, bpf_attr &attributes)
{
    return Fd(static_cast<int>(syscall(SYS_bpf, command, &attributes, sizeof(attributes))));
}

/// A link of a program that passes everything.
Fd attach_xdp(std::uint32_t ifindex)
{
    static constexpr bpf_insn program[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_K,
         .dst_reg = BPF_REG_0,
         .src_reg = 0,
         .off = 0,
         .imm = XDP_PASS},
        {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
    };
    bpf_attr load_attributes{};
    load_attributes.prog_type = BPF_PROG_TYPE_XDP;
    load_attributes.insns = reinterpret_cast<std::uint64_t>(program);
    load_attributes.insn_cnt = std::size(program);
    load_attributes.license = reinterpret_cast<std::uint64_t>("MIT");
    Fd loaded = bpf_call(BPF_PROG_LOAD, load_attributes);
    bpf_attr link_attributes{};
    link_attributes.link_create.prog_fd = static_cast<std::uint32_t>(loaded.get());
    link_attributes.link_create.target_ifindex = ifindex;
    link_attributes.link_create.attach_type = BPF_XDP;
    return bpf_call(BPF_LINK_CREATE, link_attributes);
}

TEST_F(NetlinkTest, finds_a_link_by_name_by_index_and_among_all)
{
    Link v0 = must(netlink().link_by_name("v0"));
    EXPECT_EQ(v0.name, "v0");
    EXPECT_EQ(v0.kind, "veth");
    EXPECT_EQ(v0.mac, (MacAddress{2, 0, 0, 0, 0, 1}));
    EXPECT_EQ(v0.mtu, 1400U);
    EXPECT_EQ(v0.arp_type, ARPHRD_ETHER);
    EXPECT_EQ(v0.master, 0U);
    EXPECT_EQ(v0.peer_ifindex, ifindex("v1"));
    EXPECT_EQ(v0.ipv6_hop_limit, 64);
    EXPECT_EQ(v0.ipv6_mtu, 1400U);
    EXPECT_TRUE(v0.is_ethernet());
    EXPECT_FALSE(v0.is_up());

    EXPECT_EQ(must(netlink().link_by_index(v0.ifindex)).name, "v0");
    std::vector<std::string> names;
    for (const Link &link : must(netlink().links()))
        names.push_back(link.name);
    std::ranges::sort(names);
    EXPECT_EQ(names, (std::vector<std::string>{"lo", "v0", "v1"}));
}

TEST_F(NetlinkTest, says_which_link_there_is_not)
{
    auto by_name = netlink().link_by_name("nosuch0");
    ASSERT_FALSE(by_name);
    EXPECT_EQ(by_name.error().code.value(), ENODEV);
    EXPECT_NE(by_name.error().what.find("nosuch0"), std::string::npos) << by_name.error().what;
    EXPECT_EQ(netlink().link_by_index(4711).error().code.value(), ENODEV);
    EXPECT_EQ(must(netlink().link_by_name("v0")).name, "v0")
        << "a refusal does not disturb what follows";
}

TEST_F(NetlinkTest, repeats_the_kernels_own_explanation)
{
    auto refused = netlink().set_mtu(ifindex("v0"), 10);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code.value(), EINVAL);
    EXPECT_NE(refused.error().what.find("less than device minimum"), std::string::npos)
        << refused.error().what;
}

TEST_F(NetlinkTest, changes_mtu_and_flags)
{
    must(netlink().set_mtu(ifindex("v0"), 1280));
    must(netlink().set_up(ifindex("v0")));
    Link v0 = must(netlink().link_by_name("v0"));
    EXPECT_EQ(v0.mtu, 1280U);
    EXPECT_TRUE(v0.is_up());
}

TEST_F(NetlinkTest, sees_that_a_link_is_enslaved)
{
    run("ip link add br0 type bridge");
    run("ip link set v0 master br0");
    EXPECT_EQ(must(netlink().link_by_name("v0")).master, ifindex("br0"));
}

TEST_F(NetlinkTest, sees_that_a_link_has_an_xdp_program)
{
    EXPECT_FALSE(must(netlink().link_by_name("v0")).has_xdp);
    Fd attached = attach_xdp(ifindex("v0"));
    ASSERT_TRUE(attached) << errno;
    EXPECT_TRUE(must(netlink().link_by_name("v0")).has_xdp);
    EXPECT_FALSE(must(netlink().link_by_name("v1")).has_xdp);
}

TEST_F(NetlinkTest, sees_that_a_link_carries_a_macvlan)
{
    EXPECT_FALSE(must(netlink().carries_macvlan(ifindex("v0"))));
    run("ip link add link v0 name m0 type macvlan mode bridge");
    EXPECT_TRUE(must(netlink().carries_macvlan(ifindex("v0"))));
    EXPECT_FALSE(must(netlink().carries_macvlan(ifindex("v1"))));
}

TEST_F(NetlinkTest, does_not_mistake_a_moved_macvlans_lower_link_for_ours)
{
    Netns container;
    run("ip link add link v0 name m0 netns " + container.path() + " type macvlan mode bridge");
    std::uint32_t v0 = ifindex("v0");
    Inside inside(container);
    auto netlink_inside = must(Netlink::open());
    EXPECT_FALSE(must(netlink_inside.carries_macvlan(v0)))
        << "the number counts in the other netns";
}

TEST_F(NetlinkTest, lists_the_addresses_of_all_links_with_lo)
{
    run("ip address add 192.0.2.1/32 dev lo");
    must(netlink().set_up(ifindex("v0")));
    must(netlink().set_up(ifindex("v1")));
    must(netlink().add_address(ifindex("v0"), must(InterfaceAddress::parse("10.0.0.1/24"))));
    must(netlink().add_address(ifindex("v0"), must(InterfaceAddress::parse("fd00::1/64"))));

    auto addresses = must(netlink().addresses());
    for (auto [name, text] : {std::pair{"lo", "127.0.0.1/8"},
                              {"lo", "::1/128"},
                              {"lo", "192.0.2.1/32"},
                              {"v0", "10.0.0.1/24"},
                              {"v0", "fd00::1/64"}}) {
        LocalAddress expected{ifindex(name), must(InterfaceAddress::parse(text))};
        EXPECT_NE(std::ranges::find(addresses, expected), addresses.end()) << name << " " << text;
    }
}

TEST_F(NetlinkTest, leaves_an_address_that_is_there_already)
{
    auto address = must(InterfaceAddress::parse("10.0.0.1/24"));
    must(netlink().add_address(ifindex("v0"), address));
    must(netlink().add_address(ifindex("v0"), address));
    auto addresses = must(netlink().addresses());
    EXPECT_EQ(std::ranges::count(addresses, LocalAddress{ifindex("v0"), address}), 1);
}

TEST_F(NetlinkTest, adds_addresses_that_are_used_at_once)
{
    must(netlink().add_address(ifindex("v0"), must(InterfaceAddress::parse("fd00::1/64"))));
    EXPECT_EQ(output_of("ip -6 address show dev v0 tentative"), "");
    EXPECT_NE(output_of("ip -6 address show dev v0 nodad"), "");
}

TEST_F(NetlinkTest, adds_routes_of_both_families_once)
{
    must(netlink().set_up(ifindex("v0")));
    for (const char *text : {"10.7.0.0/16", "fd07::/16", "0.0.0.0/0", "::/0"}) {
        Prefix prefix = must(Prefix::parse(text));
        must(netlink().add_route(prefix, ifindex("v0")));
        auto again = netlink().add_route(prefix, ifindex("v0"));
        ASSERT_FALSE(again) << text;
        EXPECT_EQ(again.error().code.value(), EEXIST);
        EXPECT_NE(again.error().what.find(text), std::string::npos) << again.error().what;
    }
    EXPECT_NE(output_of("ip route show 10.7.0.0/16").find("dev v0 proto 87 scope link"),
              std::string::npos);
    EXPECT_NE(output_of("ip -6 route show fd07::/16").find("dev v0"), std::string::npos);
}

TEST_F(NetlinkTest, reads_tables_that_need_many_messages)
{
    for (std::uint8_t i = 0; i < 250; ++i)
        for (std::uint8_t j = 1; j <= 8; ++j)
            must(netlink().add_address(
                ifindex("v0"), {IpAddress::v4(std::array<std::uint8_t, 4>{10, i, j, 1}), 32}));
    EXPECT_EQ(must(netlink().addresses()).size(), 2U + 250U * 8U);
}

} // namespace
} // namespace wg::test
