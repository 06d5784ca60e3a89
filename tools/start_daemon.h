// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace wg {

/// Runs `wgxdpd --instance NAME --until-idle`, found in `directory` or else in PATH, and waits
/// until it listens (its first process ends then). It inherits stderr: why it cannot start is its
/// own to say.
Result<> start_daemon(const std::filesystem::path &directory, const std::string &instance);

} // namespace wg
