// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "net/virtio_net.h"

namespace wg {
namespace {

/// As sysfs shows them.
std::string features_of(std::initializer_list<std::size_t> set)
{
    std::string features(64, '0');
    for (const std::size_t feature : set)
        features[feature] = '1';
    return features;
}

TEST(VirtioNet, receives_big_packets_when_buffers_do_not_merge_and_much_may_come)
{
    constexpr std::size_t MTU = 3, TSO4 = 7, TSO6 = 8, ECN = 9, UFO = 10, MERGING = 15, USO4 = 54,
                          USO6 = 55;
    struct {
        std::string features;
        std::uint32_t largest_mtu;
        bool big;
    } cases[] = {
        {features_of({}), 65535, false},
        {features_of({TSO4}), 65535, true},
        {features_of({TSO6}), 65535, true},
        {features_of({ECN}), 65535, true},
        {features_of({UFO}), 65535, true},
        {features_of({USO4}), 65535, false},
        {features_of({USO4, USO6}), 65535, true},
        {features_of({MTU}), 1500, false},
        {features_of({MTU}), 1501, true},
        {features_of({MTU, TSO4, TSO6, ECN, UFO, USO4, USO6, MERGING}), 9000, false},
        {"", 65535, false},
    };
    for (const auto &c : cases)
        EXPECT_EQ(virtio_receives_big_packets(c.features, c.largest_mtu), c.big)
            << c.features << ' ' << c.largest_mtu;
}

TEST(VirtioNet, has_no_features_where_there_is_no_such_device)
{
    EXPECT_EQ(virtio_features("0000:ff:1f.7"), std::nullopt);
}

} // namespace
} // namespace wg
