// SPDX-License-Identifier: MIT
//
// What the programs of tools/bench begin with: an error ends them with a sentence, and packets go
// from one network namespace to a socket of another.
#pragma once

#include <netinet/in.h>

#include "base/address.h"
#include "base/fd.h"

namespace wg::bench {

/// Throws what errno says.
void require(bool good, const char *what);

/// flags: SOCK_NONBLOCK.
Fd udp_socket(int flags = 0);

/// To an IPv4 endpoint.
Fd connected_socket(const Endpoint &to);

/// A socket of the namespace in this file, bound to the address.
Fd receiver_in(const char *netns, const sockaddr_in &address, int flags = 0);

/// main's work: its status, or 1 after the message of what it threw.
int run(const char *name, int (*main)(int argc, char **argv), int argc, char **argv);

} // namespace wg::bench
