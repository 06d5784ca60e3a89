// SPDX-License-Identifier: MIT
//
// The peers of a device: in order of creation, by id and by public key.
#pragma once

#include <list>
#include <unordered_map>

#include "device/peer.h"
#include "device/sip_hash.h"

namespace wg {

class PeerTable {
  public:
    explicit PeerTable(Random &random) : by_key_(0, SipHash(random)) {}

    /// Moves the peers here; none of their ids and keys may be in the table.
    void splice(std::list<Peer> &&peers)
    {
        for (auto peer = peers.begin(); peer != peers.end(); ++peer) {
            by_id_.emplace(peer->id(), peer);
            by_key_.emplace(peer->state.public_key, &*peer);
        }
        peers_.splice(peers_.end(), peers);
    }
    void erase(const Peer &peer)
    {
        auto place = by_id_.find(peer.id());
        by_key_.erase(peer.state.public_key);
        peers_.erase(place->second);
        by_id_.erase(place);
    }

    Peer *find(PeerId id) const
    {
        auto found = by_id_.find(id);
        return found == by_id_.end() ? nullptr : &*found->second;
    }
    Peer *find(const PublicKey &key) const
    {
        auto found = by_key_.find(key);
        return found == by_key_.end() ? nullptr : found->second;
    }
    auto begin() { return peers_.begin(); }
    auto end() { return peers_.end(); }

  private:
    std::list<Peer> peers_;
    std::unordered_map<PeerId, std::list<Peer>::iterator> by_id_;
    std::unordered_map<PublicKey, Peer *, SipHash> by_key_;
};

} // namespace wg
