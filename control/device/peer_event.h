// SPDX-License-Identifier: MIT
//
// What happens to peers, for people who watch. Made of what is there anyway: telling nobody costs
// nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/address.h"
#include "base/secret.h"

namespace wg {

enum class PeerEventKind : std::uint8_t {
    handshake_complete,
    handshake_failed,
    endpoint_moved,
    up,          ///< a handshake is complete, after there was no session
    down,        ///< the last session has ended, or no handshake is answered any more
    key_rotated, ///< a handshake is complete, and its session replaces another
};

struct PeerEvent {
    PeerEventKind kind{};
    const PublicKey *peer =
        nullptr;             ///< null: what came in did not say (or not credibly) whose it is
    std::string_view name{}; ///< of the peer, if people gave it one
    std::optional<Endpoint> endpoint{};
    std::optional<Endpoint> previous{}; ///< endpoint_moved: where the peer was
    std::string_view reason{};          ///< handshake_failed, down: one word
    bool received = false;      ///< handshake_failed: a message that came in; anybody can cause it
    std::uint32_t attempts = 0; ///< handshake_failed: initiations without an answer, so far
    int error = 0;              ///< handshake_failed: the errno of what could not be sent
};

} // namespace wg
