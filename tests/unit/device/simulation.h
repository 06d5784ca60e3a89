// SPDX-License-Identifier: MIT
//
// Two or three hosts, each other's peers, through weather and mishaps, and what must hold of them
// whatever happened. A Step is one thing that happens; the network's own dice have a seed.
#pragma once

#include <iosfwd>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <vector>

#include "unit/device/network.h"

namespace wg::test {

struct Weather {
    std::uint64_t seed;
    unsigned loss;      ///< per cent
    unsigned repeats;   ///< per cent
    Duration delay_max; ///< more than the gap between packets: they overtake each other
};
std::ostream &operator<<(std::ostream &out, const Weather &weather);

enum class Happening : std::uint8_t {
    burst,           ///< up to 20 packets to one peer
    pause,           ///< up to 10 s
    long_pause,      ///< up to 4 min
    sleep,           ///< the machines sleep for hours: boottime goes on, nothing runs
    restart,         ///< another daemon takes over
    down_up,         ///< the interface, for up to 10 s
    move,            ///< another port; only the first host: two that move have lost each other
    wall_clock_step, ///< forward or back; only the second host: see Simulation::heal()
    wipe_keys,       ///< as before suspend
    copy,            ///< expire_sending_keys()
    spend_nonces,    ///< of a current keypair: near one of the two limits
    preshared_key,   ///< a new one on both sides, or on one
    private_key,     ///< a new one; the others learn its public key
    persistent_keepalive,
    load, ///< under load for a second
};

struct Step {
    Happening what;
    unsigned who;    ///< modulo the number of hosts
    unsigned to;     ///< likewise, of the others
    unsigned amount; ///< 0..999: how much of it
};
std::ostream &operator<<(std::ostream &out, const Step &step);

/// Every check throws, with what is broken.
class Simulation {
  public:
    Simulation(std::size_t hosts, const Weather &weather);

    void run(const std::vector<Step> &steps);
    /// The network is well again and people have set the same keys on both sides: data flows within
    /// 40 s of traffic between all, in both directions.
    void converge();
    /// Nobody has anything to say: all fall silent, and forget their keys.
    void fall_silent();
    /// Twice as many packets as may be staged, at once and without a key: the later half comes
    /// through, in order. And one that the responder has to stage.
    void flush_staged();
    /// Of everything that was sent since the beginning.
    void check_initiations() const;
    void check_deliveries() const;

  private:
    void happen(const Step &step);
    void happen_to_machine(const Step &step, Host &host);
    void happen_to_keys(const Step &step, Host &host, Host &other);
    void burst(Host &from, Host &to, unsigned packets);
    void take_down(Host &host);
    void set_preshared_key(Host &host, const Host &other, const Key &key);
    void change_private_key(Host &host);
    void set_keepalive(std::uint16_t seconds);
    void heal();
    void check_memory() const;
    void transmit(Host &from, Host &to);
    /// From now on this host may begin a handshake although it has just sent one.
    void clock_of_initiations_is_reset(const Host &host)
    {
        resets_[&host].push_back(network_.clock.instant);
    }
    template <typename Action>
    void for_each_pair(Action action)
    {
        for (auto &from : hosts_)
            for (auto &to : hosts_)
                if (from != to)
                    action(*from, *to);
    }

    unsigned chance(unsigned per_cent) { return engine_() % 100 < per_cent; }
    Duration random_duration(Duration most);

    std::mt19937_64 engine_;
    Weather weather_;
    Network network_;
    std::vector<std::unique_ptr<Host>> hosts_;
    std::map<const Host *, std::vector<Instant>> resets_;
    std::uint32_t number_ = 0; ///< of the last packet: no two are the same
};

} // namespace wg::test
