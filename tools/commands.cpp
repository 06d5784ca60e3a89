// SPDX-License-Identifier: MIT
#include "tools/commands.h"

#include <algorithm>
#include <iostream>

#include "base/encoding.h"
#include "tools/keys.h"
#include "tools/start_daemon.h"
#include "tools/terminal.h"
#include "tools/tunnel_params.h"

namespace wg {
namespace {

constexpr TextForm<std::string> INSTANCE{
    "1 to 64 letters, digits, '-', '_' or '.'", [](std::string_view text) -> Result<std::string> {
        auto is_good = [](unsigned char c) {
            return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
        };
        if (text.empty() || text.size() > 64 || text.front() == '.' ||
            !std::all_of(text.begin(), text.end(), is_good))
            return failure(EINVAL, "malformed");
        return std::string(text);
    }};

/// "10.0.0.0/8,fd00::/8"; nothing is a list too.
std::vector<std::string> split_list(std::string_view text)
{
    std::vector<std::string> list;
    for (std::size_t begin = 0; !text.empty() && begin <= text.size();) {
        auto end = std::min(text.find(',', begin), text.size());
        list.emplace_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return list;
}

/// What stands in all `--endpoint`.
Result<std::vector<HostPort>> read_places(const std::vector<std::string> &lists)
{
    std::vector<HostPort> places;
    for (const std::string &list : lists)
        for (const std::string &place : split_list(list))
            places.push_back(WG_TRY(read_text(HOST_PORT, place)));
    return places;
}

bool nobody_listens(const Error &error)
{
    return error.code == std::errc::no_such_file_or_directory ||
           error.code == std::errc::connection_refused;
}

/// The socket and its directory are root's.
Result<Client> explain(Result<Client> client)
{
    if (!client && client.error().code == std::errc::permission_denied)
        client.error().what += ": only root may talk to the daemon, try sudo";
    return client;
}

} // namespace

std::filesystem::path Commands::socket() const
{
    return environment_.run_directory / (instance_ + ".sock");
}

Result<Client> Commands::running_daemon()
{
    auto client = Client::connect(socket());
    if (!client && nobody_listens(client.error()))
        return failure(ENOENT,
                       "no daemon runs for instance {}: `wgxdp up` and `wgxdp attach` start one",
                       in_quotes(instance_));
    return explain(std::move(client));
}

Result<Client> Commands::started_daemon()
{
    auto client = Client::connect(socket());
    if (client || !nobody_listens(client.error()))
        return explain(std::move(client));
    if (!environment_.is_root)
        return failure(EPERM, "no daemon runs, and only root can start one: try sudo");
    const Progress progress(environment_.progress, "starting wgxdpd, which loads its programs");
    auto started = start_daemon(environment_.daemon_directory, instance_);
    // Another command may have started one in the meantime: then ours found the lock taken, and all
    // is well.
    client = Client::connect(socket());
    if (!client && !started)
        return tl::unexpected(std::move(started).error());
    return client;
}

Result<> Commands::attach(const std::string &nic, const std::string &mode)
{
    // What is wrong at first sight starts no daemon.
    WG_TRY(at("NIC", read_text(INTERFACE_NAME, nic)));
    WG_TRY(at("--mode", read_text(ATTACH_MODE, mode)));
    auto client = WG_TRY(started_daemon());
    WG_TRY(client.ask("nic.attach", {{"name", nic}, {"mode", mode}}));
    return {};
}

Result<> Commands::detach(const std::string &nic)
{
    auto client = WG_TRY(running_daemon());
    WG_TRY(client.ask("nic.detach", {{"name", nic}}));
    return {};
}

/* One that was about to end, having nothing to do, hangs up on us: then another is found or
 * started.
 */
Result<Client> Commands::own_daemon(Result<Client> (Commands::*find_daemon)())
{
    auto client = WG_TRY((this->*find_daemon)());
    auto checked = require_own_netns(client);
    if (!checked && (checked.error().code == std::errc::broken_pipe ||
                     checked.error().code == std::errc::connection_reset)) {
        client = WG_TRY((this->*find_daemon)());
        checked = require_own_netns(client);
    }
    if (!checked)
        return tl::unexpected(std::move(checked).error());
    return client;
}

/* Its hooks, routes and rules belong where the interface is. */
Quick Commands::quick(QuickFile file, Result<Client> (Commands::*find_daemon)())
{
    return {environment_, std::move(file), [this, find_daemon] { return own_daemon(find_daemon); }};
}

Result<> Commands::up(const std::string &config)
{
    // Everything that can be wrong with the file is found before a daemon is started for it.
    return quick(WG_TRY(read_quick_file(environment_, config)), &Commands::started_daemon).up();
}

Result<> Commands::down(const std::string &tunnel)
{
    auto file = WG_TRY(read_quick_file_if_any(environment_, tunnel));
    const bool has_file = !file.path.empty();
    // One that is gone has left its tunnels to the next.
    std::error_code unseen;
    const bool has_left = std::filesystem::exists(pins_of(instance_), unseen);
    WG_TRY(quick(std::move(file), has_left ? &Commands::started_daemon : &Commands::running_daemon)
               .down());
    if (!has_file)
        environment_.err << fmt::format("{}: there was no file: no hooks were run\n", tunnel);
    return {};
}

Result<> Commands::reload(const std::string &config)
{
    return quick(WG_TRY(read_quick_file(environment_, config)), &Commands::running_daemon).reload();
}

Result<> Commands::save(const std::string &config)
{
    return quick(WG_TRY(read_quick_file(environment_, config)), &Commands::running_daemon).save();
}

/* The interface must appear where its maker looks for it. */
Result<> Commands::require_own_netns(Client &client) const
{
    const auto status = WG_TRY(client.ask("status", Json::object()));
    std::error_code unknown;
    const auto its = std::filesystem::read_symlink(
        fmt::format("/proc/{}/ns/net", status.at("pid").get<int>()), unknown);
    const auto ours = std::filesystem::read_symlink("/proc/self/ns/net", unknown);
    if (!its.empty() && its != ours) // empty: its process is not seen from here
        return failure(EXDEV,
                       "the daemon of instance {} runs in another network namespace: name an "
                       "instance for this one (--instance, or WGXDP_INSTANCE in the environment)",
                       in_quotes(instance_));
    return {};
}

Result<> Commands::make_bare(const std::string &interface)
{
    WG_TRY(at("INTERFACE", read_text(INTERFACE_NAME, interface)));
    auto client = WG_TRY(own_daemon(&Commands::started_daemon));
    WG_TRY(client.ask("tunnel.add", {{"name", interface}, {"bare", true}}));
    // Said, because a mistyped command is an interface's name too.
    environment_.out << fmt::format(
        "{0}: made, down and without a key, for wg(8) and ip(8); `ip link delete {0}` removes it\n",
        interface);
    return {};
}

Result<> Commands::add_peer(const PeerOptions &options)
{
    Json params{{"tunnel", options.tunnel}, {"public_key", options.public_key}};
    if (options.name)
        params["name"] = WG_TRY(at("--name", read_text(PEER_NAME, *options.name)));
    const auto places = WG_TRY(at("--endpoint", read_places(options.endpoints)));
    WG_TRY(at("--endpoint", add_endpoints(params, places)));
    if (options.allowed_ips) {
        params["allowed_ips"] = split_list(*options.allowed_ips);
        params["replace_allowed_ips"] = true;
    }
    if (options.preshared_key_file) {
        auto key = WG_TRY(at("--preshared-key", read_key_file(*options.preshared_key_file)));
        params["preshared_key"] = to_base64(key.bytes());
    }
    if (options.persistent_keepalive)
        params["persistent_keepalive"] =
            WG_TRY(at("--persistent-keepalive",
                      read_text(PERSISTENT_KEEPALIVE, *options.persistent_keepalive)));
    if (options.rate_limit)
        params["rate_limit"] =
            WG_TRY(at("--rate-limit", read_text(BYTE_COUNT, *options.rate_limit)));
    if (options.quota)
        params["quota"] = WG_TRY(at("--quota", read_text(BYTE_COUNT, *options.quota)));
    if (options.quota_used)
        params["quota_used"] =
            WG_TRY(at("--quota-used", read_text(BYTE_COUNT, *options.quota_used)));
    auto client = WG_TRY(running_daemon());
    WG_TRY(client.ask("peer.set", std::move(params)));
    return {};
}

Result<> Commands::remove_peer(const std::string &tunnel, const std::string &peer)
{
    auto client = WG_TRY(running_daemon());
    const char *who = PUBLIC_KEY.parse(peer) ? "public_key" : "name";
    WG_TRY(client.ask("peer.remove", {{"tunnel", tunnel}, {who, peer}}));
    return {};
}

Result<std::string> parse_instance(std::string_view text)
{
    return read_text(INSTANCE, text);
}

} // namespace wg
