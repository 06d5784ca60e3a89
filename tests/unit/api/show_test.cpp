// SPDX-License-Identifier: MIT
//
// The words of `wg show` at their limits.
#include <gtest/gtest.h>

#include "api/replies.h"
#include "tools/show.h"
#include "unit/api/fake_service.h"

namespace wg {
namespace {

using namespace test;

constexpr std::int64_t THEN = 1'700'000'000;

/// The line of a peer that begins with `label`, or "" when there is none.
std::string peer_line(const PeerStatus &peer, std::string_view label, std::int64_t now = THEN)
{
    Json tunnel{{"name", "wg0"}, {"public_key", nullptr}, {"listen_port", 0},
                {"fwmark", 0},   {"moved", false},        {"peers", {to_json(peer, Include{})}}};
    auto text = show_text({{"tunnels", {tunnel}}}, WallTime(std::chrono::seconds(now)));
    auto start = fmt::format("\n  {}: ", label);
    auto begin = text.find(start);
    if (begin == std::string::npos)
        return "";
    begin += start.size();
    return text.substr(begin, text.find('\n', begin) - begin);
}

TEST(Show, tells_ages_as_wg_does)
{
    const std::pair<std::int64_t, const char *> CASES[] = {
        {0, "Now"},
        {1, "1 second ago"},
        {59, "59 seconds ago"},
        {60, "1 minute ago"},
        {63, "1 minute, 3 seconds ago"},
        {7200, "2 hours ago"},
        {86400 + 3600 + 60 + 1, "1 day, 1 hour, 1 minute, 1 second ago"},
        {2 * 365 * 86400 + 2 * 86400, "2 years, 2 days ago"},
        {-1, "(System clock wound backward; connection problems may ensue.)"},
    };
    PeerStatus peer;
    peer.last_handshake = WallTime(std::chrono::seconds(THEN));
    for (const auto &[age, expected] : CASES)
        EXPECT_EQ(peer_line(peer, "latest handshake", THEN + age), expected);
}

TEST(Show, tells_bytes_as_wg_does)
{
    const std::pair<std::uint64_t, const char *> CASES[] = {
        {1, "1 B received, 0 B sent"},
        {1023, "1023 B received, 0 B sent"},
        {1024, "1.00 KiB received, 0 B sent"},
        {1024 * 1024 - 1, "1024.00 KiB received, 0 B sent"},
        {1024 * 1024, "1.00 MiB received, 0 B sent"},
        {std::uint64_t{5} << 29, "2.50 GiB received, 0 B sent"},
        {std::uint64_t{1} << 50, "1024.00 TiB received, 0 B sent"},
        {~std::uint64_t{0}, "16777216.00 TiB received, 0 B sent"},
    };
    for (const auto &[bytes, expected] : CASES) {
        PeerStatus peer;
        peer.rx_bytes = bytes;
        EXPECT_EQ(peer_line(peer, "transfer"), expected);
    }
}

TEST(Show, tells_keepalives_as_wg_does)
{
    const std::pair<std::uint16_t, const char *> CASES[] = {{0, ""},
                                                            {1, "every 1 second"},
                                                            {25, "every 25 seconds"},
                                                            {90, "every 1 minute, 30 seconds"}};
    for (const auto &[seconds, expected] : CASES) {
        PeerStatus peer;
        peer.persistent_keepalive = seconds;
        EXPECT_EQ(peer_line(peer, "persistent keepalive"), expected);
    }
}

TEST(Show, tells_limits_that_are_set)
{
    PeerStatus peer;
    EXPECT_EQ(peer_line(peer, "rate limit"), "");
    EXPECT_EQ(peer_line(peer, "quota"), "");
    peer.rate_limit = 10 << 20;
    peer.quota = 5ULL << 30;
    peer.quota_used = 1536;
    EXPECT_EQ(peer_line(peer, "rate limit"), "10.00 MiB/s each way");
    EXPECT_EQ(peer_line(peer, "quota"), "1.50 KiB used of 5.00 GiB");
}

TEST(Show, tells_where_a_peer_may_be_besides)
{
    PeerStatus peer;
    peer.places = {"vpn.example.org:7"};
    EXPECT_EQ(peer_line(peer, "endpoints"), "");
    peer.places.emplace_back("[2001:db8::1]:8");
    EXPECT_EQ(peer_line(peer, "endpoints"), "vpn.example.org:7, [2001:db8::1]:8");
}

TEST(Show, leaves_out_what_is_not_set)
{
    TunnelStatus tunnel;
    tunnel.name = "wg0";
    auto text = show_text({{"tunnels", {to_json(tunnel, Include{})}}}, WallTime());
    EXPECT_EQ(text, "interface: wg0\n");
    tunnel.moved = true;
    text = show_text({{"tunnels", {to_json(tunnel, Include{})}}}, WallTime());
    EXPECT_EQ(text, "interface: wg0\n  moved: to another network namespace\n");
    EXPECT_EQ(show_text({{"tunnels", Json::array()}, {"nics", Json::array()}}, WallTime()), "");
}

TEST(Show, separates_blocks_with_one_empty_line)
{
    TunnelStatus a;
    a.name = "a";
    TunnelStatus b;
    b.name = "b";
    Json tunnels = {to_json(a, Include{}), to_json(b, Include{})};
    EXPECT_EQ(show_text({{"tunnels", tunnels}}, WallTime()), "interface: a\n\ninterface: b\n");
}

} // namespace
} // namespace wg
