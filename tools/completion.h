// SPDX-License-Identifier: MIT
//
// What may stand where the cursor is, for the shells' completion: it follows the grammar of cli.cpp
// by itself.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace wg {

/// In place of candidates: the names of files.
inline constexpr const char *COMPLETE_FILES = ":files";

/// The values of what the grammar calls TUNNEL, NIC, PUBLIC_KEY (of that tunnel), CONFIG or FIELD.
using ValuesOf =
    std::function<std::vector<std::string>(const std::string &kind, const std::string &tunnel)>;

/// `words`: all behind "wgxdp", the last of them as far as it is typed.
std::vector<std::string>
complete(const CLI::App &app, const std::vector<std::string> &words, const ValuesOf &values_of);

} // namespace wg
