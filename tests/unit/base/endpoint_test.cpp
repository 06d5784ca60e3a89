// SPDX-License-Identifier: MIT
//
// Endpoints: what is taken, how it is written, and the form that the BPF programs know.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <net/if.h>

#include "base/address.h"

namespace wg::test {
namespace {

Endpoint endpoint(std::string_view text)
{
    auto result = Endpoint::parse(text);
    EXPECT_TRUE(result) << text;
    return result.value_or(Endpoint());
}

TEST(Endpoint, is_written_as_it_is_read)
{
    for (const char *text : {"192.0.2.1:51820", "192.0.2.1:1", "192.0.2.1:65535",
                             "[2001:db8::1]:51820", "[fe80::1]:51820", "[fe80::1%2]:51820",
                             "[fe80::1%4294967295]:51820", "[::ffff:192.0.2.1]:51820"})
        EXPECT_EQ(endpoint(text).text(), text);
}

TEST(Endpoint, has_the_parts_that_its_text_says)
{
    const Endpoint e = endpoint("[fe80::1%7]:51820");
    EXPECT_EQ(e.address.text(), "fe80::1");
    EXPECT_EQ(e.port, 51820);
    EXPECT_EQ(e.scope_id, 7u);
    EXPECT_FALSE(e.source);
    EXPECT_EQ(e.source_ifindex, 0u);
}

TEST(Endpoint, takes_an_interface_name_as_its_scope)
{
    const unsigned loopback = if_nametoindex("lo");
    if (loopback == 0)
        GTEST_SKIP() << "no interface is named lo here";
    EXPECT_EQ(endpoint("[fe80::1%lo]:51820").scope_id, loopback);
}

TEST(Endpoint, is_refused_when_it_is_not_a_numeric_address_and_port)
{
    const std::string_view cases[] = {
        "",
        ":",
        ":51820",
        "192.0.2.1",
        "192.0.2.1:",
        "192.0.2.1:0",
        "192.0.2.1:65536",
        "192.0.2.1:+1",
        "192.0.2.1:-1",
        "192.0.2.1: 1",
        "192.0.2.1:1 ",
        "192.0.2.1:http",
        "example.org:51820",
        "[192.0.2.1]:51820",
        "2001:db8::1:51820",
        "[2001:db8::1]",
        "[2001:db8::1]51820",
        "[2001:db8::1:51820",
        "2001:db8::1]:51820",
        "[]:51820",
        "[:51820",
        "[2001:db8::1%1]:51820", // a scope where none counts
        "[fe80::1%]:51820",
        "[fe80::1%0]:51820",
        "[fe80::1%4294967296]:51820",
        "[fe80::1%no-such-device]:51820",
        "192.0.2.1%1:51820",
        std::string_view("[fe80::1%lo\0x]:51820", 20),
    };
    for (const auto text : cases)
        EXPECT_FALSE(Endpoint::parse(text)) << text;
}

TEST(Endpoint, survives_the_way_through_the_abi)
{
    for (const char *text : {"192.0.2.1:51820", "[2001:db8::1]:51820", "[fe80::1%2]:51820"}) {
        const Endpoint e = endpoint(text);
        const wg_endpoint abi = e.to_abi();
        EXPECT_EQ(abi.port, htons(51820));
        EXPECT_EQ(abi.family, e.address.family);
        EXPECT_EQ(Endpoint::from_abi(abi), e);
    }
    const wg_endpoint v4 = endpoint("192.0.2.1:51820").to_abi();
    const std::uint8_t expected[16] = {192, 0, 2, 1};
    EXPECT_TRUE(std::equal(std::begin(expected), std::end(expected), v4.address));
    EXPECT_FALSE(Endpoint::from_abi(wg_endpoint{}).address);
}

TEST(Endpoint, is_the_same_place_whatever_the_source)
{
    const Endpoint here = endpoint("[fe80::1%2]:51820");
    Endpoint from_elsewhere = here;
    from_elsewhere.source = IpAddress::parse("fe80::2").value();
    from_elsewhere.source_ifindex = 3;
    EXPECT_TRUE(here.same_place(from_elsewhere));
    EXPECT_NE(here, from_elsewhere);
    for (const char *other : {"[fe80::1%3]:51820", "[fe80::1%2]:51821", "[fe80::2%2]:51820"})
        EXPECT_FALSE(here.same_place(endpoint(other))) << other;
}

} // namespace
} // namespace wg::test
