// SPDX-License-Identifier: MIT
//
// Half an hour of random traffic over a network that loses, repeats and reorders. Whatever
// happened, two peers find each other again, and on the way the fake data plane aborts if a keypair
// id or an index is used twice, a keypair is retired while it is named, or a key of 180 s or more
// is sent with.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "unit/device/network.h"

namespace wg::test {

namespace {

constexpr Duration HALF_HOUR = 30min;

struct Weather {
    unsigned loss;      ///< per cent
    unsigned repeats;   ///< per cent
    Duration delay_max; ///< more than the gap between packets: they overtake each other
};

class Journey {
  public:
    Journey(std::uint64_t seed, const Weather &weather) : engine_(seed)
    {
        for (auto [host, other] : {std::pair(&a, &b), std::pair(&b, &a)}) {
            PeerChange change = change_of(*other);
            change.endpoint = other->endpoint;
            if (chance(50))
                change.persistent_keepalive = static_cast<std::uint16_t>(1 + engine_() % 60);
            host->apply_to_peer(std::move(change));
            host->device->up(network.clock.now());
        }
        network.route = [this, weather](const Datagram &) { return route(weather); };
    }

    /// Bursts, pauses of up to four minutes, now and then a restart, a move or an interface going
    /// down.
    void run()
    {
        const Instant end = network.clock.instant + HALF_HOUR;
        while (network.clock.instant < end) {
            Host &from = chance(50) ? a : b;
            Host &to = &from == &a ? b : a;
            for (std::uint64_t burst = engine_() % 20; burst > 0; --burst) {
                from.transmit(to, ++number_);
                network.run_for(random_duration(50ms));
            }
            if (chance(3))
                from.restart();
            if (chance(3)) // only one of them: two that move at once have lost each other for good
                a.endpoint.port = static_cast<std::uint16_t>(1000 + engine_() % 1000);
            if (chance(2)) {
                from.device->down(network.clock.now());
                network.run_for(random_duration(10s));
                from.device->up(network.clock.now());
            }
            network.run_for(random_duration(chance(10) ? Duration(4min) : Duration(10s)));
        }
    }

    /// Does a packet come through each way, once the network is well again?
    bool converges()
    {
        network.heal();
        for (Host *host : {&a, &b})
            host->delivered.clear();
        // Traffic both ways for as long as a dead session may take to be noticed and replaced.
        for (int second = 0; second < 40; ++second) {
            a.transmit(b, ++number_);
            b.transmit(a, ++number_);
            network.run_for(1s);
        }
        a.delivered.clear();
        b.delivered.clear();
        a.transmit(b, 1);
        b.transmit(a, 2);
        network.settle();
        return b.delivered == std::vector<std::uint32_t>{1} &&
               a.delivered == std::vector<std::uint32_t>{2};
    }

    Network network;
    Host a{network, "192.0.2.1:1000", 1};
    Host b{network, "192.0.2.2:1000", 2};

  private:
    bool chance(unsigned per_cent) { return engine_() % 100 < per_cent; }
    Duration random_duration(Duration most)
    {
        return Duration(
            static_cast<Duration::rep>(engine_() % static_cast<std::uint64_t>(most.count())));
    }
    std::vector<Duration> route(const Weather &weather)
    {
        std::vector<Duration> copies;
        if (!chance(weather.loss))
            copies.push_back(1ms + random_duration(weather.delay_max));
        if (chance(weather.repeats))
            copies.push_back(1ms + random_duration(weather.delay_max));
        return copies;
    }

    std::mt19937_64 engine_;
    std::uint32_t number_ = 100;
};

} // namespace

RC_GTEST_PROP(Convergence, two_peers_find_each_other_again_after_any_weather, ())
{
    const Weather weather{.loss = *rc::gen::inRange(0U, 70U),
                          .repeats = *rc::gen::inRange(0U, 20U),
                          .delay_max = std::chrono::milliseconds(*rc::gen::inRange(1, 3000))};
    Journey journey(*rc::gen::arbitrary<std::uint64_t>(), weather);
    journey.run();
    RC_ASSERT(journey.converges());
    RC_ASSERT(journey.a.datapath.keypair_count() <= 3U);
    RC_ASSERT(journey.b.datapath.keypair_count() <= 3U);
}

} // namespace wg::test
