// SPDX-License-Identifier: MIT
//
// Random hours: what happens to hosts, a list of steps, over a network that loses, repeats and
// reorders. Whatever it was, the promises of Simulation hold. On a failure RapidCheck shrinks the
// list and prints it with the seed of the network's dice and RC_PARAMS to run it again.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "unit/device/simulation.h"

namespace wg::test {

namespace {

/// Enough steps to fill an hour, in the later of a property's cases.
constexpr int STEPS_MAX = 250;

rc::Gen<Step> any_step()
{
    const auto what = rc::gen::weightedElement<Happening>({{40, Happening::burst},
                                                           {20, Happening::pause},
                                                           {12, Happening::long_pause},
                                                           {1, Happening::sleep},
                                                           {3, Happening::restart},
                                                           {3, Happening::down_up},
                                                           {4, Happening::move},
                                                           {3, Happening::wall_clock_step},
                                                           {2, Happening::wipe_keys},
                                                           {2, Happening::copy},
                                                           {3, Happening::spend_nonces},
                                                           {2, Happening::preshared_key},
                                                           {1, Happening::private_key},
                                                           {3, Happening::persistent_keepalive},
                                                           {3, Happening::load}});
    return rc::gen::build<Step>(rc::gen::set(&Step::what, what),
                                rc::gen::set(&Step::who, rc::gen::inRange(0U, 6U)),
                                rc::gen::set(&Step::to, rc::gen::inRange(0U, 2U)),
                                rc::gen::set(&Step::amount, rc::gen::inRange(0U, 1000U)));
}

void check(std::size_t hosts)
{
    const auto weather = *rc::gen::build<Weather>(
        rc::gen::set(&Weather::seed, rc::gen::arbitrary<std::uint64_t>()),
        rc::gen::set(&Weather::loss, rc::gen::inRange(0U, 70U)),
        rc::gen::set(&Weather::repeats, rc::gen::inRange(0U, 20U)),
        // Faster than the daemon reads its bell, or slower than the next packet.
        rc::gen::set(&Weather::delay_max, rc::gen::element<Duration>(10us, 1ms, 100ms, 3s)));
    const auto steps =
        *rc::gen::resize(STEPS_MAX, rc::gen::container<std::vector<Step>>(any_step()));

    Simulation simulation(hosts, weather);
    simulation.run(steps);
    simulation.converge();
    simulation.fall_silent();
    simulation.flush_staged();
    simulation.check_initiations();
    simulation.check_deliveries();
}

} // namespace

RC_GTEST_PROP(Convergence, two_peers_keep_every_promise_in_any_weather, ())
{
    check(2);
}

RC_GTEST_PROP(Convergence, three_peers_keep_every_promise_in_any_weather, ())
{
    check(3);
}

} // namespace wg::test
