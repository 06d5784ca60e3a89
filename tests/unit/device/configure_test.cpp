// SPDX-License-Identifier: MIT
//
// Requests: what wg(8) may ask of a device, and that a refused one changes nothing.
#include "unit/device/network.h"

namespace wg::test {

namespace {

Prefix prefix(const std::string &text)
{
    return Prefix::parse(text).value();
}

class Configuration : public TwoHosts {
  protected:
    PeerChange with_allowed_ips(const Host &host, std::initializer_list<const char *> texts)
    {
        PeerChange change = change_of(host);
        for (const char *text : texts)
            change.allowed_ips.push_back({.prefix = prefix(text)});
        return change;
    }
    std::vector<std::string> allowed_ips(const Host &host) const
    {
        std::vector<std::string> texts;
        for (const Prefix &each : a.info(host).allowed_ips)
            texts.push_back(each.text());
        return texts;
    }

    using Texts = std::vector<std::string>;
    Host c{network, "192.0.2.3:1000", 3};
};

} // namespace

TEST_F(Configuration, peers_are_listed_in_order_of_creation)
{
    a.add_peer(c);
    ASSERT_EQ(a.device->peers().size(), 2U);
    EXPECT_EQ(a.device->peers()[0].public_key, b.public_key);
    EXPECT_EQ(a.device->peers()[1].public_key, c.public_key);
    EXPECT_EQ(a.endpoint_changes, (std::vector<PeerId>{a.peer_of(b), a.peer_of(c)}));
}

TEST_F(Configuration, a_prefix_moves_to_the_peer_that_was_given_it_last)
{
    a.add_peer(c);
    a.apply_to_peer(with_allowed_ips(b, {"10.0.0.0/24", "10.0.1.0/24"}));
    a.apply_to_peer(with_allowed_ips(c, {"10.0.0.0/24"}));
    EXPECT_EQ(allowed_ips(b), Texts{"10.0.1.0/24"});
    EXPECT_EQ(allowed_ips(c), Texts{"10.0.0.0/24"});
    EXPECT_EQ(a.datapath.allowed_ips.at(prefix("10.0.0.0/24")), a.peer_of(c));
}

TEST_F(Configuration, allowed_ips_are_added_removed_and_replaced)
{
    a.apply_to_peer(with_allowed_ips(b, {"10.0.0.0/24", "10.0.1.0/24"}));
    PeerChange change = with_allowed_ips(b, {"10.0.2.0/24"});
    change.allowed_ips.push_back({.prefix = prefix("10.0.0.0/24"), .remove = true});
    a.apply_to_peer(std::move(change));
    EXPECT_EQ(allowed_ips(b), (Texts{"10.0.1.0/24", "10.0.2.0/24"}));

    change = with_allowed_ips(b, {"10.0.2.0/24", "fd00::/64"});
    change.replace_allowed_ips = true;
    a.apply_to_peer(std::move(change));
    EXPECT_EQ(allowed_ips(b), (Texts{"10.0.2.0/24", "fd00::/64"}));

    change = change_of(b);
    change.replace_allowed_ips = true;
    a.apply_to_peer(std::move(change));
    EXPECT_TRUE(a.datapath.allowed_ips.empty());
}

TEST_F(Configuration, peers_change_prefixes_and_none_is_missing_meanwhile)
{
    a.add_peer(c);
    a.apply_to_peer(with_allowed_ips(b, {"10.0.0.0/24"}));
    a.apply_to_peer(with_allowed_ips(c, {"10.0.1.0/24"}));
    DeviceChange change;
    change.peers.push_back(with_allowed_ips(b, {"10.0.1.0/24"}));
    change.peers.push_back(with_allowed_ips(c, {"10.0.0.0/24"}));
    for (PeerChange &peer : change.peers)
        peer.replace_allowed_ips = true;
    a.apply(std::move(change));
    EXPECT_EQ(allowed_ips(b), Texts{"10.0.1.0/24"});
    EXPECT_EQ(allowed_ips(c), Texts{"10.0.0.0/24"});
    EXPECT_EQ(a.datapath.removed_allowed_ips, 0U);
}

TEST_F(Configuration, nobody_removes_a_prefix_of_another_peer)
{
    a.add_peer(c);
    a.apply_to_peer(with_allowed_ips(b, {"10.0.0.0/24"}));
    PeerChange change = change_of(c);
    change.allowed_ips.push_back({.prefix = prefix("10.0.0.0/24"), .remove = true});
    a.apply_to_peer(std::move(change));
    EXPECT_EQ(allowed_ips(b), Texts{"10.0.0.0/24"});
}

TEST_F(Configuration, a_removed_peer_leaves_nothing_behind)
{
    connect();
    a.apply_to_peer(with_allowed_ips(b, {"10.0.0.0/24"}));
    const PeerId id = a.peer_of(b);
    network.cut();
    network.run_for(200s);
    a.transmit(b, 1);
    a.endpoint_changes.clear();
    PeerChange change = change_of(b);
    change.remove = true;
    a.apply_to_peer(std::move(change));

    EXPECT_TRUE(a.device->peers().empty());
    EXPECT_EQ(a.datapath.peer_count(), 0U);
    EXPECT_EQ(a.datapath.keypair_count(), 0U);
    EXPECT_TRUE(a.datapath.allowed_ips.empty());
    EXPECT_EQ(a.device->next_deadline(), NEVER);
    EXPECT_EQ(a.endpoint_changes, std::vector<PeerId>{id});
    EXPECT_EQ(a.dropped(WG_DROP_STAGED_PURGED), 1U);
    EXPECT_EQ(a.device->endpoint_of(id), std::nullopt);

    a.device->send(id, bytes_of(std::uint32_t{1}), network.clock.now());
    EXPECT_EQ(a.dropped(WG_DROP_NO_PEER), 1U);
    a.device->event({.peer = id, .bits = WG_EVENT_SENT, .keypair = 1}, network.clock.now());
}

TEST_F(Configuration, limits_are_published_and_what_is_not_named_stays)
{
    PeerChange change = change_of(b);
    change.rate_limit = 1000;
    change.quota = 5000;
    a.apply_to_peer(std::move(change));
    EXPECT_EQ(a.published(b).rate_limit, 1000);
    EXPECT_EQ(a.published(b).quota, 5000);
    change = change_of(b);
    change.quota = 0;
    change.quota_used = 70;
    a.apply_to_peer(std::move(change));
    EXPECT_EQ(a.published(b).rate_limit, 1000);
    EXPECT_EQ(a.published(b).quota, 0);
    EXPECT_EQ(a.info(b).rate_limit, 1000);
    EXPECT_EQ(a.info(b).quota_used, 70);
    a.apply_to_peer(change_of(b));
    EXPECT_EQ(a.info(b).quota_used, 70);
}

TEST_F(Configuration, update_only_and_remove_create_no_peer)
{
    PeerChange change = change_of(c);
    change.update_only = true;
    change.persistent_keepalive = 5;
    a.apply_to_peer(std::move(change));
    change = change_of(c);
    change.remove = true;
    a.apply_to_peer(std::move(change));
    EXPECT_EQ(a.device->peer_id(c.public_key), std::nullopt);
}

TEST_F(Configuration, replace_peers_begins_with_none)
{
    connect();
    a.apply_to_peer(with_allowed_ips(b, {"10.0.0.0/24"}));
    const PeerId old = a.peer_of(b);
    DeviceChange change;
    change.replace_peers = true;
    change.peers.push_back(change_of(c));
    change.peers.push_back(change_of(b));
    a.apply(std::move(change));

    ASSERT_EQ(a.device->peers().size(), 2U);
    EXPECT_NE(a.peer_of(b), old) << "made anew";
    EXPECT_FALSE(a.info(b).endpoint);
    EXPECT_TRUE(a.info(b).allowed_ips.empty());
    EXPECT_EQ(a.datapath.keypair_count(), 0U);
    EXPECT_EQ(a.datapath.peer_count(), 2U);
}

TEST_F(Configuration, one_request_may_remove_a_peer_and_make_it_anew)
{
    connect();
    const PeerId old = a.peer_of(b);
    DeviceChange change;
    change.peers.push_back(change_of(b));
    change.peers.back().remove = true;
    change.peers.push_back(with_allowed_ips(b, {"10.0.0.0/24"}));
    change.peers.push_back(change_of(c));
    change.peers.push_back(change_of(c));
    change.peers.back().remove = true;
    a.apply(std::move(change));
    EXPECT_NE(a.peer_of(b), old);
    EXPECT_EQ(allowed_ips(b), Texts{"10.0.0.0/24"});
    EXPECT_EQ(a.device->peer_id(c.public_key), std::nullopt);
    EXPECT_EQ(a.datapath.peer_count(), 1U);
}

TEST_F(Configuration, our_own_key_as_a_peer_is_ignored)
{
    a.apply_to_peer(change_of(a));
    EXPECT_EQ(a.device->peer_id(a.public_key), std::nullopt);
}

TEST_F(Configuration, a_peer_with_our_new_public_key_is_removed)
{
    DeviceChange change;
    change.private_key = b.private_key.clone();
    change.peers.push_back(change_of(b));
    a.apply(std::move(change));
    EXPECT_EQ(a.device->public_key(), b.public_key);
    EXPECT_EQ(a.device->peer_id(b.public_key), std::nullopt);
    EXPECT_EQ(a.datapath.peer_count(), 0U);
}

TEST_F(Configuration, too_many_peers_are_refused_and_nothing_changes)
{
    connect();
    a.apply_to_peer(with_allowed_ips(b, {"10.0.0.0/24"}));
    a.datapath.max_peers = 2;
    Host d(network, "192.0.2.4:1000", 4);
    const KeypairId current = a.published(b).current;

    DeviceChange change;
    change.private_key = d.private_key.clone();
    change.peers.push_back(with_allowed_ips(b, {"10.0.9.0/24"}));
    change.peers.back().preshared_key = d.private_key.clone();
    change.peers.back().endpoint = endpoint_at("203.0.113.1:5");
    change.peers.back().persistent_keepalive = 5;
    change.peers.back().quota = 5;
    change.peers.back().quota_used = 3;
    change.peers.push_back(with_allowed_ips(c, {"10.0.0.0/24"}));
    Host e(network, "192.0.2.5:1000", 5);
    change.peers.push_back(change_of(e));
    const auto result = a.device->apply(std::move(change), network.clock.now());

    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code.value(), ENOSPC);
    EXPECT_EQ(a.device->peers().size(), 1U);
    EXPECT_EQ(a.datapath.peer_count(), 1U);
    EXPECT_EQ(a.device->public_key(), a.public_key);
    EXPECT_EQ(allowed_ips(b), Texts{"10.0.0.0/24"});
    EXPECT_EQ(a.datapath.allowed_ips.size(), 1U);
    EXPECT_EQ(a.info(b).persistent_keepalive, 0U);
    EXPECT_TRUE(a.info(b).endpoint->same_place(b.endpoint));
    EXPECT_TRUE(a.info(b).preshared_key->is_zero());
    EXPECT_TRUE(a.datapath.left_behind(a.peer_of(b)).preshared_key.is_zero());
    EXPECT_EQ(a.published(b).current, current);
    EXPECT_EQ(a.published(b).persistent_keepalive, 0U);
    EXPECT_EQ(a.published(b).quota, 0U);
    EXPECT_EQ(a.info(b).quota_used, 0U);
    EXPECT_TRUE(a.published(b).endpoint->same_place(b.endpoint));
}

TEST_F(Configuration, a_full_routing_table_is_refused_and_nothing_changes)
{
    a.apply_to_peer(with_allowed_ips(b, {"10.0.0.0/24", "10.0.1.0/24"}));
    a.datapath.max_allowed_ips = 3;
    DeviceChange change;
    change.peers.push_back(with_allowed_ips(c, {"10.0.0.0/24", "10.0.2.0/24", "10.0.3.0/24"}));
    EXPECT_FALSE(a.device->apply(std::move(change), network.clock.now()));
    EXPECT_EQ(allowed_ips(b), (Texts{"10.0.0.0/24", "10.0.1.0/24"}));
    EXPECT_EQ(a.datapath.allowed_ips.at(prefix("10.0.0.0/24")), a.peer_of(b));
    EXPECT_EQ(a.datapath.allowed_ips.size(), 2U);
    EXPECT_EQ(a.datapath.peer_count(), 1U);
}

TEST_F(Configuration, nonsense_is_refused_by_the_name_of_its_field)
{
    const auto refused = [this](PeerChange peer) {
        DeviceChange change;
        change.peers.push_back(std::move(peer));
        const auto result = a.device->apply(std::move(change), network.clock.now());
        return result ? std::string() : result.error().what;
    };
    PeerChange change = change_of(c);
    change.endpoint = Endpoint{};
    EXPECT_NE(refused(std::move(change)).find("endpoint"), std::string::npos);
    change = change_of(c);
    change.allowed_ips.push_back({.prefix = {IpAddress::parse("10.0.0.0").value(), 33}});
    EXPECT_NE(refused(std::move(change)).find("allowed_ips"), std::string::npos);
    EXPECT_EQ(a.device->peer_id(c.public_key), std::nullopt);
}

TEST_F(Configuration, a_forgotten_endpoint_is_used_no_more_until_the_peer_is_heard)
{
    connect();
    PeerChange change = change_of(b);
    change.forget_endpoint = true;
    a.apply_to_peer(std::move(change));
    EXPECT_FALSE(a.info(b).endpoint);
    EXPECT_FALSE(a.published(b).endpoint);
    EXPECT_EQ(a.endpoint_changes.back(), a.peer_of(b));
    network.log.clear();
    a.transmit(b, 1);
    network.settle();
    EXPECT_TRUE(network.log.empty());
    b.transmit(a, 2);
    network.settle();
    EXPECT_TRUE(a.info(b).endpoint->same_place(b.endpoint));
}

TEST_F(Configuration, an_endpoint_set_late_is_used_at_once)
{
    a.set_keepalive(c, 25);
    EXPECT_TRUE(network.log.empty());
    PeerChange change = change_of(c);
    change.endpoint = c.endpoint;
    a.apply_to_peer(std::move(change));
    network.settle();
    EXPECT_EQ(network.count(a, Kind::initiation), 1U);
}

} // namespace wg::test
