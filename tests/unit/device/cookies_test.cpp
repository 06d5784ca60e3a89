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

TEST_F(Cookies, are_shared_with_the_data_plane_while_there_is_load)
{
    auto &shared = b.datapath.shared_cookies;
    b.device->handshakes_queued(511, network.clock.now());
    EXPECT_FALSE(shared);
    for (int message = 0; message < 1000; message++)
        load(b);
    ASSERT_TRUE(shared);
    EXPECT_EQ(b.datapath.times_shared, 1);
    EXPECT_EQ(shared->load_until, network.clock.instant + 1s);
    EXPECT_GT(shared->secret_until, shared->load_until);
    const Key first = shared->secret.clone();

    network.run_for(99ms);
    load(b);
    EXPECT_EQ(b.datapath.times_shared, 1) << "not with every message";
    network.run_for(1ms);
    load(b);
    EXPECT_EQ(b.datapath.times_shared, 2);
    EXPECT_TRUE(equal_constant_time(shared->secret, first));

    network.run_for(2min);
    load(b);
    EXPECT_FALSE(equal_constant_time(shared->secret, first)) << "the old one is too old";
    DeviceChange change;
    change.private_key = generate_private_key(b.random);
    ASSERT_TRUE(b.device->apply(std::move(change), network.clock.now()));
    EXPECT_FALSE(shared) << "they were the old key's";
}

TEST_F(Cookies, are_asked_for_as_long_as_the_data_plane_sees_load)
{
    load(b);
    b.datapath.shared_cookies->load_until = network.clock.instant + 30s; // it has refused many
    network.run_for(20s);
    a.transmit(b, 1);
    network.settle();
    EXPECT_EQ(network.count(b, Kind::cookie), 1U);
    EXPECT_EQ(network.count(b, Kind::response), 0U);

    network.run_for(10s);
    network.forget();
    a.device->expire_sending_keys(network.clock.now());
    a.transmit(b, 2);
    network.settle();
    EXPECT_EQ(network.count(b, Kind::cookie), 0U);
    EXPECT_EQ(network.count(b, Kind::response), 1U);
    EXPECT_FALSE(b.datapath.shared_cookies) << "all is over";
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
