// SPDX-License-Identifier: MIT
#include "api/uapi_request.h"

#include <algorithm>

#include "api/text_form.h"

namespace wg {
namespace {

/// wg(8) writes plain decimals only, whatever it reads from people.
template <auto parse>
auto parse_decimal(std::string_view text) -> decltype(parse(text))
{
    if (!std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; }))
        return failure(EINVAL, "malformed");
    return parse(text);
}

Result<bool> parse_true(std::string_view text)
{
    if (text != "true")
        return failure(EINVAL, "malformed");
    return true;
}

Result<int> parse_version(std::string_view text)
{
    if (text != "1")
        return failure(EINVAL, "malformed");
    return 1;
}

Result<AllowedIpChange> parse_allowed_ip(std::string_view text)
{
    const bool remove = text.starts_with('-');
    if (text.find('/') == text.npos)
        return failure(EINVAL, "malformed");
    return AllowedIpChange{WG_TRY(Prefix::parse(text.substr(remove ? 1 : 0))), remove};
}

constexpr TextForm<Key> HEX_KEY{"64 hexadecimal digits", parse_key_hex, true};
constexpr TextForm<PublicKey> HEX_PUBLIC_KEY{"64 hexadecimal digits", parse_public_key_hex, true};
constexpr TextForm<std::uint32_t> MARK{"0 to 4294967295", parse_decimal<parse_fwmark>};
constexpr TextForm<std::uint16_t> SECONDS{"0 to 65535", parse_decimal<parse_persistent_keepalive>};
constexpr TextForm<bool> ONLY_TRUE{"true", parse_true};
constexpr TextForm<int> VERSION{"1", parse_version};
constexpr TextForm<AllowedIpChange> ALLOWED_IP_CHANGE{
    "an IP prefix like 10.0.0.0/8, behind a '-' to remove it", parse_allowed_ip};

struct DeviceKey {
    std::string_view name;
    Result<> (*read)(DeviceChange &change, std::string_view value);
};
struct PeerKey {
    std::string_view name;
    Result<> (*read)(PeerChange &peer, std::string_view value);
};

/// Reads one key's value into the field of a change that it is for.
template <const auto &form, auto field>
Result<> read_field(auto &change, std::string_view value)
{
    change.*field = WG_TRY(read_text(form, value));
    return {};
}

Result<> read_allowed_ip(PeerChange &peer, std::string_view value)
{
    peer.allowed_ips.push_back(WG_TRY(read_text(ALLOWED_IP_CHANGE, value)));
    return {};
}

Result<> read_version(PeerChange &, std::string_view value)
{
    WG_TRY(read_text(VERSION, value));
    return {};
}

constexpr DeviceKey DEVICE_KEYS[] = {
    {"private_key", read_field<HEX_KEY, &DeviceChange::private_key>},
    {"listen_port", read_field<LISTEN_PORT, &DeviceChange::listen_port>},
    {"fwmark", read_field<MARK, &DeviceChange::fwmark>},
    {"replace_peers", read_field<ONLY_TRUE, &DeviceChange::replace_peers>},
};
constexpr PeerKey PEER_KEYS[] = {
    {"remove", read_field<ONLY_TRUE, &PeerChange::remove>},
    {"update_only", read_field<ONLY_TRUE, &PeerChange::update_only>},
    {"preshared_key", read_field<HEX_KEY, &PeerChange::preshared_key>},
    {"endpoint", read_field<ENDPOINT, &PeerChange::endpoint>},
    {"persistent_keepalive_interval", read_field<SECONDS, &PeerChange::persistent_keepalive>},
    {"replace_allowed_ips", read_field<ONLY_TRUE, &PeerChange::replace_allowed_ips>},
    {"allowed_ip", read_allowed_ip},
    {"protocol_version", read_version},
};

template <typename Keys, typename Change>
Result<> read_key(const Keys &keys, Change &change, std::string_view key, std::string_view value)
{
    const auto found = std::ranges::find(keys, key, &std::ranges::range_value_t<Keys>::name);
    if (found == std::end(keys))
        return failure(EINVAL, "not a key that can be set here"); // unnamed: it may be a secret
    return at(key, found->read(change, value));
}

Result<> read_line(DeviceChange &change, std::string_view line)
{
    const auto equals = line.find('=');
    if (equals == line.npos)
        return failure(EPROTO, "expected key=value");
    const auto key = line.substr(0, equals), value = line.substr(equals + 1);
    if (key == "public_key") {
        PeerChange peer;
        peer.public_key = WG_TRY(at(key, read_text(HEX_PUBLIC_KEY, value)));
        change.peers.push_back(std::move(peer));
        return {};
    }
    if (change.peers.empty())
        return read_key(DEVICE_KEYS, change, key, value);
    return read_key(PEER_KEYS, change.peers.back(), key, value);
}

} // namespace

Result<DeviceChange> parse_uapi_set(std::string_view lines)
{
    DeviceChange change;
    for (unsigned number = 2; !lines.empty(); number++) { // "set=1" was the first
        const auto end = std::min(lines.find('\n'), lines.size());
        WG_TRY(at(fmt::format("line {}", number), read_line(change, lines.substr(0, end))));
        lines.remove_prefix(std::min(end + 1, lines.size()));
    }
    return change;
}

} // namespace wg
