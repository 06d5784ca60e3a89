// SPDX-License-Identifier: MIT
#include "unit/device/simulation.h"

#include <algorithm>
#include <ostream>

namespace wg::test {

namespace {

constexpr const char *NAMES[] = {"burst",        "pause",
                                 "long_pause",   "sleep",
                                 "restart",      "down_up",
                                 "move",         "wall_clock_step",
                                 "wipe_keys",    "copy",
                                 "spend_nonces", "preshared_key",
                                 "private_key",  "persistent_keepalive",
                                 "load"};

Duration fraction(Duration of, unsigned amount)
{
    return of * amount / 1000;
}

} // namespace

std::ostream &operator<<(std::ostream &out, const Weather &weather)
{
    return out << "seed " << weather.seed << ", loss " << weather.loss << " %, repeats "
               << weather.repeats << " %, delays up to " << weather.delay_max / 1us << " us";
}

std::ostream &operator<<(std::ostream &out, const Step &step)
{
    return out << "\n  {" << NAMES[static_cast<std::size_t>(step.what)] << ", " << step.who << ", "
               << step.to << ", " << step.amount << "}";
}

Simulation::Simulation(std::size_t hosts, const Weather &weather)
    : engine_(weather.seed), weather_(weather)
{
    for (std::size_t i = 1; i <= hosts; ++i)
        hosts_.push_back(std::make_unique<Host>(network_, "192.0.2." + std::to_string(i) + ":1000",
                                                weather.seed + i));
    for_each_pair([](Host &host, Host &other) { host.add_peer(other); });
    for (auto &host : hosts_)
        host->device->up(host->now());
    network_.route = [this](const Datagram &) {
        std::vector<Duration> copies;
        if (!chance(weather_.loss))
            copies.push_back(1us + random_duration(weather_.delay_max));
        if (chance(weather_.repeats))
            copies.push_back(1us + random_duration(weather_.delay_max));
        return copies;
    };
}

void Simulation::run(const std::vector<Step> &steps)
{
    for (const Step &step : steps) {
        happen(step);
        network_.run_for(random_duration(2s));
        check_memory();
    }
}

void Simulation::happen(const Step &step)
{
    Host &host = *hosts_[step.who % hosts_.size()];
    Host &other = *hosts_[(step.who + 1 + step.to % (hosts_.size() - 1)) % hosts_.size()];

    switch (step.what) {
    case Happening::burst:
        return burst(host, other, step.amount % 20);
    case Happening::pause:
        return network_.run_for(fraction(10s, step.amount));
    case Happening::long_pause:
        return network_.run_for(fraction(4min, step.amount));
    case Happening::sleep:
        network_.clock.instant += fraction(3h, step.amount);
        return;
    case Happening::preshared_key:
    case Happening::private_key:
    case Happening::copy:
    case Happening::wipe_keys:
    case Happening::spend_nonces:
        return happen_to_keys(step, host, other);
    default:
        return happen_to_machine(step, host);
    }
}

void Simulation::happen_to_machine(const Step &step, Host &host)
{
    switch (step.what) {
    case Happening::restart:
        clock_of_initiations_is_reset(host);
        return host.restart();
    case Happening::down_up:
        take_down(host);
        network_.run_for(fraction(10s, step.amount));
        return host.device->up(host.now());
    case Happening::move:
        hosts_[0]->endpoint.port = static_cast<std::uint16_t>(1000 + step.amount);
        return;
    case Happening::wall_clock_step:
        hosts_[1]->wall_clock_error = fraction(48h, step.amount) - 24h;
        return;
    case Happening::persistent_keepalive:
        // On hosts that began at once, one of REKEY_TIMEOUT or less lets initiations cross for
        // ever: it comes before the retry, which has a jitter. So it would be with the driver.
        return set_keepalive(static_cast<std::uint16_t>(step.amount % 2 * (6 + step.amount % 55)));
    default:
        return host.device->handshakes_queued(512, host.now());
    }
}

void Simulation::happen_to_keys(const Step &step, Host &host, Host &other)
{
    switch (step.what) {
    case Happening::wipe_keys:
        return host.device->wipe_keys(host.now());
    case Happening::copy:
        clock_of_initiations_is_reset(host);
        host.datapath.forbid_sending();
        return host.device->expire_sending_keys(host.now());
    case Happening::private_key:
        return change_private_key(host);
    case Happening::preshared_key: {
        const Key key = generate_private_key(host.random);
        set_preshared_key(host, other, key);
        if (step.amount % 2 == 0)
            set_preshared_key(other, host, key);
        return;
    }
    default:
        if (const KeypairId current = host.published(other).current)
            host.datapath.set_counter(
                current, (step.amount % 2 == 0 ? REKEY_AFTER_MESSAGES : REJECT_AFTER_MESSAGES) -
                             step.amount % 5);
    }
}

void Simulation::burst(Host &from, Host &to, unsigned packets)
{
    for (; packets > 0; --packets) {
        transmit(from, to);
        network_.run_for(random_duration(50ms));
    }
}

void Simulation::transmit(Host &from, Host &to)
{
    from.transmit(to, ++number_);
}

void Simulation::take_down(Host &host)
{
    const std::uint64_t before = host.dropped(WG_DROP_STAGED_PURGED);
    clock_of_initiations_is_reset(host);
    host.device->down(host.now());
    require(host.dropped(WG_DROP_STAGED_PURGED) - before <=
                MAX_STAGED_PACKETS * (hosts_.size() - 1),
            "more was staged than may be");
    require(host.datapath.keypair_count() == 0, "keys are left on an interface that is down");
    require(host.device->next_deadline() == NEVER, "a timer is left on an interface that is down");
}

void Simulation::set_preshared_key(Host &host, const Host &other, const Key &key)
{
    PeerChange change = change_of(other);
    change.preshared_key = key.clone();
    host.apply_to_peer(std::move(change));
}

void Simulation::change_private_key(Host &host)
{
    for (auto &each : hosts_)
        clock_of_initiations_is_reset(*each);
    const PublicKey old = host.public_key;
    host.private_key = generate_private_key(host.random);
    host.public_key = derive_public_key(host.private_key);
    host.datapath.forbid_sending();
    DeviceChange own;
    own.private_key = host.private_key.clone();
    host.apply(std::move(own));

    for (auto &other : hosts_) {
        if (&*other == &host)
            continue;
        DeviceChange theirs;
        theirs.peers.resize(2);
        theirs.peers[0].public_key = old;
        theirs.peers[0].remove = true;
        theirs.peers[1] = change_of(host);
        theirs.peers[1].endpoint = host.endpoint;
        theirs.peers[1].preshared_key = host.info(*other).preshared_key->clone();
        other->apply(std::move(theirs));
    }
}

void Simulation::set_keepalive(std::uint16_t seconds)
{
    for_each_pair([seconds](Host &host, Host &other) { host.set_keepalive(other, seconds); });
}

void Simulation::heal()
{
    network_.heal();
    for_each_pair([this](Host &host, Host &other) {
        if (host.endpoint.address.bytes < other.endpoint.address.bytes)
            set_preshared_key(host, other, *other.info(host).preshared_key);
    });
    // The clock of the second host stays wrong: its initiations may be refused for a day, but not
    // those of the others.
}

void Simulation::converge()
{
    heal();
    for (int second = 0; second < 40; ++second) {
        for_each_pair([this](Host &from, Host &to) { transmit(from, to); });
        network_.run_for(1s);
    }
    std::map<Host *, std::set<std::uint32_t>> expected;
    for_each_pair([this, &expected](Host &from, Host &to) {
        transmit(from, to);
        expected[&to].insert(number_);
    });
    const std::uint32_t first =
        number_ - static_cast<std::uint32_t>(hosts_.size() * (hosts_.size() - 1)) + 1;
    network_.settle();
    for (auto &host : hosts_) {
        std::set<std::uint32_t> arrived;
        std::ranges::copy_if(host->delivered, std::inserter(arrived, arrived.end()),
                             [first](std::uint32_t number) { return number >= first; });
        require(arrived == expected[&*host], "data does not flow again after 40 s");
    }
}

void Simulation::fall_silent()
{
    set_keepalive(0);
    network_.run_for(150s); // a host whose clock is wrong tries for 107 s
    const std::size_t sent = network_.log.size();
    network_.run_for(600s);
    require(network_.log.size() == sent, "an idle tunnel is not silent");
    for (auto &host : hosts_) {
        require(host->datapath.keypair_count() == 0, "keys are left after 540 s");
        require(host->device->next_deadline() == NEVER, "an idle device has a timer");
    }
}

void Simulation::flush_staged()
{
    const std::uint32_t first = number_ + 1;
    std::vector<std::uint32_t> expected;
    for (std::uint32_t i = 0; i < 2 * MAX_STAGED_PACKETS; ++i) {
        transmit(*hosts_[0], *hosts_[1]);
        if (i >= MAX_STAGED_PACKETS)
            expected.push_back(number_);
    }
    network_.run_for(1500us); // the response is under way, and the responder waits for its answer
    transmit(*hosts_[1], *hosts_[0]);
    network_.settle();
    require(!hosts_[0]->delivered.empty() && hosts_[0]->delivered.back() == number_,
            "what the responder staged is lost although the handshake succeeded");
    std::vector<std::uint32_t> arrived;
    std::ranges::copy_if(hosts_[1]->delivered, std::back_inserter(arrived),
                         [first](std::uint32_t number) { return number >= first; });
    require(arrived == expected, "other packets than the last 128 were staged and sent");
}

void Simulation::check_memory() const
{
    for (const auto &host : hosts_)
        require(host->datapath.keypair_count() <= 3 * (hosts_.size() - 1),
                "more than three keypairs of a peer");
}

void Simulation::check_initiations() const
{
    std::map<std::pair<const Host *, std::string>, Instant> last_sent;
    for (const Datagram &datagram : network_.log) {
        if (datagram.kind != Kind::initiation && datagram.kind != Kind::response)
            continue;
        const Instant now = datagram.sent_at;
        const auto [last, first] = last_sent.try_emplace(
            {datagram.sender, datagram.to.address.text()}, now - ns(REKEY_TIMEOUT));
        const auto resets = resets_.find(datagram.sender);
        const bool was_reset =
            resets != resets_.end() &&
            std::ranges::any_of(resets->second, [from = last->second, now](Instant reset) {
                return reset >= from && reset <= now;
            });
        require(datagram.kind == Kind::response || was_reset ||
                    now - last->second >= ns(REKEY_TIMEOUT),
                "two initiations to a peer within 5 s");
        last->second = now;
    }
}

void Simulation::check_deliveries() const
{
    for (const auto &host : hosts_) {
        const std::set<std::uint32_t> numbers(host->delivered.begin(), host->delivered.end());
        require(numbers.size() == host->delivered.size(), "a packet is delivered twice");
    }
}

Duration Simulation::random_duration(Duration most)
{
    return Duration(
        static_cast<Duration::rep>(engine_() % static_cast<std::uint64_t>(most.count())));
}

} // namespace wg::test
