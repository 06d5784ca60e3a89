// SPDX-License-Identifier: MIT
//
// Addresses and prefixes: what is taken, how it is written, what it may be used for.
#include <gtest/gtest.h>

#include "base/address.h"

namespace wg::test {
namespace {

IpAddress address(std::string_view text)
{
    auto result = IpAddress::parse(text);
    EXPECT_TRUE(result) << text;
    return result.value_or(IpAddress());
}

Prefix prefix(std::string_view text)
{
    auto result = Prefix::parse(text);
    EXPECT_TRUE(result) << text;
    return result.value_or(Prefix());
}

TEST(IpAddress, is_written_as_inet_ntop_writes_it)
{
    const struct {
        const char *text, *canonical;
        bool v6;
    } cases[] = {
        {"0.0.0.0", "0.0.0.0", false},
        {"192.0.2.255", "192.0.2.255", false},
        {"::", "::", true},
        {"::1", "::1", true},
        {"2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1", true},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1", true},
        {"::ffff:192.0.2.1", "::ffff:192.0.2.1", true},
        {"fe80::1", "fe80::1", true},
    };
    for (const auto &c : cases) {
        EXPECT_EQ(address(c.text).text(), c.canonical);
        EXPECT_EQ(address(c.text).is_v6(), c.v6) << c.text;
        EXPECT_EQ(address(address(c.text).text()), address(c.text));
    }
}

TEST(IpAddress, is_refused_when_it_is_not_a_numeric_address)
{
    const std::string_view cases[] = {
        "",
        " 10.0.0.1",
        "10.0.0.1 ",
        "10.0.0",
        "10.0.0.0.1",
        "10.0.0.256",
        "10.0.01",
        "0x0a000001",
        "localhost",
        "1::2::3",
        "12345::",
        ":::",
        "fe80::1%lo",
        "[::1]",
        "10.0.0.1/8",
        ":",
        std::string_view("10.0.0.1\0", 9),
        "1:2:3:4:5:6:7:8:9",
    };
    for (const auto text : cases) {
        const auto result = IpAddress::parse(text);
        ASSERT_FALSE(result) << text;
        EXPECT_EQ(result.error().code.value(), EINVAL);
    }
}

TEST(IpAddress, is_roamable_when_unicast_and_of_another_host)
{
    const struct {
        const char *text;
        bool roamable;
    } cases[] = {
        {"192.0.2.1", true},
        {"10.0.0.1", true},
        {"1.0.0.0", true},
        {"169.254.1.1", true},
        {"223.255.255.255", true},
        {"240.0.0.1", true},
        {"126.255.255.255", true},
        {"128.0.0.0", true},
        {"255.255.255.254", true},
        {"0.0.0.0", false},
        {"0.1.2.3", false},
        {"127.0.0.1", false},
        {"127.255.255.255", false},
        {"224.0.0.1", false},
        {"239.255.255.255", false},
        {"255.255.255.255", false},
        {"2001:db8::1", true},
        {"fe80::1", true},
        {"fd00::1", true},
        {"::2", true},
        {"::1:0:0:1", true},
        {"::", false},
        {"::1", false},
        {"ff02::1", false},
        {"ff00::", false},
        {"::ffff:192.0.2.1", false},
        {"::ffff:0:0", false},
    };
    for (const auto &c : cases)
        EXPECT_EQ(address(c.text).is_roamable(), c.roamable) << c.text;
    EXPECT_FALSE(IpAddress().is_roamable());
}

TEST(IpAddress, knows_link_local_and_loopback)
{
    const struct {
        const char *text;
        bool link_local, loopback;
    } cases[] = {
        {"169.254.0.1", true, false},
        {"169.253.0.1", false, false},
        {"127.0.0.1", false, true},
        {"127.9.9.9", false, true},
        {"128.0.0.1", false, false},
        {"fe80::1", true, false},
        {"febf::1", true, false},
        {"fec0::1", false, false},
        {"::1", false, true},
        {"::2", false, false},
        {"::ffff:127.0.0.1", false, false},
    };
    for (const auto &c : cases) {
        EXPECT_EQ(address(c.text).is_link_local(), c.link_local) << c.text;
        EXPECT_EQ(address(c.text).is_loopback(), c.loopback) << c.text;
    }
    EXPECT_FALSE(IpAddress().is_loopback());
    EXPECT_FALSE(IpAddress().is_link_local());
}

TEST(IpAddress, is_made_from_wire_bytes)
{
    const std::array<std::uint8_t, 4> v4{192, 0, 2, 1};
    const std::array<std::uint8_t, 16> v6{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0,
                                          0,    0,    0,    0,    0, 0, 0, 1};
    EXPECT_EQ(IpAddress::v4(v4), address("192.0.2.1"));
    EXPECT_EQ(IpAddress::v6(v6), address("2001:db8::1"));
    EXPECT_FALSE(IpAddress());
    EXPECT_EQ(IpAddress().text(), "(none)");
}

TEST(Prefix, masks_its_host_bits)
{
    const struct {
        const char *text, *canonical;
    } cases[] = {
        {"10.1.2.3/8", "10.0.0.0/8"},           {"10.1.2.3", "10.1.2.3/32"},
        {"10.1.2.3/32", "10.1.2.3/32"},         {"10.1.2.3/31", "10.1.2.2/31"},
        {"255.255.255.255/9", "255.128.0.0/9"}, {"255.255.255.255/0", "0.0.0.0/0"},
        {"2001:db8::1", "2001:db8::1/128"},     {"2001:db8:ffff::1/33", "2001:db8:8000::/33"},
        {"ffff::ffff/127", "ffff::fffe/127"},   {"::1/0", "::/0"},
    };
    for (const auto &c : cases)
        EXPECT_EQ(prefix(c.text).text(), c.canonical) << c.text;
}

TEST(Prefix, is_refused_when_its_length_does_not_fit)
{
    for (const char *text :
         {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8 ", "10.0.0.0/ 8",
          "10.0.0.0/8/8", "10.0.0.0/256", "10.0.0.0/264", "::/129", "::/0x10", "/8", "", "any/0"})
        EXPECT_FALSE(Prefix::parse(text)) << text;
}

TEST(Prefix, contains_what_shares_its_bits)
{
    const struct {
        const char *prefix, *address;
        bool contained;
    } cases[] = {
        {"10.0.0.0/8", "10.255.0.1", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.0.0.0/31", "10.0.0.1", true},
        {"10.0.0.0/31", "10.0.0.2", false},
        {"10.0.0.1/32", "10.0.0.1", true},
        {"0.0.0.0/0", "255.1.2.3", true},
        {"0.0.0.0/0", "::", false},
        {"::/0", "0.0.0.0", false},
        {"2001:db8::/33", "2001:db8:7fff::1", true},
        {"2001:db8::/33", "2001:db8:8000::1", false},
        {"::1/128", "::1", true},
        {"::1/128", "::2", false},
    };
    for (const auto &c : cases)
        EXPECT_EQ(prefix(c.prefix).contains(address(c.address)), c.contained)
            << c.prefix << " and " << c.address;
}

TEST(InterfaceAddress, keeps_its_host_bits)
{
    EXPECT_EQ(InterfaceAddress::parse("10.1.2.3/8").value().text(), "10.1.2.3/8");
    EXPECT_EQ(InterfaceAddress::parse("2001:db8::1").value().text(), "2001:db8::1/128");
    EXPECT_FALSE(InterfaceAddress::parse("10.1.2.3/33"));
}

} // namespace
} // namespace wg::test
