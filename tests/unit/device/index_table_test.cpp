// SPDX-License-Identifier: MIT
#include <deque>

#include <gtest/gtest.h>

#include "device/index_table.h"

namespace wg::test {

namespace {

/// Hands out the numbers it was given.
class ScriptedRandom final : public Random {
  public:
    explicit ScriptedRandom(std::deque<std::uint32_t> numbers) : numbers_(std::move(numbers)) {}
    void fill(MutableBytes bytes) override
    {
        std::memcpy(bytes.data(), &numbers_.front(), bytes.size());
        numbers_.pop_front();
    }

  private:
    std::deque<std::uint32_t> numbers_;
};

} // namespace

TEST(IndexTable, draws_again_when_an_index_is_in_use)
{
    ScriptedRandom random({7, 7, 7, 0});
    IndexTable table(random);

    EXPECT_EQ(table.insert_handshake(1), 7U);
    EXPECT_EQ(table.insert_handshake(2), 0U) << "zero is an index like any other";
    EXPECT_EQ(table.find_handshake(7), 1U);
    EXPECT_EQ(table.find_handshake(0), 2U);
}

TEST(IndexTable, hands_an_index_from_the_handshake_to_its_keypair)
{
    ScriptedRandom random({7, 8});
    IndexTable table(random);

    table.insert_handshake(1);
    table.hand_to_keypair(7);
    EXPECT_EQ(table.find_handshake(7), std::nullopt) << "a second response finds no handshake";
    EXPECT_EQ(table.find(7), 1U) << "a cookie finds the peer";
    table.remove(7);
    EXPECT_EQ(table.find(7), std::nullopt);
}

TEST(IndexTable, does_not_adopt_an_index_that_is_in_use)
{
    ScriptedRandom random({7, 9, 8});
    IndexTable table(random);

    EXPECT_TRUE(table.insert_keypair(9, 1));
    EXPECT_FALSE(table.insert_keypair(9, 2));
    table.insert_handshake(3);
    EXPECT_EQ(table.insert_handshake(4), 8U) << "9 is taken";
}

} // namespace wg::test
