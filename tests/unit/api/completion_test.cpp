// SPDX-License-Identifier: MIT
//
// What `wgxdp complete` tells the shells.
#include <gtest/gtest.h>

#include "unit/api/cli_fixture.h"

namespace wg {
namespace {

using namespace test;

class Completion : public CliTest {
  protected:
    /// The candidates, separated by spaces.
    std::string completed(std::vector<std::string> words)
    {
        words.insert(words.begin(), "complete");
        auto outcome = run(std::move(words));
        EXPECT_EQ(outcome.status, 0);
        std::replace(outcome.out.begin(), outcome.out.end(), '\n', ' ');
        return outcome.out;
    }
};

TEST_F(Completion, follows_the_grammar)
{
    const std::pair<std::vector<std::string>, const char *> CASES[] = {
        {{}, ""},
        {{"sh"}, "show "},
        {{"peer", ""}, "add remove "},
        {{"--instance", "x", "pe"}, "peer "},
        {{"--instance", ""}, ""},
        {{"show", "--j"}, "--json "},
        {{"show", "--instance", "x", "--js"}, "--json "},
        {{"show", "--json", "all", "allowed"}, "allowed-ips "},
        {{"show", "all", "peers", ""}, ""},
        {{"attach", "x", "--mode", ""}, "auto native tc "},
        {{"peer", "add", "x", "y", "--persistent-keepalive", ""}, "off "},
        {{"peer", "add", "x", "y", "--preshared-key", "/etc/x"}, ":files "},
        {{"up", "./"}, ":files "},
    };
    for (const auto &[words, expected] : CASES)
        EXPECT_EQ(completed(words), expected) << fmt::format("{}", fmt::join(words, " "));
}

TEST_F(Completion, knows_files_nics_tunnels_and_their_peers)
{
    write_file("first/blue.conf", "");
    write_file("second/black.conf", "");
    write_file("second/black.key", "");
    EXPECT_EQ(completed({"up", "b"}), "blue black ");
    EXPECT_EQ(completed({"detach", "l"}).substr(0, 3), "lo ");
    EXPECT_EQ(completed({"show", ""}), ""); // no daemon
    FakeDaemon daemon(service_, socket_path());
    EXPECT_EQ(completed({"show", ""}), "wg0 ");
    EXPECT_EQ(completed({"peer", "remove", "wg0", ""}), fmt::format("{} {} busy ", PEER_A, PEER_B));
    for (const char *name : {"$(reboot)", "x;reboot", "o'clock", "-x", "two words", ""}) {
        service_.alter = [name](TunnelStatus &tunnel) { tunnel.peers.front().name = name; };
        EXPECT_EQ(completed({"peer", "remove", "wg0", ""}),
                  fmt::format("{} {} busy ", PEER_A, PEER_B))
            << name;
    }
    EXPECT_EQ(completed({"peer", "add", "wg0", ""}), fmt::format("{} {} ", PEER_A, PEER_B));
    EXPECT_EQ(completed({"peer", "remove", "wg0", "tz1"}), fmt::format("{} ", PEER_A));
    EXPECT_EQ(completed({"--instance", "other", "show", ""}), "");
}

} // namespace
} // namespace wg
