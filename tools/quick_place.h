// SPDX-License-Identifier: MIT
//
// Where in its file stands what was refused: "wg0.conf: line 3: PostUp".
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/address.h"
#include "tools/client.h"
#include "tools/quick_file.h"

namespace wg {

/// Of the [Interface]: the value of a key, or of one that has several the `number`th from 0. The
/// file's name alone where it says nothing of the key.
std::string key_place(const QuickFile &file, std::string_view key);
std::string value_place(const QuickFile &file, std::string_view key, std::size_t number);
/// Of a peer.
std::string key_place(const QuickFile &file, const ConfigPeer &peer, std::string_view key);
std::string address_place(const QuickFile &file, const InterfaceAddress &address);
/// Of the peer whose allowed IP it is.
std::string allowed_ip_place(const QuickFile &file, const Prefix &prefix);

/// What the daemon says against params that were made of the file, by the words of the file.
Error explained(const QuickFile &file, const Json &params, Error refusal);

} // namespace wg
