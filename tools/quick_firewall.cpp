// SPDX-License-Identifier: MIT
#include "tools/quick_firewall.h"

#include <iterator>

namespace wg {
namespace {

std::string family_name(bool v6)
{
    return v6 ? "ip6" : "ip";
}

} // namespace

Result<>
QuickFirewall::set(bool v6, std::uint32_t mark, const std::vector<InterfaceAddress> &addresses)
{
    if (!programs_.has("nft"))
        return failure(ENOENT, "a default route wants firewall rules: nft is not in PATH (install "
                               "nftables, or say Table = off)");
    const auto family = family_name(v6);
    std::string rules;
    const auto say = [&]<typename... Args>(fmt::format_string<Args...> format, Args &&...args) {
        fmt::format_to(std::back_inserter(rules), format, std::forward<Args>(args)...);
        rules += '\n';
    };
    const auto add_chain = [&](const char *name, const char *hook, int priority) {
        say("add chain {} {} {} {{ type filter hook {} priority {}; }}", family, table_, name, hook,
            priority);
    };
    say("add table {} {}", family, table_); // so that there is one to delete
    say("delete table {} {}", family, table_);
    say("add table {} {}", family, table_);
    add_chain("preraw", "prerouting", -300);
    add_chain("premangle", "prerouting", -150);
    add_chain("postmangle", "postrouting", -150);
    for (const InterfaceAddress &address : addresses)
        if (address.address.is_v6() == v6)
            say(R"(add rule {0} {1} preraw iifname != "{2}" {0} daddr {3} fib saddr type != local drop)",
                family, table_, interface_, address.address.text());
    say("add rule {} {} postmangle meta l4proto udp mark {} ct mark set mark", family, table_,
        mark);
    say("add rule {} {} premangle meta l4proto udp meta mark set ct mark", family, table_);
    return programs_.act({"nft", "-f", "-"}, rules);
}

Result<> QuickFirewall::remove(bool v6)
{
    return remove_tables({family_name(v6)});
}

Result<> QuickFirewall::remove_all()
{
    return remove_tables({family_name(false), family_name(true)});
}

Result<> QuickFirewall::remove_tables(const std::vector<std::string> &families)
{
    if (!programs_.has("nft"))
        return {};
    const auto present = "\n" + programs_.ask({"nft", "list", "tables"});
    std::string rules;
    for (const auto &family : families) {
        const auto table = fmt::format("table {} {}\n", family, table_);
        if (present.find("\n" + table) != present.npos)
            rules += "delete " + table;
    }
    if (rules.empty())
        return {};
    return programs_.act({"nft", "-f", "-"}, rules);
}

} // namespace wg
