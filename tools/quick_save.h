// SPDX-License-Identifier: MIT
//
// A running tunnel written back into its file (SaveConfig, `save`).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "api/config_file.h"
#include "base/address.h"
#include "tools/client.h"

namespace wg {

/// `tunnel`: as tunnel.list tells it, secrets included. Addresses, MTU and peers are what they are
/// now, the rest is the file's.
std::string saved_text(const Json &tunnel,
                       const std::vector<InterfaceAddress> &addresses,
                       const ConfigFile &config);

/// Whoever reads the file finds the old text or the new one; only its owner may read it.
Result<> replace_file(const std::filesystem::path &path, const std::string &text);

} // namespace wg
