// SPDX-License-Identifier: MIT
//
// The deadlines of all peers in one order: each peer stands in it once, with its earliest. A peer
// whose timers are all off costs nothing.
#pragma once

#include <optional>
#include <set>
#include <utility>

#include "datapath/datapath.h"

namespace wg {

class Schedule {
  public:
    /// `current` is where the peer stands now and is set to `due`. NEVER: not at all.
    void move(PeerId peer, Instant &current, Instant due)
    {
        if (current == due)
            return;
        if (current != NEVER)
            deadlines_.erase({current, peer});
        if (due != NEVER)
            deadlines_.emplace(due, peer);
        current = due;
    }
    Instant next() const { return deadlines_.empty() ? NEVER : deadlines_.begin()->first; }
    /// The peer whose deadline is the earliest, if that has passed.
    std::optional<PeerId> first_due(Instant now) const
    {
        if (next() > now)
            return std::nullopt;
        return deadlines_.begin()->second;
    }

  private:
    std::set<std::pair<Instant, PeerId>> deadlines_;
};

} // namespace wg
