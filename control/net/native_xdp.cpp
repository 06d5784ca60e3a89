// SPDX-License-Identifier: MIT
#include "net/native_xdp.h"

#include <net/if.h>

#include "net/virtio_net.h"

namespace wg {

Result<std::string> why_not_native(Netlink &netlink, Ethtool &ethtool, const Link &link)
{
    if ((link.flags & IFF_LOOPBACK) != 0)
        return std::string("the loopback interface has no native XDP");
    if (link.master != 0) {
        const auto master = netlink.link_by_index(link.master);
        return fmt::format("it is a port of {}",
                           master ? master->name : std::to_string(link.master));
    }
    if (link.kind == "bond") // whose program would see the ports' ifindexes and not its own
        return std::string("it is a bond, and its ports receive");
    if (WG_TRY(netlink.carries_macvlan(link.ifindex)))
        return std::string("it carries macvlan or ipvlan interfaces");
    const auto driver = ethtool.driver(link.name);
    const auto virtio =
        driver && driver->name == "virtio_net" ? virtio_features(driver->bus) : std::nullopt;
    if (virtio && virtio_receives_big_packets(*virtio, link.largest_mtu))
        return std::string(
            "its buffers do not merge, and virtio_net runs no program on large ones");
    return std::string();
}

} // namespace wg
