// SPDX-License-Identifier: MIT
#include <array>

#include "tools/rates.h"
#include "tools/units.h"

namespace wg {
namespace {

constexpr std::size_t HEAD_LINES = 3;
constexpr std::size_t DROP_LINES = 4;
constexpr std::size_t WIDE =
    110; // from here on there is room for where a peer is and how it is reached

std::string_view name_of(SortBy order)
{
    static constexpr std::array<std::string_view, 4> NAMES{"received", "sent", "handshake", "peer"};
    return NAMES[static_cast<std::size_t>(order)];
}

std::string rate_text(std::uint64_t bytes)
{
    const Amount amount = in_units(bytes);
    return fmt::format("{} {}/s", amount.number, amount.unit);
}

/// "12s", "3m05s", "2h10m", "5d03h"
std::string age_text(std::optional<std::chrono::seconds> age)
{
    if (!age)
        return "never";
    const auto seconds = age->count();
    if (seconds < 60)
        return fmt::format("{}s", seconds);
    if (seconds < 3600)
        return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
    if (seconds < 86400)
        return fmt::format("{}h{:02}m", seconds / 3600, seconds / 60 % 60);
    return fmt::format("{}d{:02}h", seconds / 86400, seconds / 3600 % 24);
}

/// Cut to a column's width; that something is missing shows. Names may be UTF-8: no letter is cut
/// apart.
std::string cut(const std::string &text, std::size_t width)
{
    const auto is_start = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; };
    std::size_t letters = 0;
    std::size_t last_fitting = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (!is_start(text[i]))
            continue;
        if (++letters == width)
            last_fitting = i;
    }
    return letters <= width || width == 0 ? text : text.substr(0, last_fitting) + "…";
}

class Table {
  public:
    explicit Table(std::size_t width) : wide_(width >= WIDE)
    {
        const std::size_t others = 15 + 1 + 3 * 14 + (wide_ ? 2 + 24 + 2 + 16 : 0);
        peer_width_ = std::clamp<std::size_t>(width > others ? width - others : 0, 8, 44);
    }

    std::string titles() const
    {
        return row("TUNNEL", "PEER", "RECEIVED", "SENT", "HANDSHAKE", "ENDPOINT", "PATH");
    }

    std::string row(const PeerRates &peer) const
    {
        return row(peer.tunnel, peer.peer, rate_text(peer.rx_rate), rate_text(peer.tx_rate),
                   age_text(peer.handshake_age), peer.endpoint, peer.path);
    }

  private:
    std::string row(const std::string &tunnel,
                    const std::string &peer,
                    const std::string &received,
                    const std::string &sent,
                    const std::string &handshake,
                    const std::string &endpoint,
                    const std::string &path) const
    {
        auto text = fmt::format("{:<15} {:<{}}{:>14}{:>14}{:>14}", tunnel, cut(peer, peer_width_),
                                peer_width_, received, sent, handshake);
        if (wide_)
            text += fmt::format("  {:<24}  {}", endpoint, path);
        return text;
    }

    bool wide_;
    std::size_t peer_width_;
};

std::string totals_line(const Rates &rates, SortBy order)
{
    std::uint64_t received = 0;
    std::uint64_t sent = 0;
    for (const PeerRates &peer : rates.peers) {
        received += peer.rx_rate;
        sent += peer.tx_rate;
    }
    return fmt::format("wgxdp: {} peers, received {}, sent {}   by {}: keys r t h p, q quits",
                       rates.peers.size(), rate_text(received), rate_text(sent), name_of(order));
}

std::size_t drops_shown(const Rates &rates)
{
    return std::min(rates.drops.size(), DROP_LINES);
}

/// The lines that peers have, the one included that counts those who are not seen.
std::size_t room_for_peers(const Rates &rates, std::size_t height)
{
    const auto drops = drops_shown(rates);
    const auto others = HEAD_LINES + (drops == 0 ? 0 : drops + 2); // an empty line, a title
    return height > others ? height - others : 1;
}

} // namespace

std::size_t peers_shown(const Rates &rates, std::size_t height)
{
    const auto room = room_for_peers(rates, height);
    return rates.peers.size() <= room ? rates.peers.size() : room - 1;
}

std::vector<std::string> rates_lines(const Rates &rates, const View &view)
{
    const Table table(view.width);
    std::vector<std::string> lines{totals_line(rates, view.order), "", table.titles()};
    const auto shown = peers_shown(rates, view.height);
    const auto first = std::min(view.first, rates.peers.size() - shown);
    for (std::size_t i = 0; i < shown; ++i)
        lines.push_back(table.row(rates.peers[first + i]));
    if (shown < rates.peers.size())
        lines.push_back(fmt::format("{} above, {} below: keys j k and page keys", first,
                                    rates.peers.size() - shown - first));
    const auto drops = drops_shown(rates);
    if (drops != 0)
        lines.insert(lines.end(),
                     {"", fmt::format("{:<28}{:>14}{:>14}", "DROPPED", "PACKETS", "A SECOND")});
    for (std::size_t i = 0; i < drops; ++i)
        lines.push_back(fmt::format("{:<28}{:>14}{:>14}", rates.drops[i].reason,
                                    rates.drops[i].total, rates.drops[i].rate));
    for (std::string &line : lines)
        line = cut(line, view.width);
    return lines;
}

} // namespace wg
