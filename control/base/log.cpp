// SPDX-License-Identifier: MIT
//
// Where log entries go: stderr, which systemd and container runtimes collect.
#include "base/log.h"

#include <memory>
#include <string>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace wg::log {

namespace {

spdlog::level::level_enum to_spdlog(Level level)
{
    switch (level) {
    case Level::debug:
        return spdlog::level::debug;
    case Level::info:
        return spdlog::level::info;
    case Level::warn:
        return spdlog::level::warn;
    case Level::error:
        break;
    }
    return spdlog::level::err;
}

} // namespace

void open(std::string_view level)
{
    auto logger = std::make_shared<spdlog::logger>(
        "wgxdp", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %l: %v");
    logger->set_level(spdlog::level::from_str(std::string(level)));
    logger->flush_on(spdlog::level::debug);
    spdlog::set_default_logger(std::move(logger));
}

void write(Level level, fmt::string_view format, fmt::format_args args)
{
    if (spdlog::should_log(to_spdlog(level)))
        spdlog::log(to_spdlog(level), "{}", fmt::vformat(format, args));
}

} // namespace wg::log
