// SPDX-License-Identifier: MIT
#include "tools/quick_place.h"

#include <algorithm>
#include <regex>

#include <strings.h>

#include "base/encoding.h"

namespace wg {
namespace {

std::string place(const QuickFile &file, const ConfigLine &line)
{
    return fmt::format("{}: {}", config_place(file.path.native(), line.number), line.key);
}

std::string
last_place(const QuickFile &file, const std::vector<ConfigLine> &lines, std::string_view key)
{
    const unsigned line = last_line(lines, key);
    return line == 0 ? file.path.native() : place(file, {key, line});
}

/// "allowed_ips" is AllowedIPs, and "endpoints" are what stands behind Endpoint.
bool is_key_of(const std::string &field, std::string_view key)
{
    std::string word = field;
    std::erase(word, '_');
    const std::string name(key);
    return strcasecmp(word.c_str(), name.c_str()) == 0 ||
           strcasecmp(word.c_str(), (name + "s").c_str()) == 0;
}

/// Where this field of the daemon's stands last, which is where it counts.
const ConfigLine *find_field(const std::vector<ConfigLine> &lines, const std::string &field)
{
    const auto found = std::find_if(lines.rbegin(), lines.rend(), [&](const ConfigLine &line) {
        return is_key_of(field, line.key);
    });
    return found == lines.rend() ? nullptr : &*found;
}

/// Where all of a peer's allowed IPs stand; nothing: on several lines.
const ConfigLine *find_allowed_ips(const ConfigPeer &peer)
{
    const ConfigLine *found = nullptr;
    for (const ConfigLine &line : peer.lines) {
        if (line.key != "AllowedIPs")
            continue;
        if (found && found->number != line.number)
            return nullptr;
        found = &line;
    }
    return found;
}

const ConfigPeer *find_peer(const QuickFile &file, const std::string &public_key)
{
    const auto found = std::ranges::find_if(file.config.peers, [&](const ConfigPeer &peer) {
        return to_base64(peer.public_key) == public_key;
    });
    return found == file.config.peers.end() ? nullptr : &*found;
}

std::string key_of_peer(const Json &params, std::size_t number)
{
    const auto &peers = params.at("peers");
    return number < peers.size() ? peers[number].value("public_key", "") : "";
}

/// What is wrong with a peer of the file, or nothing.
std::string explained_peer(const QuickFile &file,
                           const std::string &public_key,
                           const std::string &field,
                           const std::string &why)
{
    const ConfigPeer *peer = find_peer(file, public_key);
    if (!peer)
        return "";
    const ConfigLine *line =
        field == "allowed_ips" ? find_allowed_ips(*peer) : find_field(peer->lines, field);
    if (line)
        return fmt::format("{}: {}", place(file, *line), why);
    return fmt::format("{}: {}: {}", place(file, peer->lines.front()), field, why);
}

} // namespace

std::string key_place(const QuickFile &file, std::string_view key)
{
    return last_place(file, file.config.lines, key);
}

std::string key_place(const QuickFile &file, const ConfigPeer &peer, std::string_view key)
{
    return last_place(file, peer.lines, key);
}

std::string value_place(const QuickFile &file, std::string_view key, std::size_t number)
{
    for (const ConfigLine &line : file.config.lines)
        if (line.key == key && number-- == 0)
            return place(file, line);
    return file.path.native();
}

std::string address_place(const QuickFile &file, const InterfaceAddress &address)
{
    const auto &all = file.config.addresses;
    const auto number = std::ranges::find(all, address) - all.begin();
    return value_place(file, "Address", static_cast<std::size_t>(number));
}

std::string allowed_ip_place(const QuickFile &file, const Prefix &prefix)
{
    for (const ConfigPeer &peer : file.config.peers)
        if (std::ranges::find(peer.allowed_ips, prefix) != peer.allowed_ips.end()) {
            const ConfigLine *line = find_allowed_ips(peer);
            return place(file, line ? *line : peer.lines.front());
        }
    return file.path.native();
}

Error explained(const QuickFile &file, const Json &params, Error refusal)
{
    static const std::regex PEER_BY_NUMBER(R"(peers\[(\d+)\]\.(\w+)[^:]*: (.*))");
    static const std::regex PEER_BY_KEY(R"(peer (\S{44}): (\w+): (.*))");
    static const std::regex OWN_FIELD(R"((\w+): (.*))");
    std::smatch match;
    std::string what;
    if (std::regex_match(refusal.what, match, PEER_BY_NUMBER))
        what = explained_peer(file, key_of_peer(params, std::stoul(match[1])), match[2], match[3]);
    else if (std::regex_match(refusal.what, match, PEER_BY_KEY))
        what = explained_peer(file, match[1], match[2], match[3]);
    else if (std::regex_match(refusal.what, match, OWN_FIELD))
        if (const ConfigLine *line = find_field(file.config.lines, match[1]))
            what = fmt::format("{}: {}", place(file, *line), match[2].str());
    if (!what.empty())
        refusal.what = std::move(what);
    return refusal;
}

} // namespace wg
