// SPDX-License-Identifier: MIT
//
// What people said of peers and the maps do not hold, in a file beside the socket: so that the next
// daemon knows it.
#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "device/device.h"

namespace wg {

/// Of the peers that have one, by tunnel.
using PeerNotes = std::map<std::string, std::map<PublicKey, PeerNote>>;

/// Nothing, with a warning in the log, if the file is none of ours.
PeerNotes load_peer_file(const std::string &path);
/// Whole or not at all; where nothing is to be remembered there is no file.
Result<> save_peer_file(const std::string &path, const PeerNotes &notes);

} // namespace wg
