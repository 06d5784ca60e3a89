// SPDX-License-Identifier: MIT
//
// Where log entries go: stderr, which systemd and container runtimes collect.
#include "base/log.h"

#include <memory>
#include <string>

#include <spdlog/sinks/stdout_sinks.h>

namespace wg::log {

void open(std::string_view level)
{
    auto logger = std::make_shared<spdlog::logger>(
        "wgxdp", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %l: %v");
    logger->set_level(spdlog::level::from_str(std::string(level)));
    logger->flush_on(spdlog::level::debug);
    spdlog::set_default_logger(std::move(logger));
}

} // namespace wg::log
