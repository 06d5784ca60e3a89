// SPDX-License-Identifier: MIT
//
// What a device tells of its peers: sessions that come, change and go, and why a handshake failed.
#include <algorithm>

#include "unit/device/network.h"

namespace wg::test {

/// Everything that both hosts report, in one word each.
class Reports : public TwoHosts {
  protected:
    Reports()
    {
        listen_to(a, of_a);
        listen_to(b, of_b);
    }

    static void listen_to(const Host &host, std::vector<std::string> &said)
    {
        host.device->report = [&said](const PeerEvent &event) { said.push_back(text(event)); };
    }

    static std::string text(const PeerEvent &event)
    {
        static constexpr std::string_view NAMES[] = {"complete", "failed", "moved",
                                                     "up",       "down",   "rotated"};
        std::string said(NAMES[static_cast<std::size_t>(event.kind)]);
        if (!event.reason.empty())
            said += fmt::format(" {}", event.reason);
        if (event.attempts != 0)
            said += fmt::format(" {}", event.attempts);
        if (event.kind == PeerEventKind::endpoint_moved)
            said += fmt::format(" {} {}", event.previous->text(), event.endpoint->text());
        if (event.received)
            said += event.peer ? " by a known key" : " by nobody";
        return said;
    }

    using Said = std::vector<std::string>;
    Said of_a, of_b;
};

TEST_F(Reports, both_ends_tell_that_a_peer_is_up_and_later_that_its_key_is_rotated)
{
    connect();
    EXPECT_EQ(of_a, (Said{"complete", "up"}));
    EXPECT_EQ(of_b, (Said{"complete", "up"}));
    converse(125s);
    EXPECT_EQ(of_a, (Said{"complete", "up", "complete", "rotated"}));
    EXPECT_EQ(of_b, of_a);
}

TEST_F(Reports, every_initiation_without_an_answer_is_told_and_the_last_says_so)
{
    network.cut();
    a.transmit(b, 0);
    network.run_for(200s);
    ASSERT_EQ(of_a.size(), network.count(a, Kind::initiation));
    EXPECT_EQ(of_a.front(), "failed no_answer 1");
    EXPECT_EQ(of_a[1], "failed no_answer 2");
    EXPECT_EQ(of_a.back(), fmt::format("failed gave_up {}", of_a.size()));
}

TEST_F(Reports, a_session_that_is_not_answered_any_more_is_down_once)
{
    connect();
    network.cut();
    of_a.clear();
    a.transmit(b, 1);
    network.run_for(1200s);
    EXPECT_EQ(of_a.back(), "down gave_up");
    EXPECT_EQ(std::ranges::count(of_a, "down gave_up"), 1);
}

TEST_F(Reports, an_idle_session_is_down_when_its_keys_go)
{
    connect();
    network.run_for(530s);
    EXPECT_EQ(of_a, (Said{"complete", "up"}));
    network.run_for(20s);
    EXPECT_EQ(of_a, (Said{"complete", "up", "down session_expired"}));
    EXPECT_EQ(of_b, of_a);
}

TEST_F(Reports, a_peer_is_down_when_it_is_removed_or_its_interface_goes_down)
{
    connect();
    PeerChange change = change_of(b);
    change.remove = true;
    a.apply_to_peer(std::move(change));
    b.device->down(b.now());
    EXPECT_EQ(of_a.back(), "down removed");
    EXPECT_EQ(of_b.back(), "down interface_down");
}

TEST_F(Reports, a_peer_that_moves_is_told_from_where_to_where)
{
    connect();
    of_b.clear();
    a.endpoint.port = 1001;
    a.transmit(b, 1);
    network.settle();
    EXPECT_EQ(of_b, (Said{"moved 192.0.2.1:1000 192.0.2.1:1001"}));
}

TEST_F(Reports, what_cannot_be_sent_is_told_with_its_errno)
{
    int error = 0;
    a.device->report = [&](const PeerEvent &event) {
        EXPECT_EQ(event.reason, "send_failed");
        error = event.error;
    };
    a.datapath.send_error = ENETUNREACH;
    a.transmit(b, 1);
    EXPECT_EQ(error, ENETUNREACH);
}

TEST_F(Reports, a_refused_initiation_is_told_with_the_reason)
{
    connect();
    const Datagram first = network.last(a, Kind::initiation);
    of_b.clear();
    b.device->receive(first.message, first.from, b.now());
    Buffer forged = first.message;
    forged[20] ^= 1;
    b.device->receive(forged, first.from, b.now());

    Host stranger(network, "192.0.2.3:1000", 3);
    stranger.device->up(stranger.now());
    stranger.add_peer(b);
    stranger.transmit(b, 1);
    network.settle();
    EXPECT_EQ(of_b, (Said{"failed replayed_timestamp by a known key", "failed bad_mac1 by nobody",
                          "failed unknown_peer by a known key"}));
}

} // namespace wg::test
