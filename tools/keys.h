// SPDX-License-Identifier: MIT
//
// genkey, genpsk and pubkey, as wg(8) does them; and keys that stand in files of their own.
#pragma once

#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "tools/environment.h"

namespace wg {

Result<> generate_private_key(Environment &environment, bool json);
Result<> generate_preshared_key(Environment &environment, bool json);
Result<> print_public_key(Environment &environment, bool json);

/// An empty file is the key of zeros, which clears a preshared key.
Result<Key> read_key_file(const std::string &path);

} // namespace wg
