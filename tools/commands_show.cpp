// SPDX-License-Identifier: MIT
//
// The commands that only look.
#include <iostream>
#include <thread>

#include "tools/commands.h"
#include "tools/doctor.h"
#include "tools/show.h"
#include "tools/show_field.h"
#include "tools/terminal.h"
#include "tools/top.h"

namespace wg {
namespace {

void print_json(std::ostream &out, const Json &json)
{
    out << json.dump(2) << '\n';
}

} // namespace

Result<> Commands::show(const ShowOptions &options, bool json)
{
    if (options.tunnel == "interfaces" && !options.field)
        return show_names(json);
    Json filter = Json::object();
    if (options.tunnel && options.tunnel != "all")
        filter["name"] = *options.tunnel;
    if (options.field)
        filter["include"] = WG_TRY(field_secrets(*options.field));
    else if (options.show_keys || environment_.show_keys)
        filter["include"] = {"private_key", "preshared_key"};
    auto client = WG_TRY(running_daemon());
    auto tunnels = WG_TRY(client.ask("tunnel.list", std::move(filter)));
    if (options.field && json)
        print_json(environment_.out, field_json(*options.field, tunnels));
    else if (options.field)
        environment_.out << field_text(*options.field, tunnels, options.tunnel == "all");
    if (options.field)
        return {};
    Json shown{{"tunnels", std::move(tunnels)}};
    if (!options.tunnel)
        shown["nics"] = WG_TRY(client.ask("nic.list", Json::object()));
    if (json)
        print_json(environment_.out, shown);
    else
        environment_.out << show_text(shown, environment_.wall_clock(), environment_.colors);
    return {};
}

Result<> Commands::show_names(bool json)
{
    auto client = WG_TRY(running_daemon());
    std::vector<std::string> names;
    for (const Json &tunnel : WG_TRY(client.ask("tunnel.list", Json::object())))
        names.push_back(tunnel.at("name"));
    if (json)
        print_json(environment_.out, names);
    else
        environment_.out << fmt::format("{}\n", fmt::join(names, " "));
    return {};
}

Result<> Commands::drops(bool json)
{
    auto client = WG_TRY(running_daemon());
    auto status = WG_TRY(client.ask("status", Json::object()));
    if (json)
        print_json(environment_.out,
                   {{"drops", status.at("drops")}, {"daemon_drops", status.at("daemon_drops")}});
    else
        environment_.out << drops_text(status);
    return {};
}

Result<> Commands::doctor(bool json)
{
    std::optional<DaemonView> daemon;
    auto client = running_daemon();
    if (client)
        daemon = DaemonView{.status = WG_TRY(client->ask("status", Json::object())),
                            .nics = WG_TRY(client->ask("nic.list", Json::object())),
                            .tunnels = WG_TRY(client->ask("tunnel.list", Json::object()))};
    Findings findings;
    {
        const Progress progress(environment_.progress, "trying the programs on this kernel");
        examine_kernel(findings, environment_.is_root);
    }
    examine_network(findings, daemon);
    examine_daemon(findings, instance_, daemon, client ? "" : client.error().what);
    if (json)
        print_json(environment_.out, to_json(findings));
    else
        environment_.out << findings_text(findings, environment_.colors);
    if (const auto problems = count_problems(findings); problems != 0)
        return failure(EIO, "{} problem{}", problems, problems == 1 ? "" : "s");
    return {};
}

Result<Snapshot> Commands::look(const Json &filter)
{
    auto client = WG_TRY(running_daemon());
    Snapshot snapshot;
    snapshot.tunnels = WG_TRY(client.ask("tunnel.list", filter));
    snapshot.status = WG_TRY(client.ask("status", Json::object()));
    snapshot.at = now();
    return snapshot;
}

Result<> Commands::top(const std::optional<std::string> &tunnel, bool json)
{
    Json filter = Json::object();
    if (tunnel)
        filter["name"] = *tunnel;
    if (!json)
        return run_top([&] { return look(filter); });
    const auto before = WG_TRY(look(filter));
    std::this_thread::sleep_for(std::chrono::seconds(1)); // that is what is measured
    print_json(environment_.out,
               to_json(rates_between(before, WG_TRY(look(filter)), SortBy::received)));
    return {};
}

} // namespace wg
