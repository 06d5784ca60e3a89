// SPDX-License-Identifier: MIT
//
// Keys as text: base64 for people and files, hex for wg(8)'s socket. Constant time for secrets
// (libsodium's codecs).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace wg {

/// 44 characters of base64. The error does not repeat the text: it may be a secret.
Result<Key> parse_key_base64(std::string_view text);
Result<Key> parse_key_hex(std::string_view text);
std::string to_base64(Bytes bytes);
std::string to_hex(Bytes bytes);

/// The same for public keys.
Result<PublicKey> parse_public_key_base64(std::string_view text);
Result<PublicKey> parse_public_key_hex(std::string_view text);

} // namespace wg
