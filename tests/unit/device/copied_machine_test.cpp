// SPDX-License-Identifier: MIT
//
// What the machine under a device does to its keys: it sleeps (they go), or it is restored from a
// snapshot that may run elsewhere, too (nothing more is sent with them).
#include "unit/device/network.h"

namespace wg::test {

namespace {

class CopiedMachine : public TwoHosts {
  protected:
    void copy(Host &host) { host.device->expire_sending_keys(network.clock.now()); }
    /// The keys that this host has sent data with since forget().
    std::set<std::array<std::uint8_t, 32>> keys_used_by(const Host &host) const
    {
        std::set<std::array<std::uint8_t, 32>> keys;
        for (const Datagram &datagram : network.log)
            if (datagram.sender == &host &&
                (datagram.kind == Kind::data || datagram.kind == Kind::keepalive))
                keys.insert(datagram.data.key);
        return keys;
    }
};

class SleepingMachine : public TwoHosts {
  protected:
    void sleep(Host &host) { host.device->wipe_keys(network.clock.now()); }
};

} // namespace

TEST_F(CopiedMachine, sends_nothing_more_with_its_keys_but_receives)
{
    connect();
    const KeypairId current = a.published(b).current;
    const auto old_keys = keys_used_by(a);
    copy(a);
    EXPECT_EQ(a.published(b).current, current);
    EXPECT_FALSE(a.published(b).sending_valid);
    b.transmit(a, 1);
    network.settle();
    EXPECT_EQ(a.delivered, std::vector<std::uint32_t>{1});

    network.forget();
    network.run_for(15s); // the passive keepalive needs a key, too
    a.transmit(b, 2);
    network.settle();
    EXPECT_EQ(b.delivered.back(), 2U);
    for (const auto &key : keys_used_by(a))
        EXPECT_FALSE(old_keys.contains(key));
}

TEST_F(CopiedMachine, begins_a_handshake_with_the_next_packet_whenever_the_last_was)
{
    connect();
    network.forget();
    copy(a);
    EXPECT_TRUE(network.log.empty()) << "not before there is something to send";
    a.transmit(b, 1);
    EXPECT_EQ(network.count(a, Kind::initiation), 1U);
    network.settle();
    EXPECT_EQ(b.delivered.back(), 1U);
    EXPECT_TRUE(a.published(b).sending_valid);
}

TEST_F(CopiedMachine, completes_no_handshake_that_was_under_way)
{
    a.transmit(b, 1);
    network.run_for(500us);
    copy(a);
    network.settle(); // the response comes, for the other copy as well
    EXPECT_EQ(a.dropped(WG_DROP_UNEXPECTED_RESPONSE), 1U);
    EXPECT_EQ(a.datapath.keypair_count(), 0U);
    network.run_for(6s);
    EXPECT_EQ(b.delivered, std::vector<std::uint32_t>{1}) << "the retry does";
}

TEST_F(CopiedMachine, does_not_send_with_a_key_that_is_confirmed_afterwards)
{
    network.route = [](const Datagram &datagram) {
        return datagram.kind == Kind::data ? std::vector<Duration>{} : std::vector<Duration>{1ms};
    };
    a.transmit(b, 1);
    network.settle();
    ASSERT_NE(b.published(a).next, 0U);
    ASSERT_EQ(b.published(a).current, 0U);
    const auto key_of_session = network.last(a, Kind::data).data.key;
    copy(b);
    EXPECT_FALSE(b.published(a).sending_valid);

    network.heal();
    a.transmit(b, 2);
    network.run_for(1ms + 1us); // it has arrived and the bell has not been heard
    EXPECT_FALSE(b.datapath.transmit(b.peer_of(a), bytes_of(std::uint32_t{3})));
    network.settle();
    EXPECT_EQ(b.delivered, std::vector<std::uint32_t>{2});
    EXPECT_NE(b.published(a).current, 0U);
    EXPECT_FALSE(b.published(a).sending_valid);
    b.transmit(a, 4);
    network.settle();
    EXPECT_EQ(a.delivered, std::vector<std::uint32_t>{4});
    EXPECT_EQ(network.count(b, Kind::initiation), 1U);
    EXPECT_FALSE(keys_used_by(b).contains(key_of_session));
}

TEST_F(CopiedMachine, stays_one_for_the_next_daemon)
{
    connect();
    const auto old_keys = keys_used_by(a);
    copy(a);
    a.restart();
    network.forget();
    a.transmit(b, 1);
    network.settle();
    EXPECT_EQ(b.delivered.back(), 1U);
    for (const auto &key : keys_used_by(a))
        EXPECT_FALSE(old_keys.contains(key));
}

TEST_F(SleepingMachine, has_no_keys_and_keeps_what_waits)
{
    connect();
    network.run_for(1s);
    a.transmit(b, 1);
    network.settle();
    sleep(a);
    EXPECT_EQ(a.datapath.keypair_count(), 0U);
    EXPECT_EQ(a.published(b).current, 0U);
    EXPECT_TRUE(a.device->is_up());
    a.transmit(b, 2); // still within 5 s of the last handshake
    EXPECT_EQ(a.dropped(WG_DROP_STAGED_PURGED), 0U);
    network.clock.instant += 8h; // boottime goes on
    a.transmit(b, 3);
    network.run_for(6s); // b owes a keepalive, for eight hours: their initiations may cross
    EXPECT_EQ(b.delivered, (std::vector<std::uint32_t>{0, 1, 2, 3}));
}

TEST_F(SleepingMachine, completes_no_handshake_that_was_under_way)
{
    a.transmit(b, 1);
    network.run_for(500us);
    sleep(a);
    network.settle();
    EXPECT_EQ(a.dropped(WG_DROP_UNEXPECTED_RESPONSE), 1U);
    EXPECT_EQ(a.datapath.keypair_count(), 0U);
}

} // namespace wg::test
