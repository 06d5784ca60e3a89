// SPDX-License-Identifier: MIT
#include "tools/show.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>

#include <fmt/format.h>

#include "tools/terminal.h"
#include "tools/units.h"

namespace wg {
namespace {

using Out = std::back_insert_iterator<std::string>;

std::string duration_text(std::int64_t seconds)
{
    struct Unit {
        std::string_view name;
        std::int64_t seconds;
    };
    static constexpr std::array<Unit, 5> UNITS{{{"year", 365 * 24 * 60 * 60},
                                                {"day", 24 * 60 * 60},
                                                {"hour", 60 * 60},
                                                {"minute", 60},
                                                {"second", 1}}};
    std::string text;
    for (const Unit &unit : UNITS) {
        auto count = seconds / unit.seconds;
        seconds %= unit.seconds;
        if (count != 0)
            fmt::format_to(Out(text), "{}{} {}", text.empty() ? "" : ", ", count,
                           cyan(fmt::format("{}{}", unit.name, count == 1 ? "" : "s")));
    }
    return text;
}

std::string ago(std::int64_t then, WallTime now)
{
    auto seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count() - then;
    if (seconds == 0)
        return "Now";
    if (seconds < 0)
        return fmt::format("({})",
                           red("System clock wound backward; connection problems may ensue."));
    return duration_text(seconds) + " ago";
}

std::string bytes_text(std::uint64_t bytes)
{
    const Amount amount = in_units(bytes);
    return fmt::format("{} {}", amount.number, cyan(amount.unit));
}

std::string key_text(const Json &owner, const char *name)
{
    return owner.value(name, "(hidden)");
}

void show_line(Out out, std::string_view label, std::string_view value)
{
    fmt::format_to(out, "  {}: {}\n", bold(label), value);
}

/// "10.0.0.0/8, fd00::/8"
std::string prefixes_text(const Json &prefixes)
{
    std::string text;
    for (const auto &prefix : prefixes) {
        const auto &whole = prefix.get_ref<const std::string &>();
        const auto slash = std::min(whole.find('/'), whole.size());
        fmt::format_to(Out(text), "{}{}{}{}", text.empty() ? "" : ", ", whole.substr(0, slash),
                       cyan(whole.substr(slash, 1)),
                       whole.substr(std::min(slash + 1, whole.size())));
    }
    return text.empty() ? "(none)" : text;
}

void show_peer(Out out, const Json &peer, WallTime now)
{
    fmt::format_to(out, "{}: {}\n", yellow(bold("peer")),
                   yellow(peer.at("public_key").get<std::string>()));
    if (peer.contains("name"))
        show_line(out, "name", peer.at("name").get<std::string>());
    if (peer.at("has_preshared_key").get<bool>())
        show_line(out, "preshared key", key_text(peer, "preshared_key"));
    if (const auto &endpoint = peer.at("endpoint"); !endpoint.is_null())
        show_line(out, "endpoint", endpoint.get<std::string>());
    if (const auto places = peer.value("endpoints", std::vector<std::string>()); places.size() > 1)
        show_line(out, "endpoints", fmt::format("{}", fmt::join(places, ", ")));
    show_line(out, "allowed ips", prefixes_text(peer.at("allowed_ips")));
    if (auto then = peer.at("latest_handshake").get<std::int64_t>(); then != 0)
        show_line(out, "latest handshake", ago(then, now));
    auto rx_bytes = peer.at("rx_bytes").get<std::uint64_t>();
    auto tx_bytes = peer.at("tx_bytes").get<std::uint64_t>();
    if (rx_bytes != 0 || tx_bytes != 0)
        show_line(out, "transfer",
                  fmt::format("{} received, {} sent", bytes_text(rx_bytes), bytes_text(tx_bytes)));
    if (auto seconds = peer.at("persistent_keepalive").get<std::int64_t>(); seconds != 0)
        show_line(out, "persistent keepalive", "every " + duration_text(seconds));
    if (auto rate = peer.at("rate_limit").get<std::uint64_t>(); rate != 0)
        show_line(out, "rate limit", bytes_text(rate) + "/s each way");
    if (auto quota = peer.at("quota").get<std::uint64_t>(); quota != 0)
        show_line(out, "quota",
                  fmt::format("{} used of {}",
                              bytes_text(peer.at("quota_used").get<std::uint64_t>()),
                              bytes_text(quota)));
    if (auto path = peer.at("path").get<std::string>(); !path.empty())
        show_line(out, "path", path);
}

/// As in wg(8), whoever was heard last comes first.
std::vector<const Json *> by_latest_handshake(const Json &peers)
{
    std::vector<const Json *> sorted;
    for (const Json &peer : peers)
        sorted.push_back(&peer);
    std::stable_sort(sorted.begin(), sorted.end(), [](const Json *a, const Json *b) {
        return a->at("latest_handshake").get<std::int64_t>() >
               b->at("latest_handshake").get<std::int64_t>();
    });
    return sorted;
}

void show_tunnel(Out out, const Json &tunnel, WallTime now)
{
    fmt::format_to(out, "{}: {}\n", green(bold("interface")),
                   green(tunnel.at("name").get<std::string>()));
    if (const auto &key = tunnel.at("public_key"); !key.is_null()) {
        show_line(out, "public key", key.get<std::string>());
        show_line(out, "private key", key_text(tunnel, "private_key"));
    }
    if (auto port = tunnel.at("listen_port").get<unsigned>(); port != 0)
        show_line(out, "listening port", std::to_string(port));
    if (auto fwmark = tunnel.at("fwmark").get<std::uint32_t>(); fwmark != 0)
        show_line(out, "fwmark", fmt::format("{:#x}", fwmark));
    if (tunnel.at("moved").get<bool>())
        show_line(out, "moved", "to another network namespace");
    for (const Json *peer : by_latest_handshake(tunnel.at("peers"))) {
        fmt::format_to(out, "\n");
        show_peer(out, *peer, now);
    }
}

void show_nic(Out out, const Json &nic)
{
    fmt::format_to(out, "{}: {}\n", cyan(bold("nic")), cyan(nic.at("name").get<std::string>()));
    show_line(out, "mode",
              nic.at("mode").get<std::string>() +
                  (nic.value("unasked", false) ? ", attached since a tunnel uses it" : ""));
    if (!nic.value("present", true))
        show_line(out, "gone", "attached again when it comes back");
    if (auto reason = nic.at("reason").get<std::string>(); !reason.empty())
        show_line(out, "not native", reason);
}

} // namespace

std::string show_text(const Json &shown, WallTime now, bool colors)
{
    std::string text;
    auto separate = [&] { text += text.empty() ? "" : "\n"; };
    for (const Json &tunnel : shown.at("tunnels")) {
        separate();
        show_tunnel(Out(text), tunnel, now);
    }
    for (const Json &nic : shown.value("nics", Json::array())) {
        separate();
        show_nic(Out(text), nic);
    }
    return colors ? text : without_colors(text);
}

std::string drops_text(const Json &status)
{
    struct Row {
        std::uint64_t total = 0;
        std::string where;
        void add(std::uint64_t packets, std::string_view place)
        {
            total += packets;
            if (packets != 0)
                fmt::format_to(Out(where), "{}{}: {}", where.empty() ? "" : ", ", place, packets);
        }
    };
    std::map<std::string, Row> rows;
    for (const auto &drop : status.at("drops").items()) {
        unsigned cpu = 0;
        for (const Json &packets : drop.value().at("per_cpu"))
            rows[drop.key()].add(packets.get<std::uint64_t>(), fmt::format("cpu {}", cpu++));
    }
    for (const auto &drop : status.at("daemon_drops").items())
        rows[drop.key()].add(drop.value().get<std::uint64_t>(), "daemon");
    std::string text;
    for (const auto &[reason, row] : rows) {
        if (row.total != 0)
            fmt::format_to(Out(text), "{}: {} ({})\n", reason, row.total, row.where);
    }
    return text;
}

} // namespace wg
