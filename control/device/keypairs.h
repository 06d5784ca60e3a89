// SPDX-License-Identifier: MIT
//
// A peer's three keypair slots and their moves (whitepaper, section 6.3; the driver's
// add_new_keypair and received_with_keypair). The keys themselves are in the data plane only.
#pragma once

#include <optional>
#include <vector>

#include "datapath/datapath.h"

namespace wg {

/// What the device remembers of a session.
struct Keypair {
    KeypairId id = 0;
    std::uint32_t local_index = 0;
    std::uint32_t remote_index = 0;
    bool initiator = false;
    bool sending_valid = true;
    Instant created_at{};

    bool has_expired(Instant now) const { return now - created_at >= ns(REJECT_AFTER_TIME); }
};

/// Every move returns what fell out: to be retired, once the peer is published without it.
using FallenKeypairs = std::vector<Keypair>;

class Keypairs {
  public:
    /// After a handshake. As initiator: the new one is current; what was next (else current) is
    /// previous. As responder: it is next until the initiator is heard on it; next and previous
    /// fall out.
    [[nodiscard]] FallenKeypairs add(const Keypair &keypair);
    bool is_current(KeypairId id) const { return current_ && current_->id == id; }
    bool is_next(KeypairId id) const { return next_ && next_->id == id; }
    /// The first authentic packet on next: next is current, current is previous.
    [[nodiscard]] FallenKeypairs confirm_next();
    [[nodiscard]] FallenKeypairs clear();
    /// Our private key has changed, or another machine has our keys: they may still be received on.
    void invalidate_sending();
    /// No nonce is left.
    void invalidate_current();
    /// Puts the slots where an earlier daemon had them.
    void restore(std::optional<Keypair> current,
                 std::optional<Keypair> previous,
                 std::optional<Keypair> next);

    const std::optional<Keypair> &current() const { return current_; }
    const std::optional<Keypair> &previous() const { return previous_; }
    const std::optional<Keypair> &next() const { return next_; }
    bool empty() const { return !current_ && !previous_ && !next_; }
    /// Writes the slots into what is published.
    void write_to(PeerState &state) const;

  private:
    std::optional<Keypair> current_;
    std::optional<Keypair> previous_;
    std::optional<Keypair> next_;
};

} // namespace wg
