// SPDX-License-Identifier: MIT
//
// The veth pair, read back by other means than it was made.
#include <algorithm>
#include <fstream>
#include <sstream>
#include <thread>

#include <net/if.h>
#include <net/if_arp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <linux/ethtool.h>
#include <linux/sockios.h>

#include "net/ethtool.h"
#include "net/interface.h"
#include "unit/net/netns_fixture.h"

namespace wg::test {
namespace {

std::string first_line(const std::string &path)
{
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

std::string slurp(const std::string &path)
{
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

ethtool_channels channels_of(const std::string &name)
{
    Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ethtool_channels channels{};
    channels.cmd = ETHTOOL_GCHANNELS;
    ifreq request{};
    name.copy(request.ifr_name, sizeof(request.ifr_name) - 1);
    request.ifr_data = reinterpret_cast<char *>(&channels);
    EXPECT_EQ(ioctl(socket.get(), SIOCETHTOOL, &request), 0);
    return channels;
}

class InterfaceTest : public NetnsTest {
  protected:
    TunnelInterface make(std::string_view name = "wg0")
    {
        return must(create_tunnel_interface(netlink(), random, name, 1420));
    }
};

TEST_F(InterfaceTest, is_a_pair_without_arp_whose_inner_end_alone_is_up)
{
    auto tunnel = make();
    EXPECT_EQ(tunnel.inner_name, "wg0x");
    Link wg0 = must(netlink().link_by_name("wg0"));
    Link wg0x = must(netlink().link_by_name("wg0x"));
    EXPECT_EQ(wg0.ifindex, tunnel.ifindex);
    EXPECT_EQ(wg0x.ifindex, tunnel.inner_ifindex);
    EXPECT_EQ(wg0.peer_ifindex, wg0x.ifindex);
    for (const Link &link : {wg0, wg0x}) {
        EXPECT_EQ(link.kind, "veth");
        EXPECT_EQ(link.arp_type, ARPHRD_ETHER);
        EXPECT_TRUE(link.flags & IFF_NOARP);
        EXPECT_EQ(must(Ethtool::open().value().driver(link.name)).name, "veth");
    }
    EXPECT_FALSE(wg0.is_up());
    EXPECT_TRUE(wg0x.is_up());
    EXPECT_EQ(wg0.mtu, 1420U);
    EXPECT_EQ(wg0x.mtu, 65535U) << "wg0's MTU may grow";
}

TEST_F(InterfaceTest, has_different_random_local_macs)
{
    auto tunnel = make();
    auto other = make("wg1");
    EXPECT_EQ(must(netlink().link_by_name("wg0")).mac, tunnel.mac);
    EXPECT_EQ(must(netlink().link_by_name("wg0x")).mac, tunnel.inner_mac);
    for (const MacAddress &mac : {tunnel.mac, tunnel.inner_mac})
        EXPECT_EQ(mac[0] & 3, 2) << "unicast, locally administered";
    EXPECT_NE(tunnel.mac, tunnel.inner_mac);
    EXPECT_NE(tunnel.mac, other.mac);
}

TEST_F(InterfaceTest, draws_another_mac_when_chance_gives_the_same_twice)
{
    class Stuck final : public Random {
      public:
        void fill(MutableBytes bytes) override
        {
            ++draws_;
            std::ranges::fill(bytes, static_cast<std::uint8_t>(draws_ <= 3 ? 0xaa : 0xbb));
        }

      private:
        int draws_ = 0;
    } stuck;
    auto tunnel = must(create_tunnel_interface(netlink(), stuck, "wg0", 1420));
    EXPECT_NE(tunnel.mac, tunnel.inner_mac);
}

TEST_F(InterfaceTest, hands_finished_packets_to_wg_tx)
{
    make();
    auto ethtool = must(Ethtool::open());
    for (const auto &[name, feature] : must(ethtool.features("wg0"))) {
        bool unwanted = name.starts_with("tx-checksum") || name.starts_with("tx-scatter-gather") ||
                        name.ends_with("-segmentation") || name == "tx-gso-list";
        EXPECT_FALSE(unwanted && feature.active) << name;
        EXPECT_FALSE(unwanted && feature.changeable && feature.requested)
            << name << " would come back";
    }
    EXPECT_TRUE(must(ethtool.gro("wg0")));
    EXPECT_FALSE(must(ethtool.gro("wg0x"))) << "its NAPI would merge segments again";
    EXPECT_FALSE(must(ethtool.features("wg0x"))["tx-tcp-segmentation"].active);
    EXPECT_TRUE(must(ethtool.features("wg0x"))["tx-checksum-ip-generic"].active)
        << "more than was asked for";
}

TEST_F(InterfaceTest, has_a_queue_for_each_cpu)
{
    make();
    auto cpus = static_cast<std::uint32_t>(sysconf(_SC_NPROCESSORS_ONLN));
    for (const char *name : {"wg0", "wg0x"}) {
        auto channels = channels_of(name);
        EXPECT_EQ(channels.rx_count + channels.combined_count, cpus) << name;
        EXPECT_EQ(channels.tx_count + channels.combined_count, cpus) << name;
    }
}

TEST_F(InterfaceTest, spreads_received_packets_over_all_cpus)
{
    make();
    std::string masks = output_of("unshare -m sh -c 'mount -t sysfs sysfs /sys &&"
                                  " cat /sys/class/net/wg0x/queues/rx-*/rps_cpus'");
    std::uint64_t all = (std::uint64_t{1} << sysconf(_SC_NPROCESSORS_CONF)) - 1;
    std::istringstream lines(masks);
    long count = 0;
    for (std::string line; std::getline(lines, line); ++count)
        EXPECT_EQ(std::stoull(line, nullptr, 16), all) << masks;
    EXPECT_EQ(count, sysconf(_SC_NPROCESSORS_ONLN)) << masks;
}

TEST_F(InterfaceTest, leaves_our_mounts_alone_even_where_they_are_shared)
{
    std::thread([this] { // a mount namespace of its own, shared as systemd makes it
        ASSERT_EQ(unshare(CLONE_NEWNS), 0);
        ASSERT_EQ(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
        ASSERT_EQ(mount(nullptr, "/", nullptr, MS_REC | MS_SHARED, nullptr), 0);
        std::string mounts = slurp("/proc/thread-self/mountinfo");
        ASSERT_NE(mounts, "");
        make();
        EXPECT_EQ(slurp("/proc/thread-self/mountinfo"), mounts);
    })
        .join();
}

TEST_F(InterfaceTest, gives_neither_end_an_address_of_its_own)
{
    auto tunnel = make();
    must(netlink().set_up(tunnel.ifindex));
    for (const char *name : {"wg0", "wg0x"}) {
        std::string shown = output_of(std::string("ip -details link show ") + name);
        EXPECT_NE(shown.find("addrgenmode none"), std::string::npos) << shown;
    }
    EXPECT_EQ(first_line("/proc/sys/net/ipv6/conf/wg0x/disable_ipv6"), "1");
    EXPECT_EQ(first_line("/proc/sys/net/ipv6/conf/wg0/disable_ipv6"), "0");
}

TEST_F(InterfaceTest, sends_no_icmp_redirects)
{
    make();
    for (const char *which : {"wg0", "all"})
        EXPECT_EQ(first_line(fmt::format("/proc/sys/net/ipv4/conf/{}/send_redirects", which)), "0");
}

TEST_F(InterfaceTest, goes_with_its_inner_end_even_from_another_netns)
{
    auto tunnel = make();
    Netns container;
    run("ip link set wg0 netns " + container.path());
    Link inner = must(netlink().link_by_index(tunnel.inner_ifindex));
    EXPECT_TRUE(inner.peer_netnsid.has_value());

    Inside inside(container);
    auto netlink_inside = must(Netlink::open());
    EXPECT_EQ(must(netlink_inside.link_by_name("wg0")).mac, tunnel.mac);
    must(netlink().remove_link(tunnel.inner_ifindex));
    EXPECT_EQ(netlink_inside.link_by_name("wg0").error().code.value(), ENODEV);
}

TEST_F(InterfaceTest, refuses_names_the_kernel_would_refuse_or_change)
{
    for (const char *name :
         {"", ".", "..", "wg/0", "wg 0", "wg:0", "wg%d", "wg\t0", "sixteen-letters-"}) {
        auto refused = create_tunnel_interface(netlink(), random, name, 1420);
        ASSERT_FALSE(refused) << name;
        EXPECT_EQ(refused.error().code.value(), EINVAL) << name;
    }
    EXPECT_EQ(must(netlink().links()).size(), 1U) << "lo";
}

TEST_F(InterfaceTest, takes_a_name_of_15_characters)
{
    EXPECT_EQ(make("fifteen-letters").inner_name, "fifteen-letterx");
    EXPECT_EQ(must(netlink().link_by_name("fifteen-letterx")).kind, "veth");
}

TEST_F(InterfaceTest, says_that_a_name_is_taken_and_leaves_nothing)
{
    run("ip link add wg0x type bridge");
    auto refused = create_tunnel_interface(netlink(), random, "wg0", 1420);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code.value(), EEXIST);
    EXPECT_NE(refused.error().what.find("wg0x"), std::string::npos) << refused.error().what;
    EXPECT_EQ(netlink().link_by_name("wg0").error().code.value(), ENODEV);
}

TEST_F(InterfaceTest, removes_what_was_made_when_a_later_step_fails)
{
    // A thread of its own, for a mount namespace in which /proc/sys is read-only.
    std::thread([this] {
        ASSERT_EQ(unshare(CLONE_NEWNS), 0);
        ASSERT_EQ(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
        ASSERT_EQ(mount("/proc/sys", "/proc/sys", nullptr, MS_BIND, nullptr), 0);
        ASSERT_EQ(mount(nullptr, "/proc/sys", nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr),
                  0);
        auto refused = create_tunnel_interface(netlink(), random, "wg0", 1420);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code.value(), EROFS);
        EXPECT_NE(refused.error().what.find("disable_ipv6"), std::string::npos)
            << refused.error().what;
    }).join();
    EXPECT_EQ(must(netlink().links()).size(), 1U) << "lo";
}

TEST_F(InterfaceTest, exists_also_where_sysfs_cannot_be_mounted)
{
    std::thread([this] {
        ASSERT_EQ(unshare(CLONE_NEWNS), 0);
        ASSERT_EQ(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
        ASSERT_EQ(mount("tmpfs", "/mnt", "tmpfs", 0, nullptr), 0);
        ASSERT_EQ(mkdir("/mnt/proc", 0755), 0);
        ASSERT_EQ(mount("/proc", "/mnt/proc", nullptr, MS_BIND | MS_REC, nullptr), 0);
        ASSERT_EQ(chroot("/mnt"), 0); // of this thread: unshare gave it its own root
        must(create_tunnel_interface(netlink(), random, "wg0", 1420));
    }).join();
    EXPECT_TRUE(must(netlink().link_by_name("wg0x")).is_up());
}

} // namespace
} // namespace wg::test
