// SPDX-License-Identifier: MIT
//
// The parser of wg-quick's files: line by line, two tables of fields, no look-ahead.
#include "api/config_file.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <span>

#include <strings.h>

#include "api/config_values.h"

namespace wg {
namespace {

/// Longer or stranger "keys" may be a secret that lost its name: an error does not repeat them.
constexpr std::size_t MAX_KEY_NAME = 24;

bool equal_ignoring_case(std::string_view a, std::string_view b)
{
    return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

/// wg(8) drops every white space before it looks at a line.
std::string significant(std::string_view line)
{
    std::string cleaned(line);
    std::erase_if(cleaned, [](unsigned char c) { return std::isspace(c) != 0; });
    return cleaned;
}

class Parser {
  public:
    explicit Parser(std::string_view name) : name_(name) {}

    Result<> read_line(std::string_view raw);
    Result<ConfigFile> finish();

  private:
    struct Field {
        std::string_view name;
        Result<> (Parser::*read)(std::string_view value);
        bool raw = false;       ///< wg-quick's: white space within the value counts
        bool has_words = false; ///< that stand for themselves
    };
    struct Section {
        std::string_view name;
        std::span<const Field> fields;
    };
    static const Field INTERFACE_FIELDS[];
    static const Field PEER_FIELDS[];

    template <typename... Args>
    tl::unexpected<Error> refuse(unsigned line, fmt::format_string<Args...> format, Args &&...args)
    {
        return failure(EINVAL, "{}: {}", config_place(name_, line),
                       fmt::format(format, std::forward<Args>(args)...));
    }

    Result<> begin_section(std::string_view header);
    Result<> end_peer();
    Result<> read_field(std::string_view key, std::string_view value, std::string_view raw_value);
    tl::unexpected<Error> refuse_key(std::string_view key);

    template <typename T>
    Result<> read_list(const TextForm<T> &form, std::string_view value, std::vector<T> &list);
    template <typename T, typename Target>
    Result<> read_value(const TextForm<T> &form, std::string_view value, Target &target)
    {
        target = WG_TRY(read_text(form, value));
        return {};
    }

    Result<> read_private_key(std::string_view value)
    {
        return read_value(SECRET_KEY, value, private_key_);
    }
    Result<> read_listen_port(std::string_view value)
    {
        return read_value(LISTEN_PORT, value, config_.listen_port);
    }
    Result<> read_fwmark(std::string_view value)
    {
        return read_value(FWMARK, value, config_.fwmark);
    }
    Result<> read_address(std::string_view value)
    {
        const auto words = words_of(value);
        if (words.empty())
            WG_TRY(read_text(ADDRESS, value));
        for (const auto word : words)
            config_.addresses.push_back(WG_TRY(read_text(ADDRESS, word)));
        return {};
    }
    Result<> read_dns(std::string_view value)
    {
        for (const auto text : words_of(value)) {
            auto word = WG_TRY(read_text(DNS, text));
            (word.is_server ? config_.dns : config_.dns_search).push_back(std::move(word.text));
        }
        return {};
    }
    Result<> read_table(std::string_view value) { return read_value(TABLE, value, config_.table); }
    Result<> read_save_config(std::string_view value)
    {
        return read_value(TRUE_OR_FALSE, value, config_.save_config);
    }
    template <std::vector<std::string> ConfigFile::*hooks>
    Result<> read_hook(std::string_view value)
    {
        if (!value.empty())
            (config_.*hooks).emplace_back(value);
        return {};
    }
    Result<> read_mtu(std::string_view value) { return read_value(MTU, value, config_.mtu); }
    Result<> read_attach(std::string_view value)
    {
        return read_value(ATTACH_POLICY, value, config_.attach);
    }
    Result<> read_public_key(std::string_view value)
    {
        has_public_key_ = true;
        return read_value(PUBLIC_KEY, value, peer_.public_key);
    }
    Result<> read_name(std::string_view value) { return read_value(PEER_NAME, value, peer_.name); }
    Result<> read_preshared_key(std::string_view value)
    {
        return read_value(SECRET_KEY, value, peer_.preshared_key);
    }
    Result<> read_allowed_ips(std::string_view value)
    {
        if (value.empty())
            return {};
        return read_list(ALLOWED_IP, value, allowed_ips_);
    }
    Result<> read_endpoint(std::string_view value)
    {
        peer_.endpoints.clear();
        WG_TRY(read_list(HOST_PORT, value, peer_.endpoints));
        if (peer_.endpoints.size() > MAX_PLACES)
            return failure(EINVAL, "expected at most {}", MAX_PLACES);
        return {};
    }
    Result<> read_persistent_keepalive(std::string_view value)
    {
        return read_value(PERSISTENT_KEEPALIVE, value, peer_.persistent_keepalive);
    }

    Result<> read_rate_limit(std::string_view value)
    {
        return read_value(BYTE_COUNT, value, peer_.rate_limit);
    }
    Result<> read_quota(std::string_view value)
    {
        return read_value(BYTE_COUNT, value, peer_.quota);
    }

    std::string_view name_;
    unsigned line_ = 0;
    const Section *section_ = nullptr;
    static const Section INTERFACE;
    static const Section PEER;

    ConfigFile config_;
    unsigned interface_line_ = 0; ///< 0: no [Interface] yet
    std::optional<Key> private_key_;

    unsigned peer_line_ = 0; ///< 0: no [Peer] is open
    bool has_public_key_ = false;
    ConfigPeer peer_;
    std::vector<PrefixTerm> allowed_ips_; ///< of all lines: one may cut holes into another's
    std::vector<std::optional<ConfigPeer>> peers_; ///< nothing: a later section took over
    std::map<PublicKey, std::size_t> peer_slots_;
};

const Parser::Field Parser::INTERFACE_FIELDS[] = {
    {"PrivateKey", &Parser::read_private_key},
    {"ListenPort", &Parser::read_listen_port},
    {"FwMark", &Parser::read_fwmark},
    {"Address", &Parser::read_address, true, true},
    {"DNS", &Parser::read_dns, true},
    {"MTU", &Parser::read_mtu},
    {"Table", &Parser::read_table, true},
    {"PreUp", &Parser::read_hook<&ConfigFile::pre_up>, true},
    {"PostUp", &Parser::read_hook<&ConfigFile::post_up>, true},
    {"PreDown", &Parser::read_hook<&ConfigFile::pre_down>, true},
    {"PostDown", &Parser::read_hook<&ConfigFile::post_down>, true},
    {"SaveConfig", &Parser::read_save_config, true},
    {"Attach", &Parser::read_attach},
};
const Parser::Field Parser::PEER_FIELDS[] = {
    {"PublicKey", &Parser::read_public_key},
    {"Name", &Parser::read_name, true},
    {"PresharedKey", &Parser::read_preshared_key},
    {"AllowedIPs", &Parser::read_allowed_ips},
    {"Endpoint", &Parser::read_endpoint},
    {"PersistentKeepalive", &Parser::read_persistent_keepalive},
    {"RateLimit", &Parser::read_rate_limit},
    {"Quota", &Parser::read_quota},
};
const Parser::Section Parser::INTERFACE{"[Interface]", INTERFACE_FIELDS};
const Parser::Section Parser::PEER{"[Peer]", PEER_FIELDS};

Result<> Parser::read_line(std::string_view raw)
{
    ++line_;
    raw = raw.substr(0, raw.find('#'));
    auto line = significant(raw);
    if (line.empty())
        return {};
    if (line.front() == '[')
        return begin_section(line);
    auto equals = line.find('=');
    if (equals == std::string::npos)
        return refuse(line_, "expected KEY = VALUE or a section like [Peer]");
    return read_field(std::string_view(line).substr(0, equals),
                      std::string_view(line).substr(equals + 1),
                      trimmed(raw.substr(raw.find('=') + 1)));
}

Result<> Parser::begin_section(std::string_view header)
{
    WG_TRY(end_peer());
    if (equal_ignoring_case(header, INTERFACE.name)) {
        section_ = &INTERFACE;
        interface_line_ = line_;
        return {};
    }
    if (equal_ignoring_case(header, PEER.name)) {
        section_ = &PEER;
        peer_line_ = line_;
        peer_.lines.push_back({PEER.name, line_});
        return {};
    }
    return refuse(line_, "expected the section [Interface] or [Peer], got {}", in_quotes(header));
}

Result<>
Parser::read_field(std::string_view key, std::string_view value, std::string_view raw_value)
{
    if (section_ == nullptr)
        return refuse(line_, "expected a section, [Interface] or [Peer], before the first key");
    for (const Field &field : section_->fields) {
        if (!equal_ignoring_case(field.name, key))
            continue;
        WG_TRY(at(config_place(name_, line_),
                  at(field.name, (this->*field.read)(field.raw ? raw_value : value))));
        auto &lines = section_ == &PEER ? peer_.lines : config_.lines;
        const std::size_t values = value.empty() ? 0 : 1;
        lines.insert(lines.end(), field.has_words ? words_of(raw_value).size() : values,
                     {field.name, line_});
        return {};
    }
    return refuse_key(key);
}

tl::unexpected<Error> Parser::refuse_key(std::string_view key)
{
    std::string names;
    for (const Field &field : section_->fields)
        names += fmt::format("{}{}", names.empty() ? "" : ", ", field.name);
    auto is_letter = [](unsigned char c) { return std::isalpha(c) != 0; };
    if (key.empty() || key.size() > MAX_KEY_NAME || !std::all_of(key.begin(), key.end(), is_letter))
        return refuse(line_, "expected one of {} in {}", names, section_->name);
    return refuse(line_, "{} is unknown in {}, expected one of {}", key, section_->name, names);
}

template <typename T>
Result<> Parser::read_list(const TextForm<T> &form, std::string_view value, std::vector<T> &list)
{
    for (std::size_t begin = 0; begin <= value.size();) {
        auto end = std::min(value.find(',', begin), value.size());
        list.push_back(WG_TRY(read_text(form, value.substr(begin, end - begin))));
        begin = end + 1;
    }
    return {};
}

/// `wg setconf` sends every section in order: one for a peer that is already there replaces its
/// allowed IPs and takes over what it names. It moves to the end so that the allowed IPs it claims
/// are won from the sections between.
Result<> Parser::end_peer()
{
    if (peer_line_ == 0)
        return {};
    if (!has_public_key_)
        return refuse(peer_line_, "PublicKey: missing in this [Peer]");
    const auto allowed_ips = std::exchange(allowed_ips_, {});
    peer_.allowed_ips = WG_TRY(at(config_place(name_, last_line(peer_.lines, "AllowedIPs")),
                                  at("AllowedIPs", prefix_difference(allowed_ips))));
    auto [slot, inserted] = peer_slots_.try_emplace(peer_.public_key, peers_.size());
    if (!inserted) {
        ConfigPeer earlier = *std::exchange(peers_[slot->second], std::nullopt);
        if (!peer_.name)
            peer_.name = std::move(earlier.name);
        if (!peer_.preshared_key)
            peer_.preshared_key = std::move(earlier.preshared_key);
        if (peer_.endpoints.empty())
            peer_.endpoints = std::move(earlier.endpoints);
        if (!peer_.persistent_keepalive)
            peer_.persistent_keepalive = earlier.persistent_keepalive;
        if (!peer_.rate_limit)
            peer_.rate_limit = earlier.rate_limit;
        if (!peer_.quota)
            peer_.quota = earlier.quota;
        peer_.lines.insert(peer_.lines.begin(), earlier.lines.begin(), earlier.lines.end());
        slot->second = peers_.size();
    }
    peers_.push_back(std::exchange(peer_, ConfigPeer{}));
    peer_line_ = 0;
    has_public_key_ = false;
    return {};
}

Result<ConfigFile> Parser::finish()
{
    WG_TRY(end_peer());
    if (interface_line_ == 0)
        return failure(EINVAL, "{}: [Interface]: the section is missing", name_);
    if (private_key_)
        config_.private_key = std::move(*private_key_);
    else if (config_.pre_up.empty() && config_.post_up.empty()) // these may bring one
        return refuse(interface_line_, "PrivateKey: missing in [Interface]");
    for (auto &peer : peers_) {
        if (peer)
            config_.peers.push_back(std::move(*peer));
    }
    return std::move(config_);
}

} // namespace

Result<ConfigFile> parse_config(std::string_view text, std::string_view name)
{
    Parser parser(name);
    for (std::size_t begin = 0; begin < text.size();) {
        auto end = std::min(text.find('\n', begin), text.size());
        WG_TRY(parser.read_line(text.substr(begin, end - begin)));
        begin = end + 1;
    }
    return parser.finish();
}

} // namespace wg
