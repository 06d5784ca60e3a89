// SPDX-License-Identifier: MIT
//
// Logs: the first words are the object. Never keys, never payload.
#pragma once

#include <string_view>

#include <spdlog/spdlog.h>

namespace wg::log {

using spdlog::debug;
using spdlog::error;
using spdlog::info;
using spdlog::warn;

/// stderr, one line an entry; level is "debug", "info", "warn" or "error".
void open(std::string_view level);

} // namespace wg::log
