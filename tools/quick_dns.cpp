// SPDX-License-Identifier: MIT
#include "tools/quick_dns.h"

#include <algorithm>
#include <cctype>
#include <fstream>

namespace wg {
namespace {

/* Debian's resolvconf orders interfaces by their names' beginnings: the first in its list gets us
 * to the front. */
std::string record_name(const std::string &interface)
{
    std::ifstream order("/etc/resolvconf/interface-order");
    for (std::string line; std::getline(order, line);) {
        if (line.size() < 2 || line.back() != '*')
            continue;
        line.pop_back();
        if (std::ranges::all_of(line,
                                [](unsigned char c) { return std::isalnum(c) != 0 || c == '-'; }))
            return line + "." + interface;
    }
    return interface;
}

/// Those that systemd-resolved knows of: "Link 7 (wg0): 10.0.0.53".
bool has_servers(Programs &programs, const std::string &interface)
{
    return programs.has("resolvectl") &&
           programs.ask({"resolvectl", "dns", interface}).find("): ") != std::string::npos;
}

std::string resolv_conf(const ConfigFile &config)
{
    std::string text;
    for (const auto &server : config.dns)
        text += fmt::format("nameserver {}\n", server);
    if (!config.dns_search.empty())
        text += fmt::format("search {}\n", fmt::join(config.dns_search, " "));
    return text;
}

} // namespace

Result<> set_dns(Programs &programs, const std::string &interface, const ConfigFile &config)
{
    if (config.dns.empty())
        return {};
    if (programs.has("resolvconf"))
        return programs.act({"resolvconf", "-a", record_name(interface), "-m", "0", "-x"},
                            resolv_conf(config));
    if (!programs.has("resolvectl"))
        return failure(ENOENT, "neither resolvconf nor resolvectl is in PATH");
    Words servers{"resolvectl", "dns", interface};
    servers.insert(servers.end(), config.dns.begin(), config.dns.end());
    WG_TRY(programs.act(servers));
    Words domains{"resolvectl", "domain", interface, "~."}; // all names are asked of these servers
    domains.insert(domains.end(), config.dns_search.begin(), config.dns_search.end());
    return programs.act(domains);
}

Result<> unset_dns(Programs &programs, const std::string &interface, const ConfigFile &config)
{
    Result<> done;
    if (programs.has("resolvconf"))
        done = programs.act({"resolvconf", "-d", record_name(interface), "-f"});
    else if (has_servers(programs, interface)) // it forgets what an interface had that is gone
        done = programs.act({"resolvectl", "revert", interface});
    if (config.dns.empty()) // a resolver that does not run is no trouble of theirs
        return {};
    return done;
}

} // namespace wg
