// SPDX-License-Identifier: MIT
#include "device/keypairs.h"

#include <utility>

namespace wg {

namespace {

void drop(FallenKeypairs &fallen, std::optional<Keypair> &slot)
{
    if (slot)
        fallen.push_back(*std::exchange(slot, std::nullopt));
}

KeypairId id_of(const std::optional<Keypair> &slot)
{
    return slot ? slot->id : 0;
}

} // namespace

FallenKeypairs Keypairs::add(const Keypair &keypair)
{
    FallenKeypairs fallen;

    drop(fallen, previous_);
    if (!keypair.initiator) {
        drop(fallen, next_);
        next_ = keypair;
        return fallen;
    }
    if (next_) {
        // The peer may be sending on it already, so it is worth more than the old current.
        drop(fallen, current_);
        previous_ = std::exchange(next_, std::nullopt);
    } else {
        previous_ = current_;
    }
    current_ = keypair;
    return fallen;
}

FallenKeypairs Keypairs::confirm_next()
{
    FallenKeypairs fallen;

    drop(fallen, previous_);
    previous_ = current_;
    current_ = std::exchange(next_, std::nullopt);
    return fallen;
}

FallenKeypairs Keypairs::clear()
{
    FallenKeypairs fallen;

    drop(fallen, next_);
    drop(fallen, previous_);
    drop(fallen, current_);
    return fallen;
}

void Keypairs::invalidate_sending()
{
    if (next_)
        next_->sending_valid = false;
    if (current_)
        current_->sending_valid = false;
}

void Keypairs::invalidate_current()
{
    if (current_)
        current_->sending_valid = false;
}

void Keypairs::restore(std::optional<Keypair> current,
                       std::optional<Keypair> previous,
                       std::optional<Keypair> next)
{
    current_ = current;
    previous_ = previous;
    next_ = next;
}

void Keypairs::write_to(PeerState &state) const
{
    state.current = id_of(current_);
    state.previous = id_of(previous_);
    state.next = id_of(next_);
    // The data plane sends with a next keypair that the peer has used, so that one counts as well.
    state.sending_valid =
        (!current_ || current_->sending_valid) && (!next_ || next_->sending_valid);
}

} // namespace wg
