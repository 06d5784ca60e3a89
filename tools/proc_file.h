// SPDX-License-Identifier: MIT
//
// One-line files of /proc and /sys.
#pragma once

#include <optional>
#include <string>

namespace wg {

/// Its first line; nullopt where it is not there or may not be read.
std::optional<std::string> first_line(const std::string &path);

} // namespace wg
