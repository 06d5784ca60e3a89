// SPDX-License-Identifier: MIT
#include "tools/quick.h"

#include <array>
#include <ostream>

#include <net/if.h>

#include "tools/first_error.h"
#include "tools/interrupts.h"
#include "tools/quick_dns.h"
#include "tools/quick_place.h"
#include "tools/quick_save.h"
#include "tools/terminal.h"
#include "tools/tunnel_params.h"

namespace wg {

Quick::Quick(Environment &environment, QuickFile file, std::function<Result<Client>()> connect)
    : environment_(environment), file_(std::move(file)), connect_(std::move(connect)),
      network_(environment.programs, file_.name), firewall_(environment.programs, file_.name)
{
}

Result<> Quick::run_hooks(std::string_view key, const std::vector<std::string> &hooks)
{
    constexpr std::string_view NAME = "%i";
    for (std::size_t number = 0; number < hooks.size(); ++number) {
        std::string hook = hooks[number];
        for (auto place = hook.find(NAME); place != hook.npos;
             place = hook.find(NAME, place + file_.name.size()))
            hook.replace(place, NAME.size(), file_.name);
        WG_TRY(at(value_place(file_, key, number), environment_.programs.run_hook(hook)));
    }
    return {};
}

Result<> Quick::ask(const char *method, const Json &params)
{
    if (auto answer = client_->ask(method, params); !answer)
        return tl::unexpected(explained(file_, params, std::move(answer).error()));
    return {};
}

Result<Json> Quick::present_tunnel()
{
    client_.emplace(WG_TRY(connect_()));
    auto tunnels = WG_TRY(client_->ask(
        "tunnel.list", {{"name", file_.name}, {"include", {"private_key", "preshared_key"}}}));
    return std::move(tunnels.at(0));
}

Result<> Quick::require_here(const Json &tunnel) const
{
    if (tunnel.at("moved").get<bool>())
        return failure(EXDEV,
                       "{} was moved to another network namespace: its addresses and routes "
                       "are not known here",
                       file_.name);
    return {};
}

std::uint32_t Quick::mtu_for(const Json &peers, std::uint32_t mark) const
{
    if (file_.config.mtu)
        return *file_.config.mtu;
    std::vector<IpAddress> endpoints;
    for (const Json &peer : peers)
        if (peer.contains("endpoint"))
            if (const auto endpoint = Endpoint::parse(peer.at("endpoint").get<std::string>()))
                endpoints.push_back(endpoint->address);
    return network_.mtu_by_route(endpoints, mark);
}

// --- up ---

Result<> Quick::up()
{
    if (if_nametoindex(file_.name.c_str()) != 0)
        return failure(EEXIST, "`{}' already exists", file_.name);
    const Interrupts interrupts;
    auto made = make();
    if (made && interrupts.happened())
        made = failure(EINTR, "interrupted");
    if (!made)
        undo();
    return made;
}

Result<> Quick::make()
{
    const ConfigFile &config = file_.config;
    WG_TRY(run_hooks("PreUp", config.pre_up));
    auto peers = WG_TRY(peers_params(file_));
    mark_ = config.fwmark.value_or(0);
    if (mark_ == 0 && wants_policy(config))
        mark_ = network_.free_table();
    const auto mtu = mtu_for(peers, mark_);
    client_.emplace(WG_TRY(connect_()));
    {
        const Progress progress(environment_.progress,
                                fmt::format("making {} with {} peers", file_.name, peers.size()));
        WG_TRY(ask("tunnel.add", tunnel_params(file_, std::move(peers), mark_, mtu)));
    }
    is_made_ = true;
    for (const InterfaceAddress &address : config.addresses)
        WG_TRY(add_address(address));
    has_set_dns_ = !config.dns.empty(); // also when it fails halfway
    WG_TRY(set_file_dns());
    for (const Route &route : wanted_routes(config, mark_))
        WG_TRY(add_route(route));
    return run_hooks("PostUp", config.post_up);
}

Result<> Quick::add_address(const InterfaceAddress &address)
{
    return at(address_place(file_, address), network_.add_address(address));
}

Result<> Quick::set_file_dns()
{
    return at(key_place(file_, "DNS"), set_dns(environment_.programs, file_.name, file_.config));
}

Result<> Quick::add_route(const Route &route)
{
    const auto place = allowed_ip_place(file_, route.prefix);
    WG_TRY(at(place, network_.add_route(route)));
    if (is_policy_route(route, file_.config))
        return at(place, add_policy(route.prefix.address.is_v6()));
    return {};
}

/* What keeps the tunnel's own packets out of its default route, and others out of the tunnel. */
Result<> Quick::add_policy(bool v6)
{
    if (!network_.has_rules(v6, mark_))
        WG_TRY(network_.add_rules(v6, mark_));
    if (!v6)
        WG_TRY(environment_.programs.act({"sysctl", "-q", "net.ipv4.conf.all.src_valid_mark=1"}));
    return firewall_.set(v6, mark_, network_.addresses());
}

void Quick::undo()
{
    if (!is_made_)
        return;
    if (const auto undone = take_away(wants_policy(file_.config), has_set_dns_); !undone)
        environment_.err << "wgxdp: " << undone.error().what << '\n';
}

/* The tunnel last: while it is there, whoever was stopped on the way can be followed by a `down`.
 */
Result<> Quick::take_away(bool has_default_route, bool has_dns)
{
    FirstError error(environment_.err);
    if (has_dns)
        error.note(unset_dns(environment_.programs, file_.name, file_.config));
    error.note(firewall_.remove_all());
    error.note(remove_rules(has_default_route));
    error.note(remove_tunnel());
    return error.take();
}

// --- down ---

namespace {

bool has_default_route(const Json &tunnel)
{
    for (const Json &peer : tunnel.at("peers"))
        for (const Json &prefix : peer.at("allowed_ips"))
            if (prefix.get<std::string>().ends_with("/0"))
                return true;
    return false;
}

} // namespace

/* Those of the mark of a tunnel without a default route are another's. A reload that was killed has
 * left those of an earlier mark, and their route. */
Result<> Quick::remove_rules(bool has_default_route)
{
    if (!file_.config.table.empty())
        return {};
    auto tables = network_.default_tables();
    if (has_default_route && mark_ != 0)
        tables.insert(mark_);
    FirstError error(environment_.err);
    for (const std::uint32_t table : tables)
        for (const bool v6 : {false, true})
            error.note(network_.remove_rules(v6, table));
    return error.take();
}

Result<> Quick::down()
{
    const ConfigFile &config = file_.config;
    WG_TRY(present_tunnel());
    const Interrupts interrupts; // what is begun is done whole
    WG_TRY(run_hooks("PreDown", config.pre_down));
    if (interrupts.happened())
        return failure(EINTR, "interrupted");
    const auto tunnel = WG_TRY(present_tunnel()); // hooks may have changed it
    if (config.save_config && tunnel.at("moved").get<bool>())
        environment_.err << fmt::format("Warning: `{}' is not saved: {}\n", file_.name,
                                        require_here(tunnel).error().what);
    else if (config.save_config)
        WG_TRY(save_as(tunnel));
    mark_ = tunnel.at("fwmark").get<std::uint32_t>();
    FirstError error(environment_.err);
    error.note(take_away(has_default_route(tunnel), true));
    error.note(run_hooks("PostDown", config.post_down));
    return error.take();
}

Result<> Quick::remove_tunnel()
{
    WG_TRY(client_->ask("tunnel.remove", {{"name", file_.name}}));
    return {};
}

// --- save ---

Result<> Quick::save()
{
    const Interrupts interrupts; // or a file with the private key would stay beside it
    return save_as(WG_TRY(present_tunnel()));
}

Result<> Quick::save_as(const Json &tunnel)
{
    WG_TRY(require_here(tunnel));
    return replace_file(file_.path, saved_text(tunnel, network_.addresses(), file_.config));
}

} // namespace wg
