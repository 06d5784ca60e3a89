// SPDX-License-Identifier: MIT
//
// The Internet checksum against the plain definition of RFC 1071, for every length and alignment
// that matters.
#include <cstring>

#include <gtest/gtest.h>

#include "checksum.h"
#include "unit/crypto/cipher.h"

namespace wg::test {
namespace {

/// RFC 1071 as it is defined: 16-bit words, end-around carry, an odd byte padded with zero.
std::uint16_t naive_sum(const std::uint8_t *bytes, std::size_t size)
{
    std::uint32_t sum = 0;
    for (std::size_t at = 0; at < size; at++) {
        sum += static_cast<std::uint32_t>(bytes[at]) << 8 * (at % 2);
        sum = (sum >> 16) + (sum & 0xffff);
    }
    return static_cast<std::uint16_t>(sum);
}

Buffer example_header()
{
    return from_hex("4500 0073 0000 4000 4011 b861 c0a80001 c0a800c7");
}

std::uint16_t load_be16(const Buffer &bytes, std::size_t at)
{
    return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

std::uint16_t swapped(std::uint16_t word)
{
    return static_cast<std::uint16_t>(word << 8 | word >> 8);
}

TEST(Checksum, agrees_with_the_definition_for_every_length_and_reads_no_byte_more)
{
    for (std::size_t length = 0; length <= CHECKSUM_MAX_LENGTH; length += length < 1600 ? 1 : 61) {
        for (const Buffer &data : {random_bytes(length), Buffer(length, 0xff), Buffer(length)}) {
            __u64 sum = 0;
            ASSERT_TRUE(
                checksum_add(&sum, data.data(), data.data() + length, static_cast<__u32>(length)));
            ASSERT_EQ(checksum_fold(sum), naive_sum(data.data(), length)) << length;
        }
    }
}

TEST(Checksum, takes_data_at_any_address_and_adds_to_what_is_there)
{
    for (std::size_t offset = 0; offset < 16; offset++) {
        const Buffer data = random_bytes(offset + 700);
        __u64 sum = 0xffffffff;
        ASSERT_TRUE(checksum_add(&sum, data.data() + offset, data.data() + data.size(), 700));
        EXPECT_EQ(checksum_fold(sum), checksum_fold(__u64{0xffff} + naive_sum(&data[offset], 700)));
    }
}

TEST(Checksum, refuses_data_that_ends_early_and_lengths_beyond_the_limit)
{
    const Buffer data(CHECKSUM_MAX_LENGTH + 64);

    for (__u32 length = 1; length <= CHECKSUM_MAX_LENGTH; length++) {
        __u64 sum = 0;
        ASSERT_FALSE(checksum_add(&sum, data.data(), data.data() + length - 1, length)) << length;
    }
    for (const __u32 length : {CHECKSUM_MAX_LENGTH + 1, CHECKSUM_MAX_LENGTH + 64, ~0U}) {
        __u64 sum = 0;
        EXPECT_FALSE(checksum_add(&sum, data.data(), data.data() + data.size(), length)) << length;
    }
}

TEST(Checksum, folds_sums_of_any_size)
{
    struct {
        __u64 sum;
        __u16 folded;
    } const cases[] = {
        {0, 0},
        {0xffff, 0xffff},
        {0x10000, 1},
        {0xffffffff, 0xffff},
        {0x100000000, 1},
        {0xffffffffffffffff, 0xffff},
        {0xfffffffffffffffe, 0xfffe},
        {0x0001fffe0001ffff, 0x0001},
        {0xffff0001ffff0001, 0x0002},
    };

    for (const auto &each : cases) {
        EXPECT_EQ(checksum_fold(each.sum), each.folded) << std::hex << each.sum;
        EXPECT_EQ(checksum_finish(each.sum), static_cast<__u16>(~each.folded));
    }
}

TEST(Checksum, udp_sends_a_zero_checksum_as_ones)
{
    EXPECT_EQ(checksum_finish(0xffff), 0);
    EXPECT_EQ(checksum_finish_udp(0xffff), 0xffff);
    EXPECT_EQ(checksum_finish_udp(0x1234), checksum_finish(0x1234));
}

TEST(Checksum, of_an_ipv4_header_is_zero_where_it_is_right)
{
    Buffer header = example_header();
    EXPECT_EQ(checksum_ipv4(header.data()), 0);

    for (std::size_t bit = 0; bit < header.size() * 8; bit++) {
        Buffer wrong = header;
        wrong[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
        EXPECT_NE(checksum_ipv4(wrong.data()), 0) << bit;
    }
    header[10] = header[11] = 0;
    EXPECT_EQ(swapped(checksum_ipv4(header.data())), 0xb861);
}

TEST(Checksum, follows_the_example_of_rfc_1624)
{
    EXPECT_EQ(checksum_update(0xdd2f, 0x5555, 0x3285), 0x0000);
}

TEST(Checksum, updated_for_a_new_ecn_is_right_whatever_the_header)
{
    for (int round = 0; round < 20000; round++) {
        Buffer header = random_bytes(CHECKSUM_IPV4_HEADER);
        header[10] = header[11] = 0;
        const __u16 checksum = checksum_ipv4(header.data());
        std::memcpy(&header[10], &checksum, sizeof(checksum));

        const __u16 before = swapped(load_be16(header, 0));
        header[1] ^= static_cast<std::uint8_t>(1 + round % 3);
        const __u16 after = swapped(load_be16(header, 0));
        const __u16 updated = checksum_update(checksum, before, after);
        std::memcpy(&header[10], &updated, sizeof(updated));
        ASSERT_EQ(checksum_ipv4(header.data()), 0) << round;
    }
}

} // namespace
} // namespace wg::test
