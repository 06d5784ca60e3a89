// SPDX-License-Identifier: MIT
//
// Every way to fill slots that this CPU has, against libsodium one slot at a time.
#include <cstring>
#include <memory>

#include <gtest/gtest.h>
#include <sodium.h>

#include "datapath/slot_filler.h"

namespace wg {

void PrintTo(const SlotFiller &filler, std::ostream *out)
{
    *out << filler.name;
}

namespace {

constexpr unsigned MAX_BLOCKS = sizeof(wg_slot) / 64;
constexpr unsigned char UNTOUCHED = 0xa5;

class SlotFillerTest : public testing::TestWithParam<SlotFiller> {
  protected:
    SlotFillerTest()
    {
        randombytes_buf(key_.words, sizeof(key_.words));
        for (std::size_t lane = 0; lane < SLOT_LANES; lane++)
            lanes_[lane] = &slots_[lane];
    }

    void fill(std::uint64_t counter, unsigned blocks)
    {
        std::memset(slots_.get(), UNTOUCHED, sizeof(wg_slot) * SLOT_LANES);
        GetParam().fill(key_, counter, lanes_, blocks);
    }

    /* What libsodium makes of this counter, in a slot whose other bytes are as they were. */
    wg_slot expected(std::uint64_t counter, unsigned blocks) const
    {
        unsigned char nonce[12] = {}, stream[sizeof(wg_slot)];
        std::memcpy(nonce + 4, &counter, sizeof(counter));
        crypto_stream_chacha20_ietf(stream, sizeof(stream), nonce,
                                    reinterpret_cast<const unsigned char *>(key_.words));
        wg_slot slot;
        std::memset(&slot, UNTOUCHED, sizeof(slot));
        std::memcpy(slot.poly_key, stream, sizeof(slot.poly_key));
        std::memcpy(slot.keystream, stream + 64, (blocks - 1) * 64UL);
        return slot;
    }

    wg_session_key key_{};
    std::unique_ptr<wg_slot[]> slots_{new wg_slot[SLOT_LANES]};
    SlotLanes lanes_{};
};
INSTANTIATE_TEST_SUITE_P(,
                         SlotFillerTest,
                         testing::ValuesIn(slot_fillers()),
                         testing::PrintToStringParamName());

TEST_P(SlotFillerTest, writes_the_stream_of_each_counter_and_nothing_else)
{
    const std::uint64_t counters[] = {0, 1, 12345, 0xfffffff8, 0xffffffffff8, (1ULL << 48) - 16};
    for (const std::uint64_t counter : counters)
        for (unsigned blocks = 1; blocks <= MAX_BLOCKS; blocks++) {
            fill(counter, blocks);
            for (std::size_t lane = 0; lane < SLOT_LANES; lane++) {
                const wg_slot right = expected(counter + lane, blocks);
                ASSERT_EQ(std::memcmp(&slots_[lane], &right, sizeof(right)), 0)
                    << "counter " << counter << ", lane " << lane << ", " << blocks << " blocks";
            }
        }
}

TEST_P(SlotFillerTest, may_write_several_lanes_to_one_spare_slot)
{
    lanes_[3] = lanes_[7] = lanes_[8] = &slots_[15];
    fill(99, MAX_BLOCKS);
    for (const std::size_t lane : {0U, 2U, 4U, 6U, 9U, 14U}) {
        const wg_slot right = expected(99 + lane, MAX_BLOCKS);
        EXPECT_EQ(std::memcmp(&slots_[lane], &right, sizeof(right)), 0) << lane;
    }
}

TEST(SlotFillers, the_portable_one_is_always_there)
{
    ASSERT_FALSE(slot_fillers().empty());
    EXPECT_STREQ(slot_fillers().back().name, "portable");
}

} // namespace
} // namespace wg
