// SPDX-License-Identifier: MIT
//
// What is done only for people at a terminal.
#include <sstream>

#include <gtest/gtest.h>

#include "tools/terminal.h"

namespace wg {
namespace {

TEST(Terminal, has_colors_as_wg_does_and_none_where_nobody_wants_them)
{
    struct Case {
        const char *wg_color_mode;
        const char *no_color;
        bool is_terminal;
        bool expected;
    };
    const Case CASES[] = {
        {nullptr, nullptr, true, true},   {nullptr, nullptr, false, false},
        {"always", nullptr, false, true}, {"never", nullptr, true, false},
        {"auto", nullptr, true, true},    {"auto", nullptr, false, false},
        {nullptr, "1", true, false},      {nullptr, "", true, true},
        {"always", "1", false, true},     {"something", nullptr, true, true},
    };
    for (const Case &c : CASES)
        EXPECT_EQ(wants_colors(c.wg_color_mode, c.no_color, c.is_terminal), c.expected)
            << (c.wg_color_mode ? c.wg_color_mode : "unset");
}

TEST(Terminal, takes_off_all_the_colors_it_put_on)
{
    auto text = "a" + bold("b") + red("c") + green(yellow("d")) + cyan("") + "e";
    EXPECT_NE(text, "abcde");
    EXPECT_EQ(without_colors(text), "abcde");
    EXPECT_EQ(without_colors(""), "");
}

TEST(Terminal, progress_is_said_and_wiped_away)
{
    std::ostringstream terminal;
    {
        const Progress progress(&terminal, "making wg0");
        EXPECT_EQ(terminal.str(), "wgxdp: making wg0 …");
    }
    EXPECT_EQ(terminal.str(), "wgxdp: making wg0 …\r\x1b[K");
    const Progress silent(nullptr, "making wg0");
}

} // namespace
} // namespace wg
