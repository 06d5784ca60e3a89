// SPDX-License-Identifier: MIT
//
// The ICMP errors about packets that can go nowhere: what they say, and who must not be told.
#include <gtest/gtest.h>
#include <netinet/icmp6.h>

#include "datapath/icmp_error.h"
#include "support/packet_builder.h"

namespace wg::test {
namespace {

Buffer packet(bool v6, std::size_t size, std::uint8_t protocol = IPPROTO_UDP)
{
    Buffer made = inner_packet({.source = *IpAddress::parse(v6 ? "fd00::1" : "10.0.0.1"),
                                .destination = *IpAddress::parse(v6 ? "fd00::9" : "10.0.0.9")},
                               size);
    made[v6 ? 6 : 9] = protocol;
    return made;
}

Buffer error_about(const Buffer &packet)
{
    const auto inner = parse_inner(packet);
    EXPECT_TRUE(inner);
    return unreachable_error(packet, *inner);
}

std::size_t headers(bool v6)
{
    return v6 ? 48 : 28;
}

TEST(UnreachableError, says_that_the_host_cannot_be_reached_and_quotes_the_packet)
{
    for (const bool v6 : {false, true})
        for (std::size_t size = v6 ? 48 : 28; size <= 1500; size++) {
            const Buffer about = packet(v6, size);
            const Buffer error = error_about(about);
            const std::size_t quoted = std::min(size, (v6 ? 1280U : 576U) - headers(v6));
            ASSERT_EQ(error.size(), headers(v6) + quoted);
            ASSERT_TRUE(std::equal(error.begin() + static_cast<std::ptrdiff_t>(headers(v6)),
                                   error.end(), about.begin()));
            const auto inner = parse_inner(error);
            ASSERT_TRUE(inner);
            EXPECT_EQ(inner->length, error.size());
            EXPECT_EQ(inner->source, parse_inner(about)->destination);
            EXPECT_EQ(inner->destination, parse_inner(about)->source);
            const Bytes icmp = Bytes(error).subspan(headers(v6) - 8);
            EXPECT_EQ(icmp[0], v6 ? 1 : 3);
            EXPECT_EQ(icmp[1], v6 ? 3 : 1);
            std::uint32_t sum = 0;
            if (v6) {
                sum = add_words(Bytes(error).subspan(8, 32));
                sum += static_cast<std::uint32_t>(icmp.size()) + IPPROTO_ICMPV6;
                EXPECT_EQ(error[6], IPPROTO_ICMPV6);
            } else {
                EXPECT_EQ(checksum_field(add_words(Bytes(error).first(20))), 0);
                EXPECT_EQ(error[9], IPPROTO_ICMP);
            }
            ASSERT_EQ(checksum_field(add_words(icmp, sum)), 0) << size;
        }
}

TEST(UnreachableError, is_about_a_question_but_not_about_an_error)
{
    for (int type = 0; type < 256; type++) {
        Buffer v4 = packet(false, 64, IPPROTO_ICMP);
        v4[20] = static_cast<std::uint8_t>(type);
        const bool question =
            type == 0 || type == 8 || type == 13 || type == 14 || type == 17 || type == 18;
        EXPECT_EQ(error_about(v4).empty(), !question) << type;
        Buffer v6 = packet(true, 64, IPPROTO_ICMPV6);
        v6[40] = static_cast<std::uint8_t>(type);
        EXPECT_EQ(error_about(v6).empty(), type < 128) << type;
    }
    EXPECT_TRUE(error_about(packet(false, 20, IPPROTO_ICMP)).empty());
    EXPECT_TRUE(error_about(packet(true, 40, IPPROTO_ICMPV6)).empty());
}

TEST(UnreachableError, is_not_about_a_later_fragment)
{
    Buffer about = packet(false, 100);
    about[6] = 0x20; // more fragments, but the first
    EXPECT_FALSE(error_about(about).empty());
    about[7] = 1;
    EXPECT_TRUE(error_about(about).empty());
    about[6] = 1, about[7] = 0;
    EXPECT_TRUE(error_about(about).empty());
}

TEST(UnreachableError, is_not_about_groups_nor_sent_to_nobody)
{
    const std::pair<const char *, bool> cases[] = {
        {"10.0.0.7", true},
        {"224.0.0.1", false},
        {"239.255.255.250", false},
        {"255.255.255.255", false},
        {"0.0.0.0", false},
        {"ff02::1", false},
        {"::", false},
        {"fe80::1", true},
    };
    for (const auto &[text, told] : cases) {
        const IpAddress address = *IpAddress::parse(text);
        const IpAddress other = *IpAddress::parse(address.is_v6() ? "fd00::1" : "10.0.0.1");
        EXPECT_EQ(error_about(inner_packet({.source = address, .destination = other}, 80)).empty(),
                  !told)
            << text;
        EXPECT_EQ(error_about(inner_packet({.source = other, .destination = address}, 80)).empty(),
                  !told)
            << text;
    }
}

} // namespace
} // namespace wg::test
