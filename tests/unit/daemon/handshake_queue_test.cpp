// SPDX-License-Identifier: MIT
//
// The queue of handshake messages is first in, first out, and ends at the driver's limit.
#include <gtest/gtest.h>

#include "daemon/handshake_queue.h"

namespace wg::test {
namespace {

TEST(HandshakeQueue, keeps_order_and_copies_what_it_is_given)
{
    HandshakeQueue queue;
    Buffer bytes = {1};
    const Endpoint from = *Endpoint::parse("192.0.2.1:7");
    EXPECT_TRUE(queue.push({.bytes = bytes, .from = from}));
    bytes = {2, 2};
    EXPECT_TRUE(queue.push({.bytes = bytes, .from = from}));
    bytes = {};
    ASSERT_EQ(queue.size(), 2);
    EXPECT_EQ(queue.pop().bytes, Buffer{1});
    const auto second = queue.pop();
    EXPECT_EQ(second.bytes, (Buffer{2, 2}));
    EXPECT_EQ(second.from, from);
    EXPECT_TRUE(queue.empty());
}

TEST(HandshakeQueue, refuses_more_than_4096)
{
    HandshakeQueue queue;
    const Buffer bytes(148);
    for (int i = 0; i < 4096; i++)
        ASSERT_TRUE(queue.push({.bytes = bytes, .from = {}}));
    EXPECT_FALSE(queue.push({.bytes = bytes, .from = {}}));
    queue.pop();
    EXPECT_TRUE(queue.push({.bytes = bytes, .from = {}}));
}

} // namespace
} // namespace wg::test
