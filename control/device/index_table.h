// SPDX-License-Identifier: MIT
//
// Our receiver indices: random, and unique over all live handshakes and keypairs of a device. A
// handshake's index is handed to the keypair that it leaves.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>

#include "base/random.h"
#include "datapath/datapath.h"

namespace wg {

class IndexTable {
  public:
    explicit IndexTable(Random &random) : random_(random) {}

    /// Draws an index for a handshake with this peer.
    std::uint32_t insert_handshake(PeerId peer);
    /// The handshake is done: its index is the keypair's from now on.
    void hand_to_keypair(std::uint32_t index);
    /// Takes over a keypair's index from an earlier daemon. False: it is in use.
    [[nodiscard]] bool insert_keypair(std::uint32_t index, PeerId peer);
    void remove(std::uint32_t index) { entries_.erase(index); }

    /// Whose handshake in progress is it?
    std::optional<PeerId> find_handshake(std::uint32_t index) const;
    /// Whose handshake or keypair is it?
    std::optional<PeerId> find(std::uint32_t index) const;
    std::size_t size() const { return entries_.size(); }

  private:
    struct Entry {
        PeerId peer;
        bool is_keypair;
    };

    Random &random_;
    std::unordered_map<std::uint32_t, Entry>
        entries_; // we draw the keys, so nobody can aim at a bucket
};

} // namespace wg
