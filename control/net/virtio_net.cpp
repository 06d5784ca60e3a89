// SPDX-License-Identifier: MIT
#include "net/virtio_net.h"

#include <filesystem>
#include <fstream>

#include <linux/if_ether.h>

namespace wg {

namespace {

// VIRTIO_NET_F_*: their header is not for C++
enum : std::size_t {
    MTU = 3,
    GUEST_TSO4 = 7,
    GUEST_TSO6 = 8,
    GUEST_ECN = 9,
    GUEST_UFO = 10,
    MRG_RXBUF = 15,
    GUEST_USO4 = 54,
    GUEST_USO6 = 55
};

} // namespace

std::optional<std::string> virtio_features(const std::string &bus)
{
    std::error_code ignored; // no such directory: nothing to iterate
    for (const char *kind : {"pci", "platform"}) {
        const std::filesystem::path place =
            std::filesystem::path("/sys/bus") / kind / "devices" / bus;
        for (const auto &entry : std::filesystem::directory_iterator(place, ignored)) {
            std::string features;
            if (entry.path().filename().string().starts_with("virtio") &&
                std::ifstream(entry.path() / "features") >> features)
                return features;
        }
    }
    return std::nullopt;
}

bool virtio_receives_big_packets(std::string_view features, std::uint32_t largest_mtu)
{
    const auto has = [features](std::size_t feature) {
        return feature < features.size() && features[feature] == '1';
    };
    if (has(MRG_RXBUF))
        return false;
    const bool super_packets = has(GUEST_TSO4) || has(GUEST_TSO6) || has(GUEST_ECN) ||
                               has(GUEST_UFO) || (has(GUEST_USO4) && has(GUEST_USO6));
    return super_packets || (has(MTU) && largest_mtu > ETH_DATA_LEN);
}

} // namespace wg
