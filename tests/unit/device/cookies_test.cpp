// SPDX-License-Identifier: MIT
//
// Under load: cookies first, then the rate limit, then handshakes.
#include "unit/device/network.h"

namespace wg::test {

namespace {

class Cookies : public TwoHosts {
  protected:
    void load(Host &host) { host.device->handshakes_queued(512, network.clock.now()); }
};

} // namespace

TEST_F(Cookies, a_device_under_load_answers_with_a_cookie_and_serves_the_next_try)
{
    load(b);
    a.transmit(b, 1);
    network.settle();
    EXPECT_EQ(network.count(b, Kind::cookie), 1U);
    EXPECT_EQ(network.count(b, Kind::response), 0U);
    EXPECT_EQ(b.dropped(WG_DROP_UNDER_LOAD), 1U);
    EXPECT_EQ(network.last(b, Kind::cookie).ds, 0);
    EXPECT_EQ(network.count(a, Kind::initiation), 1U) << "the retry waits for its timer";

    network.run_for(4900ms);
    load(b);
    network.at(network.clock.instant + 400ms, [this] { load(b); });
    network.run_for(600ms);
    EXPECT_EQ(network.count(a, Kind::initiation), 2U);
    EXPECT_EQ(network.count(b, Kind::response), 1U);
    EXPECT_EQ(b.delivered, std::vector<std::uint32_t>{1});
}

TEST_F(Cookies, load_is_over_after_a_second)
{
    load(b);
    network.run_for(1s);
    a.transmit(b, 1);
    network.settle();
    EXPECT_EQ(network.count(b, Kind::cookie), 0U);
    EXPECT_EQ(b.delivered.size(), 1U);
}

TEST_F(Cookies, are_given_under_load_only_however_many_handshakes_were_served)
{
    for (int handshake = 0; handshake < 300; ++handshake) {
        a.device->expire_sending_keys(network.clock.now()); // or a would have to wait for 5 s
        a.transmit(b, 1);
        network.run_for(50ms);
    }
    EXPECT_EQ(network.count(b, Kind::response), 300U);
    EXPECT_EQ(network.count(b, Kind::cookie), 0U);
}

TEST_F(Cookies, responses_are_answered_with_cookies_too)
{
    load(a);
    a.transmit(b, 1);
    network.settle();
    EXPECT_EQ(network.count(a, Kind::cookie), 1U);
    EXPECT_EQ(a.published(b).current, 0U);
    EXPECT_EQ(b.dropped(WG_DROP_BAD_COOKIE), 0U) << "found by the index of the keypair";
}

TEST_F(Cookies, count_as_no_packet_of_the_peer)
{
    load(b);
    a.transmit(b, 1);
    network.settle();
    EXPECT_EQ(a.activity(b).last_received, Instant{});
    EXPECT_EQ(b.activity(a).last_sent, Instant{});
    EXPECT_EQ(b.activity(a).tx_bytes, 0U);
}

TEST_F(Cookies, are_taken_once_and_only_for_the_last_message)
{
    load(b);
    a.transmit(b, 1);
    network.settle();
    const Datagram cookie = network.last(b, Kind::cookie);
    a.receive(cookie);
    EXPECT_EQ(a.dropped(WG_DROP_BAD_COOKIE), 1U) << "the same again";

    Datagram unknown = cookie;
    unknown.message[4] ^= 1; // receiver index
    a.receive(unknown);
    EXPECT_EQ(a.dropped(WG_DROP_BAD_COOKIE), 2U);
}

TEST_F(Cookies, a_wrong_mac2_gets_a_new_cookie)
{
    network.cut();
    a.transmit(b, 1);
    Datagram initiation = network.last(a, Kind::initiation);
    load(b);
    initiation.message.back() ^= 1;
    b.receive(initiation);
    EXPECT_EQ(b.dropped(WG_DROP_BAD_MAC2), 1U);
    EXPECT_EQ(network.count(b, Kind::cookie), 1U);
}

TEST_F(Cookies, mac2_is_not_looked_at_without_load)
{
    network.cut();
    a.transmit(b, 1);
    Datagram initiation = network.last(a, Kind::initiation);
    initiation.message.back() ^= 1;
    b.receive(initiation);
    EXPECT_EQ(network.count(b, Kind::response), 1U);
}

TEST_F(Cookies, a_good_mac2_is_still_rate_limited)
{
    load(b);
    a.transmit(b, 1);
    network.settle();
    network.run_for(4980ms - 20ms);
    network.cut();
    network.run_for(400ms);
    const Datagram initiation = network.last(a, Kind::initiation);
    ASSERT_EQ(network.count(a, Kind::initiation), 2U);

    load(b);
    for (int copy = 0; copy < 8; ++copy)
        b.receive(initiation);
    EXPECT_EQ(network.count(b, Kind::response), 1U);
    EXPECT_EQ(b.dropped(WG_DROP_REPLAYED_TIMESTAMP), 4U);
    EXPECT_EQ(b.dropped(WG_DROP_RATE_LIMITED), 3U) << "five in a burst";
}

} // namespace wg::test
