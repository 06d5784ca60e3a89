// SPDX-License-Identifier: MIT
//
// The numbers of `wgxdp top`, from two looks at the daemon.
#include <gtest/gtest.h>

#include "tools/rates.h"

namespace wg {
namespace {

constexpr std::int64_t START = 1'700'000'000;

Json peer(const std::string &key, std::uint64_t rx, std::uint64_t tx, std::int64_t handshake = 0)
{
    return {{"public_key", key}, {"endpoint", nullptr}, {"latest_handshake", handshake},
            {"rx_bytes", rx},    {"tx_bytes", tx},      {"path", "bpf eth0"}};
}

Snapshot look(std::int64_t milliseconds, std::vector<Json> peers, std::uint64_t replayed = 0)
{
    const auto since = std::chrono::milliseconds(milliseconds);
    return {.tunnels = Json::array({Json{{"name", "wg0"}, {"peers", std::move(peers)}}}),
            .status = {{"drops", {{"replayed", {{"total", replayed}}}}},
                       {"daemon_drops", {{"replayed", 2}, {"bad_mac1", 7}}}},
            .at = {Instant(since), WallTime(std::chrono::seconds(START)) + since}};
}

std::vector<std::string> order_of(const Rates &rates)
{
    std::vector<std::string> peers;
    for (const PeerRates &peer : rates.peers)
        peers.push_back(peer.peer);
    return peers;
}

TEST(Rates, are_bytes_a_second_of_the_time_that_passed)
{
    auto rates = rates_between(look(0, {peer("A", 1000, 50)}), look(500, {peer("A", 3000, 50)}),
                               SortBy::received);
    ASSERT_EQ(rates.peers.size(), 1u);
    EXPECT_EQ(rates.peers[0].rx_rate, 4000u);
    EXPECT_EQ(rates.peers[0].tx_rate, 0u);
}

TEST(Rates, are_none_for_what_is_new_or_counted_anew)
{
    auto rates = rates_between(look(0, {peer("A", 1000, 1000)}),
                               look(1000, {peer("A", 10, 2000), peer("B", 5000, 0)}), SortBy::peer);
    ASSERT_EQ(rates.peers.size(), 2u);
    EXPECT_EQ(rates.peers[0].rx_rate, 0u);
    EXPECT_EQ(rates.peers[0].tx_rate, 1000u);
    EXPECT_EQ(rates.peers[1].rx_rate, 0u);
    const auto first = look(0, {peer("A", 1000, 1000)});
    EXPECT_EQ(rates_between(Snapshot(), first, SortBy::peer).peers.at(0).rx_rate, 0u);
    EXPECT_EQ(rates_between(first, first, SortBy::peer).peers.at(0).rx_rate, 0u);
}

TEST(Rates, are_in_the_order_that_was_asked_for)
{
    auto before = look(0, {peer("A", 0, 0), peer("B", 0, 0), peer("C", 0, 0)});
    auto now =
        look(1000, {peer("A", 1, 20, START - 60), peer("B", 3, 10), peer("C", 2, 30, START)});
    const auto sorted = [&](SortBy order) { return order_of(rates_between(before, now, order)); };
    EXPECT_EQ(sorted(SortBy::received), (std::vector<std::string>{"B", "C", "A"}));
    EXPECT_EQ(sorted(SortBy::sent), (std::vector<std::string>{"C", "A", "B"}));
    EXPECT_EQ(sorted(SortBy::handshake), (std::vector<std::string>{"C", "A", "B"}));
    EXPECT_EQ(sorted(SortBy::peer), (std::vector<std::string>{"A", "B", "C"}));
}

TEST(Rates, tell_the_age_of_a_handshake_and_that_there_was_none)
{
    auto now = look(0, {peer("A", 0, 0, START - 63), peer("B", 0, 0), peer("C", 0, 0, START + 5)});
    auto rates = rates_between(now, now, SortBy::peer);
    EXPECT_EQ(rates.peers[0].handshake_age, std::chrono::seconds(63));
    EXPECT_FALSE(rates.peers[1].handshake_age);
    EXPECT_EQ(rates.peers[2].handshake_age, std::chrono::seconds(0)); // the clock was set back
}

TEST(Rates, add_up_the_drops_of_programs_and_daemon)
{
    auto rates = rates_between(look(0, {}, 8), look(2000, {}, 18), SortBy::received);
    ASSERT_EQ(rates.drops.size(), 2u);
    EXPECT_EQ(rates.drops[0].reason, "replayed");
    EXPECT_EQ(rates.drops[0].total, 20u);
    EXPECT_EQ(rates.drops[0].rate, 5u);
    EXPECT_EQ(rates.drops[1].reason, "bad_mac1");
    EXPECT_EQ(rates.drops[1].rate, 0u);
}

TEST(Rates, call_a_peer_by_its_name)
{
    auto named = peer("A", 0, 0);
    named["name"] = "Zoë";
    auto unnamed = peer("B", 0, 0);
    unnamed["name"] = nullptr;
    auto now = look(0, {named, unnamed});
    EXPECT_EQ(order_of(rates_between(now, now, SortBy::peer)),
              (std::vector<std::string>{"B", "Zoë"}));
}

TEST(RatesLines, fit_the_screen)
{
    Json peers = Json::array();
    for (int i = 0; i < 50; ++i)
        peers.push_back(peer(fmt::format("{:043}=", i), 0, 0));
    peers[0]["name"] = "ééééééééééééééééééééééééééééééééééééééééééééééééééééééééé";
    auto now = look(0, peers, 3);
    auto rates = rates_between(now, now, SortBy::received);
    for (std::size_t width : {1u, 20u, 80u, 200u})
        for (std::size_t height : {12u, 24u, 40u, 100u}) {
            auto lines = rates_lines(rates, {.width = width, .height = height});
            EXPECT_LE(lines.size(), height);
            for (const std::string &line : lines) {
                const auto letters = std::count_if(
                    line.begin(), line.end(), [](unsigned char c) { return (c & 0xc0) != 0x80; });
                EXPECT_LE(static_cast<std::size_t>(letters), width) << line;
            }
        }
    auto few = rates_lines(rates, {});
    EXPECT_EQ(few[0],
              "wgxdp: 50 peers, received 0 B/s, sent 0 B/s   by received: keys r t h p, q quits");
    EXPECT_EQ(few[few.size() - 5], // then a line, titles and two reasons
              "0 above, 34 below: keys j k and page keys");
    EXPECT_EQ(few.size(), 24u);
}

TEST(RatesLines, begin_with_the_peer_that_is_scrolled_to)
{
    Json peers = Json::array();
    for (int i = 0; i < 50; ++i)
        peers.push_back(peer(fmt::format("{:043}=", i), 0, 0));
    const auto now = look(0, peers);
    const auto rates = rates_between(now, now, SortBy::peer);
    const auto page = peers_shown(rates, 24);
    EXPECT_EQ(page, 16u);
    for (const auto &[wanted, first] : {std::pair{0u, 0u}, {10u, 10u}, {34u, 34u}, {99u, 34u}}) {
        const auto lines =
            rates_lines(rates, {.order = SortBy::peer, .first = wanted, .width = 200});
        ASSERT_EQ(lines.size(), 24u);
        EXPECT_NE(lines[3].find(fmt::format("{:043}=", first)), std::string::npos) << lines[3];
        EXPECT_EQ(lines[19], fmt::format("{} above, {} below: keys j k and page keys", first,
                                         50 - page - first));
    }
    EXPECT_EQ(peers_shown(rates, 100), 50u);
}

TEST(RatesLines, tell_ages_shortly)
{
    const std::pair<std::int64_t, const char *> CASES[] = {
        {0, " 0s"}, {59, " 59s"}, {63, " 1m03s"}, {7260, " 2h01m"}, {90000, " 1d01h"}};
    for (const auto &[age, expected] : CASES) {
        auto now = look(0, {peer("A", 0, 0, START - age)});
        auto lines = rates_lines(rates_between(now, now, SortBy::peer), {.order = SortBy::peer});
        EXPECT_TRUE(lines.at(3).ends_with(expected)) << lines.at(3);
    }
    auto now = look(0, {peer("A", 0, 0)});
    auto lines = rates_lines(rates_between(now, now, SortBy::peer), {.order = SortBy::peer});
    EXPECT_TRUE(lines.at(3).ends_with(" never")) << lines.at(3);
}

} // namespace
} // namespace wg
