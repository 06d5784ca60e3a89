// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "net/interface.h"
#include "net/receive_steering.h"

namespace wg {
namespace {

TEST(InnerInterfaceName, is_the_name_and_x_within_15_characters)
{
    struct {
        const char *name;
        const char *inner;
    } cases[] = {
        {"wg0", "wg0x"},
        {"x", "xx"},
        {"office-tunnel1", "office-tunnel1x"},  // 14: the longest that fits whole
        {"office-tunnel-1", "office-tunnel-x"}, // 15: its last letter makes room
        {"office-tunnel-x", "office-tunnel-y"}, // and never is its own inner end
    };
    for (const auto &c : cases)
        EXPECT_EQ(inner_interface_name(c.name), c.inner);
}

TEST(CpuMask, has_a_bit_for_each_cpu_in_groups_of_32)
{
    struct {
        unsigned cpus;
        const char *mask;
    } cases[] = {
        {1, "1"},
        {2, "3"},
        {31, "7fffffff"},
        {32, "ffffffff"},
        {33, "1,ffffffff"},
        {64, "ffffffff,ffffffff"},
        {100, "f,ffffffff,ffffffff,ffffffff"},
    };
    for (const auto &c : cases)
        EXPECT_EQ(cpu_mask(c.cpus), c.mask);
}

} // namespace
} // namespace wg
