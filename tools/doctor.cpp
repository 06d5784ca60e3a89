// SPDX-License-Identifier: MIT
#include "tools/doctor.h"

#include <algorithm>
#include <filesystem>

#include "tools/start_daemon.h"
#include "tools/terminal.h"

namespace wg {
namespace {

std::string_view name_of(Finding::State state)
{
    switch (state) {
    case Finding::State::ok:
        return "ok";
    case Finding::State::note:
        return "note";
    case Finding::State::problem:
        break;
    }
    return "problem";
}

std::string colored(Finding::State state, const std::string &text)
{
    if (state == Finding::State::ok)
        return green(text);
    return state == Finding::State::note ? yellow(text) : red(bold(text));
}

} // namespace

void examine_daemon(Findings &findings,
                    const std::string &instance,
                    const std::optional<DaemonView> &daemon,
                    const std::string &trouble)
{
    const auto topic = "daemon " + instance;
    const auto pins = pins_of(instance);
    std::error_code unseen;
    if (!daemon && std::filesystem::exists(pins, unseen)) {
        findings.push_back({Finding::State::problem, topic,
                            "its tunnels go on, but without handshakes: " + trouble,
                            "wgxdpd --instance " + instance});
    } else if (!daemon) {
        findings.push_back({Finding::State::note, topic, trouble, ""});
    } else if (const auto version = daemon->status.at("version").get<std::string>();
               version != WGXDP_VERSION) {
        findings.push_back(
            {Finding::State::note, topic,
             "it is of version " + version + ", this is " WGXDP_VERSION,
             "replace it: end it and start the new wgxdpd, traffic goes on meanwhile"});
    } else {
        findings.push_back(
            {Finding::State::ok, topic,
             fmt::format("runs, pid {}, {} tunnels", daemon->status.at("pid").get<int>(),
                         daemon->tunnels.size()),
             ""});
    }
}

std::string findings_text(const Findings &findings, bool colors)
{
    std::string text;
    for (const Finding &finding : findings) {
        text += fmt::format("{} {}: {}\n",
                            colored(finding.state, fmt::format("{:<7}", name_of(finding.state))),
                            bold(finding.topic), finding.what);
        if (!finding.advice.empty())
            text += fmt::format("        {}\n", finding.advice);
    }
    return colors ? text : without_colors(text);
}

Json to_json(const Findings &findings)
{
    Json json{{"problems", count_problems(findings)}, {"findings", Json::array()}};
    for (const Finding &finding : findings)
        json["findings"].push_back({{"state", name_of(finding.state)},
                                    {"topic", finding.topic},
                                    {"what", finding.what},
                                    {"advice", finding.advice}});
    return json;
}

std::size_t count_problems(const Findings &findings)
{
    return static_cast<std::size_t>(std::ranges::count(
        findings, Finding::State::problem, [](const Finding &finding) { return finding.state; }));
}

} // namespace wg
