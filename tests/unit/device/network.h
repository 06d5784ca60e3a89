// SPDX-License-Identifier: MIT
//
// Devices on fake data planes, joined by a network with delay and loss, in simulated time:
//
//     host a ── Device ── FakeDatapath ──┐                     ┌── FakeDatapath ── Device ── host b
//     192.0.2.1:1000                     └── Network (clock) ──┘                     192.0.2.2:1000
#pragma once

#include <list>
#include <queue>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "device/device.h"
#include "noise/crypto.h"
#include "unit/device/fake_datapath.h"

namespace wg::test {

using namespace std::chrono_literals;

class SeededRandom final : public Random {
  public:
    explicit SeededRandom(std::uint64_t seed) : engine_(seed) {}
    void fill(MutableBytes bytes) override
    {
        for (auto &byte : bytes)
            byte = static_cast<std::uint8_t>(engine_());
    }

  private:
    std::mt19937_64 engine_;
};

enum class Kind { initiation, response, cookie, data, keepalive };

class Host;

struct Datagram {
    Kind kind{};
    Host *sender = nullptr;
    Endpoint from{};
    Endpoint to{};
    Buffer message{};   ///< types 1 to 3
    DataMessage data{}; ///< type 4
    std::uint8_t ds = 0;
    Instant sent_at{};
};

class Network {
  public:
    /// Any number of copies, each after a delay of its own. None: lost.
    using Route = std::function<std::vector<Duration>(const Datagram &)>;

    void run_for(Duration duration) { run_until(clock.instant + duration); }
    void run_until(Instant end);
    /// Lets what is under way arrive, and no more.
    void settle() { run_for(20ms); }
    void at(Instant when, std::function<void()> action)
    {
        actions_.push({when, ++sequence_, std::move(action)});
    }
    void send(Datagram datagram);
    /// Nothing reaches anybody from now on.
    void cut()
    {
        route = [](const Datagram &) { return std::vector<Duration>{}; };
    }
    void heal()
    {
        route = [](const Datagram &) { return std::vector<Duration>{1ms}; };
    }

    /// When this host sent messages of this kind, since the beginning or forget().
    std::vector<Instant> times(const Host &host, Kind kind) const;
    std::size_t count(const Host &host, Kind kind) const { return times(host, kind).size(); }
    const Datagram &last(const Host &host, Kind kind) const;
    void forget() { log.clear(); }

    Clock clock;
    Route route = [](const Datagram &) { return std::vector<Duration>{1ms}; };
    std::vector<Datagram> log; ///< everything sent, lost or not
    std::vector<Host *> hosts;

  private:
    struct Action {
        Instant when;
        std::uint64_t sequence;
        std::function<void()> run;
        bool operator<(const Action &other) const
        {
            return std::pair(other.when, other.sequence) < std::pair(when, sequence);
        }
    };

    void deliver(const Datagram &datagram);
    Instant next_step();

    std::priority_queue<Action> actions_;
    std::uint64_t sequence_ = 0;
};

/// One machine: daemon, data plane, addresses.
class Host {
  public:
    Host(Network &its_network, const std::string &address, std::uint64_t seed);

    /// The other becomes a peer, with its endpoint unless told otherwise.
    PeerId add_peer(const Host &other, bool with_endpoint = true);
    PeerId peer_of(const Host &other) const { return *device->peer_id(other.public_key); }
    const PeerState &published(const Host &other) const
    {
        return *datapath.published(peer_of(other));
    }
    PeerInfo info(const Host &other) const { return *device->peer(other.public_key); }
    PeerActivity activity(const Host &other) { return datapath.activity(peer_of(other)); }
    /// An application sends: by the data plane, or where that cannot, by the device.
    void transmit(const Host &to, std::uint32_t number);
    void apply(DeviceChange change)
    {
        require(device->apply(std::move(change), now()).has_value(), "a request is refused");
    }
    void apply_to_peer(PeerChange change);
    void set_keepalive(const Host &other, std::uint16_t seconds);
    void receive(const Datagram &datagram);
    /// The daemon dies and another takes over.
    void restart();
    std::uint64_t dropped(wg_drop_reason reason) const
    {
        auto found = datapath.drops.find(reason);
        return found == datapath.drops.end() ? 0 : found->second;
    }

    /// This machine's clocks.
    Now now() const
    {
        const Now true_time = network.clock.now();
        return {true_time.instant, true_time.wall + wall_clock_error};
    }

    // what the daemon's loop does
    Instant next_step();
    void step();

    Network &network;
    Duration wall_clock_error{};
    Endpoint endpoint;
    SeededRandom random;
    Key private_key;
    PublicKey public_key;
    FakeDatapath datapath;
    std::unique_ptr<Device> device;
    std::vector<std::uint32_t> delivered; ///< to the applications here
    std::vector<PeerId> endpoint_changes;

  private:
    void make_device();

    std::optional<Instant> ring_due_;
};

/// Two hosts that know each other, up.
class TwoHosts : public ::testing::Test {
  protected:
    TwoHosts();
    /// a begins; afterwards both have the session as current.
    void connect();
    /// One packet each way every second.
    void converse(Duration duration);

    Network network;
    Host a{network, "192.0.2.1:1000", 1};
    Host b{network, "192.0.2.2:1000", 2};
};

inline PeerChange change_of(const Host &host)
{
    PeerChange change;
    change.public_key = host.public_key;
    return change;
}

inline Endpoint endpoint_at(const std::string &text)
{
    return Endpoint::parse(text).value();
}

/// The simulated clock moves by nanoseconds with each stamp: times are compared with some room.
inline void expect_at(Instant actual, Instant expected, Duration room = 1ms)
{
    EXPECT_GE(actual, expected);
    EXPECT_LE(actual, expected + room) << (actual - expected) / 1ms << " ms late";
}

} // namespace wg::test
