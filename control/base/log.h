// SPDX-License-Identifier: MIT
//
// Logs: the first words are the object. Never keys, never payload. spdlog stays behind log.cpp: its
// templates in every file would double the time to compile it.
#pragma once

#include <string_view>

#include <fmt/core.h>

namespace wg::log {

enum class Level { debug, info, warn, error };

/// stderr, one line an entry; level is "debug", "info", "warn" or "error".
void open(std::string_view level);

void write(Level level, fmt::string_view format, fmt::format_args args);

template <typename... Args>
void debug(fmt::format_string<Args...> format, Args &&...args)
{
    write(Level::debug, format, fmt::make_format_args(args...));
}

template <typename... Args>
void info(fmt::format_string<Args...> format, Args &&...args)
{
    write(Level::info, format, fmt::make_format_args(args...));
}

template <typename... Args>
void warn(fmt::format_string<Args...> format, Args &&...args)
{
    write(Level::warn, format, fmt::make_format_args(args...));
}

template <typename... Args>
void error(fmt::format_string<Args...> format, Args &&...args)
{
    write(Level::error, format, fmt::make_format_args(args...));
}

} // namespace wg::log
