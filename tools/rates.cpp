// SPDX-License-Identifier: MIT
#include "tools/rates.h"

#include <algorithm>
#include <map>

namespace wg {
namespace {

using Counts = std::map<std::string, std::uint64_t>;

/// Of peers by "TUNNEL KEY MEMBER" and of drops by reason: no two of them look alike.
Counts counts_of(const Snapshot &snapshot)
{
    Counts counts;
    for (const Json &tunnel : snapshot.tunnels)
        for (const Json &peer : tunnel.at("peers"))
            for (const char *member : {"rx_bytes", "tx_bytes"})
                counts[fmt::format("{} {} {}", tunnel.at("name").get<std::string>(),
                                   peer.at("public_key").get<std::string>(), member)] =
                    peer.at(member).get<std::uint64_t>();
    if (snapshot.status.is_null())
        return counts;
    for (const auto &drop : snapshot.status.at("drops").items())
        counts[drop.key()] += drop.value().at("total").get<std::uint64_t>();
    for (const auto &drop : snapshot.status.at("daemon_drops").items())
        counts[drop.key()] += drop.value().get<std::uint64_t>();
    return counts;
}

class Meter {
  public:
    Meter(const Snapshot &before, const Snapshot &now)
        : before_(counts_of(before)), now_(counts_of(now)),
          seconds_(std::chrono::duration<double>(now.at.instant - before.at.instant).count())
    {
    }

    std::uint64_t rate(const std::string &what) const
    {
        const auto before = before_.find(what);
        const auto now = now_.find(what);
        if (before == before_.end() || now == now_.end() || now->second < before->second ||
            seconds_ <= 0)
            return 0;
        return static_cast<std::uint64_t>(static_cast<double>(now->second - before->second) /
                                          seconds_);
    }

    const Counts &now() const { return now_; }

  private:
    Counts before_;
    Counts now_;
    double seconds_;
};

/// A member that may be missing or null.
std::string text_of(const Json &peer, const char *member, std::string otherwise)
{
    const auto found = peer.find(member);
    return found != peer.end() && found->is_string() ? found->get<std::string>()
                                                     : std::move(otherwise);
}

PeerRates peer_rates(const Meter &meter, const std::string &tunnel, const Json &peer, WallTime now)
{
    const auto key = peer.at("public_key").get<std::string>();
    PeerRates rates{.tunnel = tunnel,
                    .peer = text_of(peer, "name", key),
                    .endpoint = text_of(peer, "endpoint", ""),
                    .rx_rate = meter.rate(fmt::format("{} {} rx_bytes", tunnel, key)),
                    .tx_rate = meter.rate(fmt::format("{} {} tx_bytes", tunnel, key)),
                    .handshake_age = {},
                    .path = peer.at("path").get<std::string>()};
    const WallTime then{std::chrono::seconds(peer.at("latest_handshake").get<std::int64_t>())};
    if (then != WallTime())
        rates.handshake_age =
            std::max(std::chrono::floor<std::chrono::seconds>(now - then), std::chrono::seconds(0));
    return rates;
}

bool comes_first(const PeerRates &a, const PeerRates &b, SortBy order)
{
    switch (order) {
    case SortBy::received:
        return a.rx_rate > b.rx_rate;
    case SortBy::sent:
        return a.tx_rate > b.tx_rate;
    case SortBy::handshake: // whoever never had one comes last
        return a.handshake_age.value_or(std::chrono::seconds::max()) <
               b.handshake_age.value_or(std::chrono::seconds::max());
    case SortBy::peer:
        break;
    }
    return std::tie(a.tunnel, a.peer) < std::tie(b.tunnel, b.peer);
}

bool is_drop(const std::string &name)
{
    return name.find(' ') == std::string::npos;
}

} // namespace

Rates rates_between(const Snapshot &before, const Snapshot &now, SortBy order)
{
    const Meter meter(before, now);
    Rates rates;
    for (const Json &tunnel : now.tunnels)
        for (const Json &peer : tunnel.at("peers"))
            rates.peers.push_back(
                peer_rates(meter, tunnel.at("name").get<std::string>(), peer, now.at.wall));
    std::ranges::stable_sort(rates.peers, [&](const PeerRates &a, const PeerRates &b) {
        return comes_first(a, b, order);
    });
    for (const auto &[name, total] : meter.now())
        if (is_drop(name) && total != 0)
            rates.drops.push_back({name, total, meter.rate(name)});
    std::ranges::stable_sort(rates.drops, [](const DropRate &a, const DropRate &b) {
        return std::tie(a.rate, a.total) > std::tie(b.rate, b.total);
    });
    return rates;
}

Json to_json(const Rates &rates)
{
    Json json{{"peers", Json::array()}, {"drops", Json::object()}};
    for (const PeerRates &peer : rates.peers) {
        json["peers"].push_back({{"tunnel", peer.tunnel},
                                 {"peer", peer.peer},
                                 {"endpoint", peer.endpoint},
                                 {"rx_rate", peer.rx_rate},
                                 {"tx_rate", peer.tx_rate},
                                 {"handshake_age", nullptr},
                                 {"path", peer.path}});
        if (peer.handshake_age)
            json["peers"].back()["handshake_age"] = peer.handshake_age->count();
    }
    for (const DropRate &drop : rates.drops)
        json["drops"][drop.reason] = {{"total", drop.total}, {"rate", drop.rate}};
    return json;
}

} // namespace wg
