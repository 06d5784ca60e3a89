// SPDX-License-Identifier: MIT
//
// `wgxdp doctor`: what this machine has of what wgxdp needs, and what to do about what is missing.
// Changes nothing; works without a daemon.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/fields.h"

namespace wg {

struct Finding {
    enum class State { ok, note, problem }; ///< note: tunnels work, but not as well as they could
    State state = State::ok;
    std::string topic; ///< "kernel", "nic eth0", ...
    std::string what;
    std::string advice; ///< empty: nothing to do
};
using Findings = std::vector<Finding>;

/// What the running daemon says, if there is one.
struct DaemonView {
    Json status;
    Json nics = Json::array();
    Json tunnels = Json::array();
};

void examine_kernel(Findings &findings, bool is_root);
void examine_network(Findings &findings, const std::optional<DaemonView> &daemon);
/// `trouble`: why the daemon could not be asked.
void examine_daemon(Findings &findings,
                    const std::string &instance,
                    const std::optional<DaemonView> &daemon,
                    const std::string &trouble);

std::string findings_text(const Findings &findings, bool colors);
Json to_json(const Findings &findings);
std::size_t count_problems(const Findings &findings);

} // namespace wg
