// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace wg {

/// Where the daemon of an instance pins. It is there without one while tunnels wait for the next.
std::filesystem::path pins_of(const std::string &instance);

/// Runs `wgxdpd --instance NAME --until-idle`, found in `directory` or else in PATH, and waits
/// until it listens (its first process ends then). It inherits stderr: why it cannot start is its
/// own to say.
Result<> start_daemon(const std::filesystem::path &directory, const std::string &instance);

} // namespace wg
