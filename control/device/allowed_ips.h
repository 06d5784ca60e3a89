// SPDX-License-Identifier: MIT
//
// Which peer owns which prefix: the device's own record of the data plane's routing table, for
// listing, moving and removing. Looking addresses up is the data plane's.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "datapath/datapath.h"

namespace wg {

class AllowedIps {
  public:
    explicit AllowedIps(Datapath &datapath) : datapath_(datapath) {}

    /// Gives the prefix to the peer. If another has it, it passes atomically: no packet is lost or
    /// finds neither.
    Result<> insert(const Prefix &prefix, PeerId peer);
    /// Takes the prefix away if it is this peer's.
    void remove(const Prefix &prefix, PeerId peer);
    void remove_by_peer(PeerId peer);
    /// The data plane has this prefix already, from an earlier daemon.
    void adopt(const Prefix &prefix, PeerId peer) { record(prefix, peer); }

    std::optional<PeerId> owner(const Prefix &prefix) const;
    std::vector<Prefix> list(PeerId peer) const; ///< in order
    std::size_t size() const { return owners_.size(); }

  private:
    void record(const Prefix &prefix, PeerId peer);
    void forget(const Prefix &prefix, PeerId peer);

    Datapath &datapath_;
    std::map<Prefix, PeerId> owners_;
    std::unordered_map<PeerId, std::set<Prefix>> by_peer_;
};

} // namespace wg
