// SPDX-License-Identifier: MIT
//
// Lists with holes, by examples and against a plain list of addresses.
#include <random>
#include <set>

#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "base/prefix_difference.h"

namespace wg {
namespace {

std::vector<PrefixTerm> terms(const std::vector<std::string> &texts)
{
    std::vector<PrefixTerm> result;
    for (const auto &text : texts)
        result.push_back(PrefixTerm::parse(text).value());
    return result;
}

std::string rest(const std::vector<std::string> &texts)
{
    const auto prefixes = prefix_difference(terms(texts));
    if (!prefixes)
        return prefixes.error().what;
    std::vector<std::string> result;
    for (const Prefix &prefix : *prefixes)
        result.push_back(prefix.text());
    return fmt::format("{}", fmt::join(result, " "));
}

TEST(PrefixDifference, leaves_holes)
{
    struct Case {
        std::vector<std::string> list;
        std::string expected;
    };
    const Case CASES[] = {
        {{}, ""},
        {{"10.1.0.0/16", "10.0.0.0/8", "10.0.0.0/8"}, "10.1.0.0/16 10.0.0.0/8 10.0.0.0/8"},
        {{"10.0.0.0/8", "!10.1.0.0/16"},
         "10.0.0.0/16 10.2.0.0/15 10.4.0.0/14 10.8.0.0/13 10.16.0.0/12 10.32.0.0/11 10.64.0.0/10 "
         "10.128.0.0/9"},
        {{"!10.1.2.3/16", "10.0.0.0/15"}, "10.0.0.0/16"},
        {{"0.0.0.0/0", "!128.0.0.0/1", "::/0"}, "0.0.0.0/1 ::/0"},
        {{"fd00::/8", "!fd00::/9", "10.0.0.0/8"}, "10.0.0.0/8 fd80::/9"},
        {{"10.0.0.0/31", "!10.0.0.1"}, "10.0.0.0/32"},
        {{"10.0.0.0/9", "10.128.0.0/9", "!192.168.0.0/16"}, "10.0.0.0/8"},
        {{"10.0.0.0/8", "!10.0.0.0/9", "10.0.0.0/16"}, "10.128.0.0/9"}, // order says nothing
        {{"10.0.0.0/8", "!fd00::/8"}, "10.0.0.0/8"},
        {{"::/127", "!::1/128"}, "::/128"},
        {{"10.0.0.0/8", "!10.0.0.0/8"},
         "expected a prefix that is not excluded, but nothing remains"},
        {{"!10.0.0.0/8"}, "expected a prefix that is not excluded, but nothing remains"},
        {{"10.0.0.0/8", "!0.0.0.0/0"},
         "expected a prefix that is not excluded, but nothing remains"},
    };
    for (const Case &c : CASES)
        EXPECT_EQ(rest(c.list), c.expected) << fmt::format("{}", fmt::join(c.list, ", "));
}

TEST(PrefixDifference, refuses_too_many)
{
    std::vector<std::string> list{"::/0"};
    for (int i = 0; i < 200; ++i) // each hole leaves about 100 prefixes around it
        list.push_back(fmt::format("!{:x}::1", i * 327));
    EXPECT_EQ(rest(list), "expected exclusions that leave at most 16384 prefixes, got more");
    list.resize(100);
    EXPECT_EQ(rest(list).find("expected"), std::string::npos);
}

TEST(PrefixDifference, refuses_what_is_no_prefix)
{
    for (const char *text : {"!", "!!10.0.0.0/8", "10.0.0.0/8!", "! 10.0.0.0/8"})
        EXPECT_FALSE(PrefixTerm::parse(text)) << text;
}

/// The last 8 bits of an address; the others are the same everywhere.
constexpr unsigned BITS = 8;

Prefix small_prefix(bool v6, unsigned value, unsigned length)
{
    std::array<std::uint8_t, 16> bytes{};
    bytes[v6 ? 15 : 3] = static_cast<std::uint8_t>(value);
    const auto address = v6 ? IpAddress::v6(bytes) : IpAddress::v4(std::span(bytes).first<4>());
    return Prefix::of(address, static_cast<std::uint8_t>((v6 ? 120 : 24) + length));
}

std::set<unsigned> addresses(bool v6, const Prefix &prefix)
{
    std::set<unsigned> result;
    for (unsigned value = 0; value < 1U << BITS; ++value)
        if (prefix.contains(small_prefix(v6, value, BITS).address))
            result.insert(value);
    return result;
}

/// How many prefixes a set of addresses needs at least.
std::size_t fewest(const std::set<unsigned> &wanted, unsigned start, unsigned length)
{
    const unsigned size = 1U << (BITS - length);
    const auto count = static_cast<unsigned>(
        std::distance(wanted.lower_bound(start), wanted.lower_bound(start + size)));
    if (count == 0 || count == size)
        return count == 0 ? 0 : 1;
    return fewest(wanted, start, length + 1) + fewest(wanted, start + size / 2, length + 1);
}

TEST(PrefixDifference, is_that_of_plain_lists_of_addresses)
{
    std::mt19937 random(7);
    const auto below = [&](unsigned end) { return static_cast<unsigned>(random() % end); };
    for (int round = 0; round < 300; ++round) {
        const bool v6 = below(2) == 1;
        std::vector<PrefixTerm> list;
        std::set<unsigned> wanted, excluded;
        for (auto count = 1 + below(8); count > 0; --count) {
            const PrefixTerm term{small_prefix(v6, below(1U << BITS), below(BITS + 1)),
                                  below(2) == 1};
            list.push_back(term);
            (term.excluded ? excluded : wanted).merge(addresses(v6, term.prefix));
        }
        list.push_back({small_prefix(v6, below(1U << BITS), BITS), true}); // at least one hole
        excluded.merge(addresses(v6, list.back().prefix));
        for (const unsigned value : excluded)
            wanted.erase(value);
        const auto result = prefix_difference(list);
        ASSERT_EQ(result.has_value(), !wanted.empty());
        if (!result)
            continue;
        std::set<unsigned> left;
        for (const Prefix &prefix : *result)
            left.merge(addresses(v6, prefix));
        ASSERT_EQ(left, wanted);
        ASSERT_EQ(result->size(), fewest(wanted, 0, 0));
    }
}

} // namespace
} // namespace wg
