// SPDX-License-Identifier: MIT
//
// The network's part of `wgxdp doctor`: by which path each NIC can receive, and what else gets in
// packets' way.
#include <algorithm>

#include <net/if.h>
#include <net/if_arp.h>

#include "net/interface.h"
#include "net/native_xdp.h"
#include "net/xdp_features.h"
#include "tools/doctor.h"
#include "tools/proc_file.h"

namespace wg {
namespace {

using State = Finding::State;

const Json *find_named(const Json &list, const std::string &name)
{
    auto found = std::find_if(list.begin(), list.end(),
                              [&](const Json &entry) { return entry.at("name") == name; });
    return found == list.end() ? nullptr : &*found;
}

bool is_tunnel(const std::optional<DaemonView> &daemon, const std::string &name)
{
    return daemon &&
           std::any_of(daemon->tunnels.begin(), daemon->tunnels.end(), [&](const Json &t) {
               const auto tunnel = t.at("name").get<std::string>();
               return name == tunnel || name == inner_interface_name(tunnel);
           });
}

Result<std::string> why_tc(Netlink &netlink, Ethtool &ethtool, const Link &link)
{
    auto reason = WG_TRY(why_not_native(netlink, ethtool, link));
    if (!reason.empty())
        return reason;
    if (link.has_xdp)
        return std::string("another XDP program is attached to it");
    if (!WG_TRY(has_native_xdp(link.ifindex)).value_or(true))
        return std::string("its driver has no XDP");
    return std::string();
}

/// The larger of both counts, and 2 is loose.
bool is_strict(const std::string &name)
{
    const auto filter = [](const std::string &where) {
        return first_line(fmt::format("/proc/sys/net/ipv4/conf/{}/rp_filter", where)).value_or("0");
    };
    return std::max(filter("all"), filter(name)) == "1";
}

/// A NIC that the daemon has attached: it knows.
Finding attached_nic(const Json &nic, const std::string &topic, const std::string &driver)
{
    const auto mode = nic.at("mode").get<std::string>();
    const auto reason = nic.at("reason").get<std::string>();
    if (mode == "native")
        return {State::ok, topic, driver + "attached, native XDP", ""};
    return {State::note, topic,
            fmt::format("{}attached by TC, slower than native XDP: {}", driver, reason), ""};
}

Finding free_nic(Netlink &netlink,
                 Ethtool &ethtool,
                 const Link &link,
                 const std::string &topic,
                 const std::string &driver)
{
    const auto reason = why_tc(netlink, ethtool, link);
    if (!reason)
        return {State::note, topic, driver + reason.error().what, ""};
    if (!reason->empty())
        return {
            State::note, topic,
            fmt::format("{}would be attached by TC, slower than native XDP: {}", driver, *reason),
            ""};
    const auto told = has_native_xdp(link.ifindex);
    if (told && *told)
        return {State::ok, topic, driver + "has native XDP", ""};
    return {State::ok, topic,
            driver + "native XDP shows when it is attached: this kernel does not tell", ""};
}

void examine_offloads(Findings &findings,
                      Ethtool &ethtool,
                      const Link &link,
                      const std::string &topic)
{
    const auto features = ethtool.features(link.name);
    if (!features)
        return; // a NIC without any
    const auto is_on = [&](const char *name) {
        const auto found = features->find(name);
        return found != features->end() && found->second.active;
    };
    if (is_on("rx-lro"))
        findings.push_back(
            {State::note, topic,
             "LRO is on: many drivers refuse native XDP then, and merged packets cannot "
             "be decrypted",
             fmt::format("ethtool -K {} lro off", link.name)});
    if (!is_on("rx-gro"))
        findings.push_back({State::note, topic,
                            "GRO is off: `wgxdp attach` and tunnels that use the NIC switch it on",
                            ""});
}

void examine_nic(Findings &findings,
                 Netlink &netlink,
                 Ethtool &ethtool,
                 const Link &link,
                 const std::optional<DaemonView> &daemon)
{
    const auto topic = "nic " + link.name;
    const auto name = ethtool.driver(link.name).value_or(Driver()).name;
    const auto driver = name.empty() ? "" : name + ": ";
    const Json *nic = daemon ? find_named(daemon->nics, link.name) : nullptr;
    findings.push_back(nic != nullptr ? attached_nic(*nic, topic, driver)
                                      : free_nic(netlink, ethtool, link, topic, driver));
    examine_offloads(findings, ethtool, link, topic);
    if (is_strict(link.name))
        findings.push_back(
            {State::note, topic,
             "rp_filter is strict: what comes in here and would leave by another NIC is "
             "dropped, handshakes too",
             fmt::format("sysctl -w net.ipv4.conf.{}.rp_filter=2", link.name)});
}

void examine_forwarding(Findings &findings)
{
    struct Switch {
        const char *topic;
        const char *name;
    };
    for (const auto &[topic, name] : {Switch{"forwarding ipv4", "net/ipv4/ip_forward"},
                                      Switch{"forwarding ipv6", "net/ipv6/conf/all/forwarding"}}) {
        const auto value = first_line(std::string("/proc/sys/") + name);
        if (!value)
            continue; // no IPv6 here
        if (*value != "0") {
            findings.push_back({State::ok, topic, "on", ""});
            continue;
        }
        std::string sysctl = name;
        std::ranges::replace(sysctl, '/', '.');
        findings.push_back({State::ok, topic,
                            "off: peers reach this machine, but nothing behind it",
                            fmt::format("where they should: sysctl -w {}=1", sysctl)});
    }
}

Result<> examine_nics(Findings &findings, const std::optional<DaemonView> &daemon)
{
    auto netlink = WG_TRY(Netlink::open());
    auto ethtool = WG_TRY(Ethtool::open());
    for (const Link &link : WG_TRY(netlink.links()))
        if (link.arp_type == ARPHRD_ETHER && link.is_up() && !is_tunnel(daemon, link.name))
            examine_nic(findings, netlink, ethtool, link, daemon);
    return {};
}

} // namespace

void examine_network(Findings &findings, const std::optional<DaemonView> &daemon)
{
    if (const auto examined = examine_nics(findings, daemon); !examined)
        findings.push_back({State::problem, "nics", examined.error().what, ""});
    examine_forwarding(findings);
}

} // namespace wg
