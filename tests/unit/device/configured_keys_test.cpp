// SPDX-License-Identifier: MIT
//
// Requests that change private and preshared keys: what becomes of the sessions there are.
#include "unit/device/network.h"

namespace wg::test {

using ConfiguredKeys = TwoHosts;

TEST_F(ConfiguredKeys, a_preshared_key_counts_from_the_next_handshake)
{
    connect();
    const KeypairId current = a.published(b).current;
    const Key key = generate_private_key(a.random);
    for (auto [host, other] : {std::pair(&a, &b), std::pair(&b, &a)}) {
        PeerChange change = change_of(*other);
        change.preshared_key = key.clone();
        host->apply_to_peer(std::move(change));
    }
    EXPECT_TRUE(equal_constant_time(*a.info(b).preshared_key, key));
    a.transmit(b, 1);
    network.settle();
    EXPECT_EQ(b.delivered.back(), 1U);
    EXPECT_EQ(a.published(b).current, current) << "the live session stays";

    network.run_for(125s);
    a.transmit(b, 2);
    network.settle();
    EXPECT_NE(a.published(b).current, current);
    EXPECT_EQ(b.delivered.back(), 2U);
}

TEST_F(ConfiguredKeys, different_preshared_keys_make_no_session)
{
    PeerChange change = change_of(b);
    change.preshared_key = generate_private_key(a.random);
    a.apply_to_peer(std::move(change));
    a.transmit(b, 1);
    network.settle();
    EXPECT_EQ(a.dropped(WG_DROP_BAD_HANDSHAKE), 1U);
    EXPECT_TRUE(b.delivered.empty());
}

TEST_F(ConfiguredKeys, a_new_private_key_ends_sending_and_handshakes_begin_at_once)
{
    connect();
    const KeypairId old = a.published(b).current;
    const Key key = generate_private_key(a.random);
    b.apply_to_peer([&] { // b must know a by its new key
        PeerChange change;
        change.public_key = derive_public_key(key);
        return change;
    }());
    DeviceChange change;
    change.private_key = key.clone();
    a.apply(std::move(change));

    EXPECT_FALSE(a.published(b).sending_valid);
    EXPECT_EQ(a.published(b).current, old) << "still received on";
    b.transmit(a, 7);
    network.settle();
    EXPECT_EQ(a.delivered.back(), 7U);

    network.forget();
    a.transmit(b, 1); // within 5 s of the last initiation
    network.settle();
    EXPECT_EQ(network.count(a, Kind::initiation), 1U);
    EXPECT_EQ(b.delivered.back(), 1U);
    EXPECT_TRUE(a.published(b).sending_valid);
}

TEST_F(ConfiguredKeys, the_same_private_key_again_changes_nothing)
{
    connect();
    const auto publications = a.datapath.publications;
    DeviceChange change;
    change.private_key = a.private_key.clone();
    a.apply(std::move(change));
    EXPECT_TRUE(a.published(b).sending_valid);
    EXPECT_EQ(a.datapath.publications, publications);
}

TEST_F(ConfiguredKeys, the_first_private_key_sends_what_waits)
{
    DeviceChange change;
    change.private_key = Key();
    a.apply(std::move(change));
    EXPECT_EQ(a.device->private_key(), nullptr);
    EXPECT_EQ(a.device->public_key(), std::nullopt);
    a.transmit(b, 1);
    network.run_for(1s);
    EXPECT_TRUE(network.log.empty());

    change = {};
    change.private_key = a.private_key.clone();
    a.apply(std::move(change));
    network.settle();
    EXPECT_EQ(b.delivered, std::vector<std::uint32_t>{1});
}

} // namespace wg::test
