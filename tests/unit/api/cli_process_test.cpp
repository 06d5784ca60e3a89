// SPDX-License-Identifier: MIT
//
// The executable itself: its exit status, its streams, and that its keys are wg(8)'s.
#include <array>
#include <cstdio>
#include <memory>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/encoding.h"
#include "unit/api/keys.h"
#include "unit/api/socket_client.h"

namespace wg {
namespace {

using namespace test;

struct Outcome {
    int status = -1;
    std::string out;
};

/// In a shell, with $wgxdp for the executable.
Outcome shell(const std::string &command)
{
    auto line = std::string("wgxdp=") + WGXDP_EXECUTABLE + "; " + command;
    Outcome outcome;
    FILE *pipe = popen(line.c_str(), "r");
    if (pipe == nullptr)
        return outcome;
    std::array<char, 4096> chunk;
    while (auto size = fread(chunk.data(), 1, chunk.size(), pipe))
        outcome.out.append(chunk.data(), size);
    int status = pclose(pipe);
    outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return outcome;
}

TEST(CliProcess, pubkey_gives_the_public_key)
{
    auto outcome = shell(std::string("echo ") + PRIVATE_KEY + " | $wgxdp pubkey");
    EXPECT_EQ(outcome.status, 0);
    EXPECT_EQ(outcome.out, std::string(PUBLIC_KEY_OF_IT) + "\n");
}

TEST(CliProcess, pubkey_agrees_with_wg_on_fresh_keys)
{
    if (shell("command -v wg").status != 0)
        GTEST_SKIP() << "wg(8) is not installed";
    auto outcome = shell("for i in 1 2 3 4 5 6 7 8; do k=$($wgxdp genkey) && "
                         "[ $(echo $k | $wgxdp pubkey) = $(echo $k | wg pubkey) ] || exit 1; done");
    EXPECT_EQ(outcome.status, 0);
}

TEST(CliProcess, genkey_is_clamped_and_genpsk_is_a_key)
{
    std::string last;
    for (int i = 0; i < 8; ++i) {
        auto outcome = shell("$wgxdp genkey");
        ASSERT_EQ(outcome.out.size(), 45u);
        auto key = parse_key_base64(outcome.out.substr(0, 44));
        ASSERT_TRUE(key);
        EXPECT_EQ(key->bytes()[0] & 7, 0);
        EXPECT_EQ(key->bytes()[31] & 0xc0, 0x40);
        EXPECT_NE(outcome.out, last);
        last = outcome.out;
    }
    auto psk = shell("$wgxdp genpsk");
    EXPECT_EQ(psk.status, 0);
    EXPECT_TRUE(parse_key_base64(psk.out.substr(0, 44)));
}

TEST(CliProcess, genkey_warns_of_a_world_readable_file)
{
    TemporaryDirectory directory;
    auto file = (directory.path() / "key").native();
    EXPECT_EQ(shell("umask 022; $wgxdp genkey 2>&1 >" + file).out,
              "Warning: writing to world accessible file.\n"
              "Consider setting the umask to 077 and trying again.\n");
    EXPECT_EQ(shell("rm " + file + "; umask 077; $wgxdp genkey 2>&1 >" + file).out, "");
}

TEST(CliProcess, errors_go_to_stderr_with_status_1)
{
    for (const char *command : {"$wgxdp", "$wgxdp no pe", "$wgxdp attach", "echo x | $wgxdp pubkey",
                                "$wgxdp --instance / show"}) {
        auto outcome = shell(command + std::string(" 2>/dev/null"));
        EXPECT_EQ(outcome.status, 1) << command;
        EXPECT_EQ(outcome.out, "") << command;
        auto sentence = shell(command + std::string(" 2>&1")).out;
        EXPECT_EQ(std::count(sentence.begin(), sentence.end(), '\n'), 1) << sentence;
    }
}

TEST(CliProcess, output_that_cannot_be_written_is_an_error)
{
    EXPECT_EQ(shell("$wgxdp genpsk 2>/dev/null >/dev/full").status, 1);
}

TEST(CliProcess, every_command_has_help_with_an_example)
{
    for (const char *command :
         {"", "up", "down", "reload", "save", "show", "top", "doctor", "drops", "attach", "detach", "peer",
          "peer add", "peer remove", "genkey", "genpsk", "pubkey"}) {
        auto outcome = shell(fmt::format("$wgxdp {} --help", command));
        EXPECT_EQ(outcome.status, 0) << command;
        EXPECT_NE(outcome.out.find("Example: "), std::string::npos) << command;
    }
}

TEST(CliProcess, keys_are_told_as_json_too)
{
    EXPECT_EQ(shell(std::string("echo ") + PRIVATE_KEY + " | $wgxdp pubkey --json").out,
              fmt::format("{{\n  \"public_key\": \"{}\"\n}}\n", PUBLIC_KEY_OF_IT));
    EXPECT_NE(shell("$wgxdp genkey --json").out.find("\"private_key\": \""), std::string::npos);
    EXPECT_NE(shell("$wgxdp genpsk --json").out.find("\"preshared_key\": \""), std::string::npos);
}

TEST(CliProcess, version_is_told)
{
    auto outcome = shell("$wgxdp --version");
    EXPECT_EQ(outcome.status, 0);
    EXPECT_EQ(outcome.out.substr(0, 6), "wgxdp ");
}

} // namespace
} // namespace wg
