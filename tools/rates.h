// SPDX-License-Identifier: MIT
//
// What `wgxdp top` shows, computed from two looks at the daemon: rates, ages, and their order.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/fields.h"
#include "base/clock.h"

namespace wg {

/// One look at the daemon.
struct Snapshot {
    Json tunnels = Json::array(); ///< as tunnel.list answers
    Json status;                  ///< as status answers
    Now at{};
};

struct PeerRates {
    std::string tunnel;
    std::string peer; ///< its name, or its public key
    std::string endpoint;
    std::uint64_t rx_rate = 0; ///< bytes a second
    std::uint64_t tx_rate = 0;
    std::optional<std::chrono::seconds> handshake_age; ///< none: never
    std::string path;
};

struct DropRate {
    std::string reason;
    std::uint64_t total = 0;
    std::uint64_t rate = 0; ///< packets a second
};

struct Rates {
    std::vector<PeerRates> peers;
    std::vector<DropRate> drops; ///< the most frequent now first
};

enum class SortBy { received, sent, handshake, peer };

/// A peer or a reason that was not there before has no rate yet, nor has one that was counted anew.
Rates rates_between(const Snapshot &before, const Snapshot &now, SortBy order);

Json to_json(const Rates &rates);

/// What people want to see, on a screen of this size.
struct View {
    SortBy order = SortBy::received;
    std::size_t first = 0; ///< the peer at the top; beyond the last page: that page
    std::size_t width = 80;
    std::size_t height = 24;
};

/// How many peers fit on the screen.
std::size_t peers_shown(const Rates &rates, std::size_t height);

/// A line of totals, one of titles, the peers, the drops below.
std::vector<std::string> rates_lines(const Rates &rates, const View &view);

} // namespace wg
