// SPDX-License-Identifier: MIT
//
// The bell: it rings rarely, and is never left silent while there is something to hear.
#include "unit/device/network.h"

namespace wg::test {

namespace {

class Events : public TwoHosts {
  protected:
    /// Packets arrive faster than the daemons read their bells.
    void make_network_fast()
    {
        network.route = [](const Datagram &) { return std::vector<Duration>{2us}; };
    }
};

} // namespace

TEST_F(Events, bells_are_few_however_many_packets_pass)
{
    connect();
    network.run_for(30s);
    std::size_t bells = 0;
    for (int packet = 0; packet < 8000; ++packet) {
        a.transmit(b, 1);
        network.run_for(2ms);
        bells += a.datapath.events.size() + b.datapath.events.size();
        b.transmit(a, 1);
        network.run_for(2ms);
    }
    EXPECT_LT(bells, 50U);
}

TEST_F(Events, data_answered_before_the_bell_is_read_leaves_the_bell_ready)
{
    connect();
    network.run_for(40s);
    make_network_fast();
    a.transmit(b, 1);
    network.run_for(3us);
    b.transmit(a, 2);
    network.settle();
    EXPECT_FALSE(a.datapath.is_raised(a.peer_of(b), WG_EVENT_SENT));
    EXPECT_FALSE(b.datapath.is_raised(b.peer_of(a), WG_EVENT_RECEIVED));

    network.run_for(30s);
    network.forget();
    network.heal();
    a.transmit(b, 3);
    network.run_for(12s);
    EXPECT_EQ(network.count(b, Kind::keepalive), 1U);
    network.cut();
    network.forget();
    a.transmit(b, 4);
    network.run_for(16s);
    EXPECT_EQ(network.count(a, Kind::initiation), 1U);
}

TEST_F(Events, a_bell_that_found_the_ring_full_is_rung_by_the_next_packet)
{
    connect();
    network.run_for(40s);
    network.forget();
    for (Host *host : {&a, &b})
        host->datapath.ring_size = 0;
    const Instant first = network.clock.instant;
    a.transmit(b, 1);
    network.run_for(2s);
    for (Host *host : {&a, &b})
        host->datapath.ring_size = 1000;
    a.transmit(b, 2);
    network.settle();
    network.cut();
    network.run_for(16s);
    ASSERT_EQ(network.count(b, Kind::keepalive), 1U);
    expect_at(network.times(b, Kind::keepalive)[0], first + 1ms + 10s);
    ASSERT_EQ(network.count(a, Kind::initiation), 1U);
    expect_at(network.times(a, Kind::initiation)[0], first + 15s, 334ms);
}

TEST_F(Events, a_bell_that_rings_while_the_interface_is_down_is_ready_again)
{
    const PeerId id = a.peer_of(b);
    a.device->down(network.clock.now());
    a.datapath.raise(id, 1, WG_EVENT_SENT);
    network.settle();
    EXPECT_FALSE(a.datapath.is_raised(id, WG_EVENT_SENT));
}

TEST_F(Events, a_bell_for_an_older_keypair_begins_no_handshake)
{
    connect();
    network.run_for(10s);
    network.forget();
    a.datapath.raise(a.peer_of(b), a.published(b).current + 1000, WG_EVENT_REKEY);
    a.datapath.raise(a.peer_of(b), a.published(b).current + 1000, WG_EVENT_CONFIRMED);
    network.settle();
    a.device->wipe_keys(a.now());
    a.datapath.raise(a.peer_of(b), a.published(b).current, WG_EVENT_REKEY); // of none
    network.settle();
    EXPECT_EQ(network.count(a, Kind::initiation), 0U);
    EXPECT_FALSE(a.datapath.is_raised(a.peer_of(b), WG_EVENT_REKEY | WG_EVENT_CONFIRMED));
}

} // namespace wg::test
