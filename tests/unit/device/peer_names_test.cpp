// SPDX-License-Identifier: MIT
//
// Names that people give to peers: no two the same, and a peer can be meant by its name.
#include "unit/device/network.h"

namespace wg::test {

class PeerNames : public TwoHosts {
  protected:
    PeerNames() { a.add_peer(c); }

    static PeerChange named(const Host &host, const std::string &name)
    {
        PeerChange change = change_of(host);
        change.name = name;
        return change;
    }
    static PeerChange meant_by(const std::string &name)
    {
        PeerChange change;
        change.name = name;
        change.by_name = true;
        return change;
    }
    Result<> apply(std::vector<PeerChange> peers, bool replace_peers = false)
    {
        DeviceChange change;
        change.peers = std::move(peers);
        change.replace_peers = replace_peers;
        return a.device->apply(std::move(change), a.now());
    }
    template <typename... Peers>
    Result<> apply(PeerChange first, Peers... others)
    {
        std::vector<PeerChange> peers;
        peers.push_back(std::move(first));
        (peers.push_back(std::move(others)), ...);
        return apply(std::move(peers));
    }

    Host c{network, "192.0.2.3:1000", 3};
};

TEST_F(PeerNames, a_name_is_one_peers_until_it_is_given_up)
{
    ASSERT_TRUE(apply(named(b, "laptop")));
    EXPECT_EQ(a.info(b).note.name, "laptop");
    const auto refused = apply(named(c, "laptop"));
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().what.find("name: another peer is called \"laptop\" already"),
              std::string::npos)
        << refused.error().what;
    EXPECT_EQ(a.info(c).note.name, "");
    ASSERT_TRUE(apply(named(b, "phone"), named(c, "laptop")));
    EXPECT_EQ(a.info(b).note.name, "phone");
    EXPECT_EQ(a.info(c).note.name, "laptop");
    ASSERT_TRUE(apply(named(b, "")));
    EXPECT_EQ(a.info(b).note.name, "");
}

TEST_F(PeerNames, two_peers_may_swap_their_names)
{
    ASSERT_TRUE(apply(named(b, "laptop"), named(c, "phone")));
    ASSERT_TRUE(apply(named(b, "phone"), named(c, "laptop")));
    EXPECT_EQ(a.info(b).note.name, "phone");
    EXPECT_EQ(a.info(c).note.name, "laptop");
    PeerChange removed = change_of(c);
    removed.remove = true;
    ASSERT_TRUE(apply(named(b, "laptop"), std::move(removed))) << "also of one that goes later";
    EXPECT_EQ(a.info(b).note.name, "laptop");
}

TEST_F(PeerNames, a_refused_swap_renames_nobody)
{
    ASSERT_TRUE(apply(named(b, "laptop"), named(c, "phone")));
    EXPECT_FALSE(apply(named(b, "phone"), named(c, "laptop"), named(c, "phone")));
    EXPECT_FALSE(apply(named(c, "tablet"), named(c, "phone"), named(b, "phone")));
    EXPECT_EQ(a.info(b).note.name, "laptop");
    EXPECT_EQ(a.info(c).note.name, "phone");
    PeerChange by_name = meant_by("laptop");
    by_name.persistent_keepalive = 7;
    ASSERT_TRUE(apply(std::move(by_name)));
    EXPECT_EQ(a.info(b).persistent_keepalive, 7);
}

TEST_F(PeerNames, a_refused_request_renames_nobody)
{
    ASSERT_TRUE(apply(named(b, "laptop")));
    PeerChange wrong = change_of(c);
    wrong.endpoint = Endpoint{};
    EXPECT_FALSE(apply(named(b, "phone"), std::move(wrong)));
    a.datapath.refuses_publication = true;
    PeerChange fails = named(c, "laptop");
    fails.endpoint = endpoint_at("192.0.2.77:7");
    PeerChange removed = change_of(b);
    removed.remove = true;
    EXPECT_FALSE(apply(std::move(removed), std::move(fails)));
    a.datapath.refuses_publication = false;
    EXPECT_EQ(a.info(b).note.name, "laptop");
    EXPECT_EQ(a.info(c).note.name, "");
    EXPECT_FALSE(apply(named(c, "laptop"))) << "it still is b's";
}

TEST_F(PeerNames, the_name_of_a_removed_peer_is_free_at_once)
{
    ASSERT_TRUE(apply(named(b, "laptop")));
    PeerChange removed = change_of(b);
    removed.remove = true;
    ASSERT_TRUE(apply(std::move(removed), named(c, "laptop")));
    EXPECT_EQ(a.info(c).note.name, "laptop");
    std::vector<PeerChange> only_b;
    only_b.push_back(named(b, "laptop"));
    ASSERT_TRUE(apply(std::move(only_b), true));
    EXPECT_EQ(a.info(b).note.name, "laptop");
}

TEST_F(PeerNames, a_peer_can_be_meant_by_its_name)
{
    ASSERT_TRUE(apply(named(b, "laptop")));
    PeerChange change = meant_by("laptop");
    change.persistent_keepalive = 25;
    ASSERT_TRUE(apply(std::move(change)));
    EXPECT_EQ(a.info(b).persistent_keepalive, 25);
    EXPECT_EQ(a.info(b).note.name, "laptop");
    change = meant_by("laptop");
    change.remove = true;
    ASSERT_TRUE(apply(std::move(change)));
    EXPECT_FALSE(a.device->peer(b.public_key));
    const auto refused = apply(meant_by("laptop"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().what, "name: there is no peer \"laptop\"");
}

TEST_F(PeerNames, events_tell_it)
{
    ASSERT_TRUE(apply(named(b, "laptop")));
    std::vector<std::string> told;
    a.device->report = [&](const PeerEvent &event) { told.emplace_back(event.name); };
    connect();
    PeerChange removed = change_of(b);
    removed.remove = true;
    ASSERT_TRUE(apply(std::move(removed)));
    EXPECT_EQ(told, (std::vector<std::string>{"laptop", "laptop", "laptop"}));
}

} // namespace wg::test
