// SPDX-License-Identifier: MIT
//
// Logs go to stderr, from the chosen level on.
#include <gtest/gtest.h>

#include "base/log.h"

namespace wg::test {
namespace {

std::string logged_at(std::string_view level)
{
    log::open(level);
    testing::internal::CaptureStderr();
    log::debug("peer 1: debug");
    log::info("peer 1: info");
    log::warn("peer 1: warn");
    log::error("peer 1: error");
    return testing::internal::GetCapturedStderr();
}

TEST(Log, shows_entries_of_its_level_and_above)
{
    const struct {
        const char *level;
        int entries;
    } cases[] = {{"debug", 4}, {"info", 3}, {"warn", 2}, {"error", 1}};
    for (const auto &c : cases) {
        const std::string text = logged_at(c.level);
        EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), c.entries) << text;
        EXPECT_NE(text.find("error: peer 1: error\n"), std::string::npos) << text;
    }
}

} // namespace
} // namespace wg::test
