// SPDX-License-Identifier: MIT
//
// Keys as text: both codecs, good and bad.
#include <gtest/gtest.h>

#include "base/encoding.h"

namespace wg::test {
namespace {

constexpr std::string_view BASE64 = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=";
constexpr std::string_view HEX = "c809f3e5317e9575c9b5ed78b638b7ce530dabe85ddab614220241801ddf0669";

TEST(Key, is_the_same_in_base64_and_hex)
{
    const auto from_base64 = parse_key_base64(BASE64);
    const auto from_hex = parse_key_hex(HEX);
    ASSERT_TRUE(from_base64);
    ASSERT_TRUE(from_hex);
    EXPECT_TRUE(equal_constant_time(*from_base64, *from_hex));
    EXPECT_EQ(to_base64(from_hex->bytes()), BASE64);
    EXPECT_EQ(to_hex(from_base64->bytes()), HEX);

    EXPECT_EQ(to_hex(parse_public_key_base64(BASE64).value()), HEX);
    EXPECT_EQ(to_base64(parse_public_key_hex(HEX).value()), BASE64);
}

TEST(Key, is_taken_in_upper_case_hex)
{
    EXPECT_TRUE(parse_key_hex("C809F3E5317E9575C9B5ED78B638B7CE530DABE85DDAB614220241801DDF0669"));
}

TEST(Key, is_refused_in_bad_base64)
{
    const std::string_view cases[] = {
        {},
        "",
        "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk",   // no padding
        "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk==", // too much of it
        "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBml=",  // stray bits in the last character
        "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmkA",  // 33 bytes
        "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBm==",  // 31 bytes
        "yAnz5TF-lXXJte14tji3zlMNq-hd2rYUIgJBgB3fBmk=",  // the alphabet of URLs
        " yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk",
        "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk\n",
        "yAnz5TF+lXXJte14tji3zlM=q+hd2rYUIgJBgB3fBmk=",
    };
    for (const auto text : cases) {
        EXPECT_FALSE(parse_key_base64(text)) << text;
        EXPECT_FALSE(parse_public_key_base64(text)) << text;
    }
}

TEST(Key, is_refused_in_bad_hex)
{
    const std::string_view cases[] = {
        {},
        "",
        "c809f3e5317e9575c9b5ed78b638b7ce530dabe85ddab614220241801ddf066",
        "c809f3e5317e9575c9b5ed78b638b7ce530dabe85ddab614220241801ddf06690",
        "c809f3e5317e9575c9b5ed78b638b7ce530dabe85ddab614220241801ddf066901",
        "c809f3e5317e9575c9b5ed78b638b7ce530dabe85ddab614220241801ddf066g",
        "c8:9f3e5317e9575c9b5ed78b638b7ce530dabe85ddab614220241801ddf0669",
        " 809f3e5317e9575c9b5ed78b638b7ce530dabe85ddab614220241801ddf0669",
    };
    for (const auto text : cases) {
        EXPECT_FALSE(parse_key_hex(text)) << text;
        EXPECT_FALSE(parse_public_key_hex(text)) << text;
    }
}

TEST(Key, is_not_repeated_by_the_error)
{
    const std::string almost(BASE64.substr(0, 43));
    EXPECT_EQ(parse_key_base64(almost).error().what.find(almost.substr(0, 8)), std::string::npos);
    const std::string digits(HEX.substr(0, 63));
    EXPECT_EQ(parse_key_hex(digits).error().what.find(digits.substr(0, 8)), std::string::npos);
}

TEST(Encoding, writes_any_length)
{
    const std::uint8_t bytes[] = {0x00, 0xff, 0x10};
    EXPECT_EQ(to_hex({}), "");
    EXPECT_EQ(to_hex(bytes), "00ff10");
    EXPECT_EQ(to_base64({}), "");
    EXPECT_EQ(to_base64(Bytes(bytes).first(1)), "AA==");
    EXPECT_EQ(to_base64(bytes), "AP8Q");
}

} // namespace
} // namespace wg::test
