// SPDX-License-Identifier: MIT
//
// Public-key work that is done elsewhere: what a job finds when it comes back may be another state
// than it began with.
#include <deque>

#include "unit/device/network.h"

namespace wg::test {

class HandedOut : public TwoHosts {
  protected:
    HandedOut()
    {
        b.device->hand_out = [this](HandshakeJob job) { jobs.push_back(std::move(job)); };
    }

    /// The job that has waited longest comes back, or another.
    void finish(std::size_t which = 0)
    {
        ASSERT_LT(which, jobs.size());
        const HandshakeJob job = std::move(jobs[which]);
        jobs.erase(jobs.begin() + static_cast<std::ptrdiff_t>(which));
        job.compute();
        job.finish(b.now());
    }
    void finish_all()
    {
        while (!jobs.empty())
            finish();
        network.settle();
    }
    /// Initiations of a that did not reach b, with time in between.
    std::vector<Datagram> initiations(std::size_t number)
    {
        network.cut();
        std::vector<Datagram> made;
        for (std::size_t i = 0; i < number; i++) {
            a.transmit(b, 1);
            network.run_for(6s);
            made.push_back(network.last(a, Kind::initiation));
        }
        network.heal();
        return made;
    }
    std::size_t responses() const { return network.count(b, Kind::response); }

    std::deque<HandshakeJob> jobs;
};

TEST_F(HandedOut, both_sides_of_a_handshake_work_with_jobs)
{
    a.transmit(b, 1);
    network.settle();
    EXPECT_EQ(responses(), 0U);
    ASSERT_EQ(jobs.size(), 1U); // whose is it?
    EXPECT_TRUE(jobs.front().is_answer);
    finish();
    EXPECT_EQ(responses(), 0U);
    ASSERT_EQ(jobs.size(), 1U); // the response
    finish();
    network.settle();
    EXPECT_EQ(b.delivered, std::vector<std::uint32_t>{1});

    network.run_for(1000s); // forgotten
    b.transmit(a, 2);
    ASSERT_EQ(jobs.size(), 1U); // the initiation
    EXPECT_FALSE(jobs.front().is_answer);
    finish();
    network.settle();
    ASSERT_EQ(jobs.size(), 1U); // the response to it
    EXPECT_TRUE(jobs.front().is_answer);
    finish_all();
    EXPECT_EQ(a.delivered, std::vector<std::uint32_t>{2});
}

TEST_F(HandedOut, an_initiation_is_not_sent_to_where_the_peer_is_no_more)
{
    b.transmit(a, 1);
    ASSERT_EQ(jobs.size(), 1U);
    PeerChange change = change_of(a);
    change.forget_endpoint = true;
    b.apply_to_peer(std::move(change));
    finish();
    network.settle();
    EXPECT_EQ(network.count(b, Kind::initiation), 0U);
}

TEST_F(HandedOut, an_initiation_that_waits_is_begun_once_and_its_intervals_begin_when_it_leaves)
{
    network.cut();
    b.transmit(a, 1);
    network.run_for(30s);
    ASSERT_EQ(jobs.size(), 1U);
    EXPECT_EQ(network.count(b, Kind::initiation), 0U);
    finish();
    EXPECT_EQ(network.count(b, Kind::initiation), 1U);
    network.run_for(4900ms);
    EXPECT_EQ(jobs.size(), 0U);
    network.run_for(1s);
    EXPECT_EQ(jobs.size(), 1U);
}

TEST_F(HandedOut, work_that_nobody_waits_for_any_more_is_not_done)
{
    b.transmit(a, 1);
    ASSERT_EQ(jobs.size(), 1U);
    b.device->down(b.now());
    b.device->up(b.now());
    finish();
    EXPECT_EQ(network.count(b, Kind::initiation), 0U);
}

TEST_F(HandedOut, of_two_initiations_the_newer_counts_whichever_is_read_first)
{
    const auto made = initiations(2);
    b.receive(made[0]);
    b.receive(made[1]);
    ASSERT_EQ(jobs.size(), 2U);
    finish(1); // the newer one is identified first; its response follows in the queue
    finish(0);
    EXPECT_EQ(b.dropped(WG_DROP_REPLAYED_TIMESTAMP), 1U);
    ASSERT_EQ(jobs.size(), 1U);
    finish_all();
    EXPECT_EQ(responses(), 1U);
}

TEST_F(HandedOut, a_response_is_not_sent_to_an_initiation_that_a_newer_one_has_displaced)
{
    const auto made = initiations(2);
    b.receive(made[0]);
    finish();
    ASSERT_EQ(jobs.size(), 1U); // its response
    network.run_for(100ms);
    b.receive(made[1]);
    finish(1);
    ASSERT_EQ(jobs.size(), 2U);
    finish(); // the first response: too late
    EXPECT_EQ(responses(), 0U);
    EXPECT_EQ(b.dropped(WG_DROP_INITIATION_FLOOD), 1U);
    finish_all();
    EXPECT_EQ(responses(), 1U);
}

TEST_F(HandedOut, a_replay_that_is_read_at_the_same_time_is_refused)
{
    const auto made = initiations(1);
    b.receive(made[0]);
    b.receive(made[0]);
    ASSERT_EQ(jobs.size(), 2U);
    finish();
    finish();
    EXPECT_EQ(b.dropped(WG_DROP_REPLAYED_TIMESTAMP), 1U);
    finish_all();
    EXPECT_EQ(responses(), 1U);
}

TEST_F(HandedOut, a_peer_that_is_removed_meanwhile_gets_nothing)
{
    const auto made = initiations(2);
    const auto remove = [this] {
        PeerChange change;
        change.public_key = a.public_key;
        change.remove = true;
        b.apply_to_peer(std::move(change));
    };
    b.receive(made[0]);
    remove();
    finish();
    EXPECT_EQ(b.dropped(WG_DROP_UNKNOWN_PEER), 1U);
    EXPECT_TRUE(jobs.empty());

    b.add_peer(a);
    b.receive(made[0]);
    finish();
    ASSERT_EQ(jobs.size(), 1U); // its response
    remove();
    b.add_peer(a); // the same key, another peer
    b.receive(made[1]);
    finish(1);
    finish(); // of the peer that was
    EXPECT_EQ(responses(), 0U);
    finish_all();
    EXPECT_EQ(responses(), 1U);
}

TEST_F(HandedOut, what_was_made_with_a_private_key_goes_with_it)
{
    const auto change_key = [this](std::uint8_t byte) {
        DeviceChange change;
        change.private_key = Key(std::array<std::uint8_t, 32>{byte});
        b.apply(std::move(change));
    };
    const auto made = initiations(2);
    b.receive(made[0]);
    change_key(1);
    finish(); // identified by the old key
    EXPECT_TRUE(jobs.empty());

    DeviceChange back;
    back.private_key = b.private_key.clone();
    b.apply(std::move(back));
    b.receive(made[1]);
    finish();
    ASSERT_EQ(jobs.size(), 1U); // the response
    change_key(2);
    finish_all();
    EXPECT_EQ(responses(), 0U);
    EXPECT_EQ(b.published(a).next, 0U);
}

TEST_F(HandedOut, nothing_is_sent_or_kept_once_the_interface_was_down)
{
    const auto made = initiations(2);
    b.receive(made[0]);
    b.device->down(b.now());
    b.device->up(b.now());
    finish();
    EXPECT_TRUE(jobs.empty());

    b.receive(made[1]);
    finish();
    ASSERT_EQ(jobs.size(), 1U); // the response
    b.device->down(b.now());
    finish();
    b.device->up(b.now());
    EXPECT_EQ(responses(), 0U);
    EXPECT_EQ(b.published(a).next, 0U);

    b.transmit(a, 1);
    ASSERT_EQ(jobs.size(), 1U); // an initiation
    b.device->down(b.now());
    finish_all();
    EXPECT_EQ(network.count(b, Kind::initiation), 0U);
}

TEST_F(HandedOut, a_response_comes_too_late_for_an_initiation_that_was_repeated)
{
    b.transmit(a, 1);
    finish(); // the initiation
    network.settle();
    ASSERT_EQ(jobs.size(), 1U); // a's response to it
    network.run_for(6s);        // sent again meanwhile
    ASSERT_EQ(jobs.size(), 2U);
    finish(1); // the second initiation
    finish(0); // the response to the first
    EXPECT_EQ(b.dropped(WG_DROP_UNEXPECTED_RESPONSE), 1U);
    EXPECT_EQ(b.published(a).current, 0U);
    finish_all();
    finish_all();
    EXPECT_EQ(a.delivered, std::vector<std::uint32_t>{1});
}

TEST_F(HandedOut, an_initiation_that_a_session_has_overtaken_is_not_sent)
{
    b.transmit(a, 1);
    ASSERT_EQ(jobs.size(), 1U); // our initiation
    a.transmit(b, 2);
    network.settle();
    finish(1); // theirs
    finish(1); // our response
    network.settle();
    EXPECT_NE(b.published(a).current, 0U);
    finish_all();
    EXPECT_EQ(network.count(b, Kind::initiation), 0U);
    EXPECT_EQ(a.delivered, std::vector<std::uint32_t>{1});
}

} // namespace wg::test
