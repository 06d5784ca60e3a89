// SPDX-License-Identifier: MIT
//
// A peer that may be in several places: when the next one is tried, and when not.
#include "unit/device/network.h"

namespace wg::test {

class FailOver : public TwoHosts {
  protected:
    using Places = std::vector<std::string>;
    static constexpr const char *NOBODY = "[2001:db8::99]:9";
    static constexpr const char *OF_B = "192.0.2.2:1000";

    FailOver()
    {
        a.device->look_up = [this](const PublicKey &peer, const Places &places) {
            EXPECT_EQ(peer, b.public_key);
            asked.push_back(places);
        };
        a.device->report = [this](const PeerEvent &event) {
            if (event.kind == PeerEventKind::endpoint_moved)
                moved.emplace_back(event.reason);
        };
    }

    void set_places(const Places &places)
    {
        PeerChange change = change_of(b);
        change.places = places;
        a.apply_to_peer(std::move(change));
    }
    std::string endpoint() const
    {
        const auto endpoint = a.info(b).endpoint;
        return endpoint ? endpoint->text() : "none";
    }
    void found(const Places &places, const Places &addresses)
    {
        std::vector<Endpoint> candidates;
        for (const std::string &address : addresses)
            candidates.push_back(endpoint_at(address));
        a.device->found(b.public_key, places, candidates, a.now());
    }
    /// One packet a second, whoever hears it.
    void talk(Duration duration)
    {
        for (const Instant end = network.clock.instant + duration; network.clock.instant < end;) {
            a.transmit(b, ++number);
            network.run_for(1s);
        }
    }

    std::vector<Places> asked;
    std::vector<std::string> moved;
    std::uint32_t number = 0;
};

TEST_F(FailOver, after_three_initiations_without_an_answer_the_next_place_is_tried)
{
    set_places({NOBODY, OF_B});
    EXPECT_EQ(endpoint(), NOBODY);
    const Instant began = network.clock.instant;
    a.transmit(b, 1);
    network.run_until(began + 15s - 1ms);
    EXPECT_EQ(network.count(a, Kind::initiation), 3U);
    EXPECT_EQ(endpoint(), NOBODY);
    network.run_for(2s);
    EXPECT_EQ(endpoint(), OF_B);
    EXPECT_EQ(b.delivered, std::vector<std::uint32_t>{1}) << "what waited for the key";
    EXPECT_EQ(moved, std::vector<std::string>{"fail_over"});
    EXPECT_TRUE(asked.empty()) << "addresses need not be looked up";
}

TEST_F(FailOver, the_first_place_comes_after_the_last)
{
    set_places({OF_B, NOBODY});
    network.cut();
    a.transmit(b, 1);
    network.run_for(20s);
    EXPECT_EQ(endpoint(), NOBODY);
    network.heal();
    network.run_for(20s);
    EXPECT_EQ(endpoint(), OF_B);
    EXPECT_EQ(b.delivered, std::vector<std::uint32_t>{1});
}

TEST_F(FailOver, a_place_that_dies_under_a_session_is_left)
{
    set_places({OF_B, "192.0.2.7:7"});
    connect();
    b.endpoint = endpoint_at("192.0.2.7:7");
    b.delivered.clear();
    talk(60s);
    EXPECT_EQ(endpoint(), "192.0.2.7:7");
    ASSERT_FALSE(b.delivered.empty());
    EXPECT_EQ(b.delivered.back(), number);
}

TEST_F(FailOver, where_the_peer_has_roamed_to_and_answers_it_is_left)
{
    set_places({OF_B, NOBODY});
    connect();
    b.endpoint.port = 4000;
    b.transmit(a, 1);
    converse(400s);
    EXPECT_EQ(endpoint(), "192.0.2.2:4000");
    set_places({OF_B, NOBODY});
    found({OF_B, NOBODY}, {OF_B});
    EXPECT_EQ(endpoint(), "192.0.2.2:4000") << "these were its places already";
    EXPECT_EQ(moved, std::vector<std::string>{""});
}

TEST_F(FailOver, names_are_looked_up_when_they_are_given_and_when_nobody_answers)
{
    const Places names{"b.example:1000"};
    PeerChange forget = change_of(b);
    forget.remove = true;
    a.apply_to_peer(std::move(forget));
    set_places(names);
    EXPECT_EQ(asked, std::vector<Places>{names});
    EXPECT_EQ(endpoint(), "none");
    found(names, {NOBODY});
    EXPECT_EQ(endpoint(), NOBODY);

    a.transmit(b, 1);
    network.run_for(17s);
    EXPECT_EQ(asked.size(), 2U);
    found(names, {});
    EXPECT_EQ(endpoint(), NOBODY) << "the name may be found again later";
    network.run_for(16s);
    EXPECT_EQ(asked.size(), 3U);
    found({"another:1"}, {"192.0.2.55:5"});
    EXPECT_EQ(endpoint(), NOBODY) << "an answer to what was asked before";
    found(names, {OF_B});
    EXPECT_EQ(endpoint(), OF_B);
    network.run_for(6s);
    EXPECT_EQ(b.delivered, std::vector<std::uint32_t>{1});
    found(names, {NOBODY});
    EXPECT_EQ(endpoint(), OF_B) << "where it answers";
}

TEST_F(FailOver, an_address_that_two_names_mean_is_tried_once)
{
    const Places names{NOBODY, "b.example:1000"};
    set_places(names);
    found(names, {NOBODY, NOBODY, OF_B});
    a.transmit(b, 1);
    network.run_for(20s);
    EXPECT_EQ(endpoint(), OF_B);
}

TEST_F(FailOver, packets_that_keep_coming_do_not_put_it_off)
{
    set_places({NOBODY, OF_B});
    talk(20s);
    EXPECT_EQ(endpoint(), OF_B);
}

TEST_F(FailOver, an_answer_that_is_slow_is_waited_for)
{
    set_places({NOBODY, "b.example:1000"});
    network.cut();
    a.transmit(b, 1);
    network.run_for(60s);
    EXPECT_EQ(asked.size(), 1U) << "one question at a time";
}

TEST_F(FailOver, an_endpoint_alone_means_that_there_are_no_others)
{
    set_places({OF_B, NOBODY});
    PeerChange change = change_of(b);
    change.endpoint = endpoint_at("192.0.2.55:5");
    a.apply_to_peer(std::move(change));
    EXPECT_TRUE(a.info(b).note.places.empty());
    a.transmit(b, 1);
    network.run_for(80s);
    EXPECT_EQ(endpoint(), "192.0.2.55:5");
}

TEST_F(FailOver, a_refused_request_leaves_the_places)
{
    set_places({OF_B, NOBODY});
    a.datapath.refuses_publication = true;
    PeerChange change = change_of(b);
    change.places = Places{"192.0.2.55:5"};
    DeviceChange all;
    all.peers.push_back(std::move(change));
    EXPECT_FALSE(a.device->apply(std::move(all), a.now()));
    a.datapath.refuses_publication = false;
    EXPECT_EQ(a.info(b).note.places, (Places{OF_B, NOBODY}));
    EXPECT_EQ(endpoint(), OF_B);
}

} // namespace wg::test
