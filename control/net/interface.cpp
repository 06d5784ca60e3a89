// SPDX-License-Identifier: MIT
#include "net/interface.h"

#include <algorithm>
#include <fstream>

#include <net/if.h>
#include <unistd.h>

#include "base/log.h"
#include "net/ethtool.h"
#include "net/receive_steering.h"

namespace wg {
namespace {

constexpr std::uint32_t LARGEST_MTU = 65535;
constexpr std::uint32_t MOST_QUEUES = 4096; // the kernel refuses more

/// What the kernel accepts, and no '%', which it would replace by a number.
Result<> check_name(std::string_view name)
{
    auto is_bad = [](unsigned char c) {
        return c == '/' || c == ':' || c == '%' || c <= ' ' || c == 0x7f;
    };
    if (name.empty() || name.size() >= IFNAMSIZ || name == "." || name == ".." ||
        std::ranges::any_of(name, is_bad))
        return failure(
            EINVAL, "interface name \"{}\": expected 1 to 15 characters without space, /, : and %",
            name);
    return {};
}

MacAddress random_mac(Random &random)
{
    MacAddress mac;
    random.fill(mac);
    mac[0] = static_cast<std::uint8_t>((mac[0] & ~1U) | 2U); // unicast, locally administered
    return mac;
}

std::uint32_t queues_wanted()
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    return static_cast<std::uint32_t>(std::clamp(cpus, 1L, long{MOST_QUEUES}));
}

/// Features that would let packets reach wg_tx unfinished: without a checksum, in several pieces or
/// unsegmented.
bool finishes_later(std::string_view feature)
{
    return feature.starts_with("tx-checksum-") || feature.starts_with("tx-scatter-gather") ||
           feature.ends_with("-segmentation") || feature == "tx-gso-list";
}

/// wg0: the stack gives whole, linear packets, and merges what arrives.
Result<> set_offloads(Ethtool &ethtool, const std::string &name)
{
    WG_TRY(ethtool.switch_off(name, finishes_later));
    return ethtool.set_gro(name, true);
}

/// wg0x: nothing is merged again before wg_tx sees it.
Result<> set_inner_offloads(Ethtool &ethtool, const std::string &name)
{
    return ethtool.switch_off(name, [](std::string_view feature) {
        return feature == "rx-gro" ||
               (feature.starts_with("tx-tcp") && feature.ends_with("-segmentation"));
    });
}

Result<> write_setting(const std::string &path, char value)
{
    errno = 0;
    if (!(std::ofstream(path) << value << '\n' << std::flush))
        return system_failure(errno, "write {} to {}", value, path);
    return {};
}

/// The birth netns' stack must have no part in the tunnel.
Result<> disable_ipv6(const std::string &name)
{
    if (access("/proc/sys/net/ipv6", F_OK) != 0)
        return {}; // no IPv6 to disable
    return write_setting("/proc/sys/net/ipv6/conf/" + name + "/disable_ipv6", '1');
}

/// A hub forwards from peer to peer, and none of them has a shorter way. As the kernel driver; the
/// setting of "all" would be stronger than wg0's own.
Result<> send_no_redirects(const std::string &name)
{
    for (const std::string &which : {std::string("all"), name})
        WG_TRY(write_setting("/proc/sys/net/ipv4/conf/" + which + "/send_redirects", '0'));
    return {};
}

Result<> configure(Netlink &netlink, const TunnelInterface &tunnel)
{
    auto ethtool = WG_TRY(Ethtool::open());
    WG_TRY(set_offloads(ethtool, tunnel.name));
    WG_TRY(set_inner_offloads(ethtool, tunnel.inner_name));
    WG_TRY(netlink.set_addrgenmode_none(tunnel.ifindex));
    WG_TRY(netlink.set_addrgenmode_none(tunnel.inner_ifindex));
    WG_TRY(disable_ipv6(tunnel.inner_name));
    WG_TRY(send_no_redirects(tunnel.name));
    if (auto steered = steer_to_all_cpus(tunnel.inner_name); !steered)
        log::warn("{}: slower than it could be: {}", tunnel.name, steered.error().what);
    return netlink.set_up(tunnel.inner_ifindex);
}

} // namespace

std::string inner_interface_name(std::string_view name)
{
    std::string stem(name.substr(0, IFNAMSIZ - 2));
    return stem + "x" == name ? stem + "y" : stem + "x";
}

Result<> keep_secondary_addresses(const std::string &name)
{
    return write_setting("/proc/sys/net/ipv4/conf/" + name + "/promote_secondaries", '1');
}

Result<TunnelInterface>
create_tunnel_interface(Netlink &netlink, Random &random, std::string_view name, std::uint32_t mtu)
{
    WG_TRY(check_name(name));
    TunnelInterface tunnel{.name = std::string(name), .inner_name = inner_interface_name(name)};
    tunnel.mac = random_mac(random);
    do // with equal MACs the birth netns' stack would take staged packets for its own
        tunnel.inner_mac = random_mac(random);
    while (tunnel.inner_mac == tunnel.mac);

    std::uint32_t queues = queues_wanted();
    WG_TRY(netlink.create_veth({tunnel.name, tunnel.mac, mtu, queues},
                               {tunnel.inner_name, tunnel.inner_mac, LARGEST_MTU, queues}));
    Link link = WG_TRY(netlink.link_by_name(name));
    tunnel.ifindex = link.ifindex;
    tunnel.inner_ifindex = link.peer_ifindex;
    if (auto configured = configure(netlink, tunnel); !configured) {
        if (auto removed = netlink.remove_link(tunnel.ifindex); !removed)
            log::error("{}: {}", name, removed.error().what);
        return tl::unexpected(std::move(configured).error());
    }
    if (!tunnel.inner_name.starts_with(name))
        log::info("{}: its inner end is {}: the name is too long for one more letter", name,
                  tunnel.inner_name);
    return tunnel;
}

} // namespace wg
