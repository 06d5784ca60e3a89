// SPDX-License-Identifier: MIT
//
// A changed file applied to a running tunnel: first all that may be refused, which is undone when
// something is, then what nobody needs any more is taken away.
#include <algorithm>
#include <array>
#include <ostream>

#include "base/encoding.h"
#include "tools/first_error.h"
#include "tools/interrupts.h"
#include "tools/quick.h"
#include "tools/quick_dns.h"
#include "tools/quick_place.h"
#include "tools/tunnel_params.h"

namespace wg {
namespace {

template <typename T>
std::vector<T> without(const std::vector<T> &from, const std::vector<T> &what)
{
    std::vector<T> rest;
    std::ranges::copy_if(from, std::back_inserter(rest), [&](const T &value) {
        return std::ranges::find(what, value) == what.end();
    });
    return rest;
}

void append(Json &to, const Json &what)
{
    to.insert(to.end(), what.begin(), what.end());
}

bool is_v6(const Route &route)
{
    return route.prefix.address.is_v6();
}

/// IPv6 has an address once, whatever its length.
bool is_in_the_way(const InterfaceAddress &present, const std::vector<InterfaceAddress> &wanted)
{
    return present.address.is_v6() &&
           std::ranges::any_of(wanted, [&](const InterfaceAddress &address) {
               return address.address == present.address;
           });
}

/// The kernel has such a route of its own for one of these addresses. (IPv6's has another metric.)
bool is_connected(const Route &route, const std::vector<InterfaceAddress> &addresses)
{
    return !is_v6(route) && route.table.empty() &&
           std::ranges::any_of(addresses, [&](const InterfaceAddress &own) {
               return Prefix::of(own.address, own.length) == route.prefix;
           });
}

} // namespace

struct Quick::Difference {
    std::vector<InterfaceAddress> present_addresses;
    std::vector<InterfaceAddress> replaced_addresses; ///< by new ones, of another length
    std::vector<InterfaceAddress> new_addresses;
    std::vector<InterfaceAddress> old_addresses;
    std::vector<Route> new_routes;
    std::vector<Route> old_routes;
    std::array<bool, 2> had_policy{}; ///< IPv4, IPv6
    std::array<bool, 2> wants_policy{};
};

/* A mark that the file does not name stays, be it a hook's or wg(8)'s, but not without the default
 * route it was for. */
std::uint32_t Quick::wanted_mark(std::uint32_t present) const
{
    const auto named = file_.config.fwmark;
    if (named.value_or(0) != 0)
        return *named;
    if (wants_policy(file_.config))
        return present != 0 ? present : network_.free_table();
    return has_policy(false, present) || has_policy(true, present) ? 0 : named.value_or(present);
}

/* The rules of a default route that we have made: hooks make some for theirs. */
bool Quick::has_policy(bool v6, std::uint32_t mark) const
{
    return mark != 0 && file_.config.table != std::to_string(mark) &&
           network_.default_tables().contains(mark) && network_.has_rules(v6, mark);
}

/* Of the routes only ours may go: hooks add others. Link-local addresses are the kernel's. */
Quick::Difference Quick::compare(const Json &tunnel) const
{
    const ConfigFile &config = file_.config;
    const auto old_mark = tunnel.at("fwmark").get<std::uint32_t>();
    Difference result;
    const auto addresses = network_.addresses();
    result.present_addresses = addresses;
    result.new_addresses = without(config.addresses, addresses);
    result.old_addresses = without(addresses, config.addresses);
    std::ranges::copy_if(result.old_addresses, std::back_inserter(result.replaced_addresses),
                         [&](const InterfaceAddress &address) {
                             return is_in_the_way(address, result.new_addresses);
                         });
    result.old_addresses = without(result.old_addresses, result.replaced_addresses);
    std::erase_if(result.old_addresses, [](const InterfaceAddress &address) {
        return address.address.is_v6() && address.address.is_link_local();
    });
    const bool by_number = config.table.find_first_not_of("0123456789") == std::string::npos;
    const auto wanted = wanted_routes(config, mark_);
    result.new_routes = without(wanted, network_.routes(by_number));
    result.old_routes = without(network_.own_routes(by_number), wanted);
    for (const bool v6 : {false, true}) {
        result.had_policy[v6] = has_policy(v6, old_mark);
        result.wants_policy[v6] = std::ranges::any_of(wanted, [&](const Route &route) {
            return is_v6(route) == v6 && is_policy_route(route, config);
        });
    }
    return result;
}

Result<> Quick::apply_to_device(const Json &tunnel, const Json &peers, Undo &undo)
{
    const auto port = tunnel.at("listen_port").get<std::uint16_t>();
    Json change{{"name", file_.name}, {"peers", change_params(peers, tunnel.at("peers"))}};
    Json back{{"name", file_.name}, {"peers", restore_params(peers, tunnel.at("peers"))}};
    if (file_.config.listen_port.value_or(port) != port) {
        change["listen_port"] = *file_.config.listen_port;
        back["listen_port"] = port;
    }
    if (tunnel.at("fwmark") != mark_) {
        change["fwmark"] = mark_;
        back["fwmark"] = tunnel.at("fwmark");
    }
    WG_TRY(ask("tunnel.set", change));
    undo.emplace_back([this, back]() -> Result<> {
        WG_TRY(client_->ask("tunnel.set", back));
        return {};
    });
    return {};
}

/* What nobody can take back: sessions end. So it is the last that may be refused. */
Result<> Quick::apply_for_good(const Json &tunnel, const Json &peers)
{
    const Json &present = tunnel.at("peers");
    Json change{{"name", file_.name}, {"attach", file_.config.attach}, {"peers", Json::array()}};
    if (const auto &key = file_.config.private_key; !key.is_zero()) {
        const auto text = to_base64(key.bytes());
        change["private_key"] = text;
        if (tunnel.value("private_key", "") != text) // the old one was no peer
            change["peers"] = change_params(peers, present);
    }
    append(change["peers"], removal_params(peers, present));
    return ask("tunnel.set", change);
}

Result<>
Quick::apply(const Difference &difference, const Json &tunnel, const Json &peers, Undo &undo)
{
    for (const InterfaceAddress &address : difference.replaced_addresses) {
        WG_TRY(network_.remove_address(address));
        undo.emplace_back([this, address] { return network_.add_address(address); });
    }
    for (const InterfaceAddress &address : difference.new_addresses) {
        WG_TRY(add_address(address));
        undo.emplace_back([this, address] { return network_.remove_address(address); });
    }
    const auto old_mtu = tunnel.at("mtu").get<std::uint32_t>();
    if (const auto mtu = mtu_for(peers, mark_); mtu != old_mtu) {
        WG_TRY(at(key_place(file_, "MTU"), network_.set_mtu(mtu)));
        undo.emplace_back([this, old_mtu] { return network_.set_mtu(old_mtu); });
    }
    WG_TRY(apply_to_device(tunnel, peers, undo));
    for (const Route &route : difference.new_routes) {
        const bool is_beside = is_connected(route, difference.present_addresses);
        WG_TRY(at(allowed_ip_place(file_, route.prefix),
                  is_beside ? network_.append_route(route) : network_.add_route(route)));
        undo.emplace_back([this, route] { return network_.remove_route(route); });
    }
    for (const bool v6 : {false, true}) {
        if (!difference.wants_policy[v6])
            continue;
        if (!difference.had_policy[v6] || tunnel.at("fwmark") != mark_)
            undo.emplace_back([this, v6] { return network_.remove_rules(v6, mark_); });
        if (!difference.had_policy[v6])
            undo.emplace_back([this, v6] { return firewall_.remove(v6); });
        else
            undo.emplace_back([this, v6, mark = tunnel.at("fwmark").get<std::uint32_t>(),
                               addresses = difference.present_addresses] {
                return firewall_.set(v6, mark, addresses);
            });
        WG_TRY(add_policy(v6));
    }
    return {};
}

Result<> Quick::remove_rest(const Difference &difference, std::uint32_t old_mark)
{
    FirstError error(environment_.err);
    for (const bool v6 : {false, true}) {
        if (!difference.had_policy[v6])
            continue;
        if (!difference.wants_policy[v6] || old_mark != mark_)
            error.note(network_.remove_rules(v6, old_mark));
        if (!difference.wants_policy[v6])
            error.note(firewall_.remove(v6));
    }
    for (const Route &route : difference.old_routes)
        error.note(network_.remove_route(route));
    error.note(remove_addresses(difference));
    if (file_.config.dns.empty())
        error.note(unset_dns(environment_.programs, file_.name, file_.config));
    return error.take();
}

Result<> Quick::remove_addresses(const Difference &difference)
{
    if (difference.old_addresses.empty())
        return {};
    // or the first one of a network takes the others along
    WG_TRY(environment_.programs.act(
        {"sysctl", "-q", fmt::format("net/ipv4/conf/{}/promote_secondaries=1", file_.name)}));
    for (const InterfaceAddress &address : difference.old_addresses)
        WG_TRY(network_.remove_address(address));
    for (const bool v6 : {false, true})
        if (difference.wants_policy[v6]) // its rules name them
            WG_TRY(firewall_.set(v6, mark_, network_.addresses()));
    return {};
}

Result<> Quick::reload()
{
    const auto tunnel = WG_TRY(present_tunnel());
    WG_TRY(require_here(tunnel));
    const auto peers = WG_TRY(peers_params(file_, tunnel.at("peers")));
    const Interrupts interrupts;
    const auto old_mark = tunnel.at("fwmark").get<std::uint32_t>();
    mark_ = wanted_mark(old_mark);
    const auto difference = compare(tunnel);
    Undo undo;
    auto applied = apply(difference, tunnel, peers, undo);
    if (applied && interrupts.happened())
        applied = failure(EINTR, "interrupted");
    if (applied)
        applied = set_file_dns();
    if (applied)
        applied = apply_for_good(tunnel, peers);
    if (applied)
        return remove_rest(difference, old_mark);
    for (auto step = undo.rbegin(); step != undo.rend(); ++step)
        if (const auto undone = (*step)(); !undone)
            environment_.err << "wgxdp: " << undone.error().what << '\n';
    return applied;
}

} // namespace wg
