// SPDX-License-Identifier: MIT
//
// What goes with a datagram through sendmmsg and recvmmsg: addresses of both sides and the DS
// field.
#pragma once

#include <span>

#include <sys/socket.h>

#include "base/address.h"

namespace wg {

/// Valid during the call that hands it over.
struct Datagram {
    Bytes bytes;
    Endpoint from; ///< source and source_ifindex: our address and interface it came to
    std::uint8_t ecn = 0;
};

struct OutgoingDatagram {
    Endpoint to;
    Bytes bytes;
    std::uint8_t ds = 0; ///< the DS field with its ECN bits

    int error = 0; ///< answer: errno, 0: sent
    /// Answer: to.source is no longer usable, and the kernel was left to choose. Forget it.
    bool source_refused = false;
};

/// Where a received datagram came from and to, and its ECN bits; bytes are left to the caller.
Datagram read_datagram_header(const msghdr &message);

/// Sends datagrams of one family, in order, and fills in their answers. One that fails does not
/// stop the others. fd -1: this host has no such family.
void send_messages(int fd, std::span<OutgoingDatagram> datagrams);

} // namespace wg
