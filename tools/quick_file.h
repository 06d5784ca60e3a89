// SPDX-License-Identifier: MIT
//
// The file that `up NAME` and its likes mean.
#pragma once

#include <filesystem>
#include <string>

#include "api/config_file.h"
#include "tools/environment.h"

namespace wg {

struct QuickFile {
    std::string name;           ///< of the interface
    std::filesystem::path path; ///< empty: there is no file, everything is left at its default
    ConfigFile config;
};

/// "wg0" from "wg0", "wg0.conf" and "/etc/wgxdp/wg0.conf".
std::string tunnel_name(const std::string &text);

/// Reads the file NAME.conf, or NAME of the configuration directories. Warns of one that everybody
/// may read.
Result<QuickFile> read_quick_file(Environment &environment, const std::string &text);

/// The same for a tunnel that is there: it may have been made without a file, so a NAME that no
/// directory has is no error.
Result<QuickFile> read_quick_file_if_any(Environment &environment, const std::string &text);

} // namespace wg
