// SPDX-License-Identifier: MIT
#include "tools/show_field.h"

#include <algorithm>

#include <fmt/format.h>

namespace wg {
namespace {

using Members = std::vector<std::string_view>;

/// A field of wg(8), and the members of tunnel.list's answer that are in it.
struct Field {
    std::string_view name;
    Members of_tunnel;
    Members of_peer;
    std::string_view between_allowed_ips = " ";
};

const std::vector<Field> FIELDS{
    {"public-key", {"public_key"}, {}},
    {"private-key", {"private_key"}, {}},
    {"listen-port", {"listen_port"}, {}},
    {"fwmark", {"fwmark"}, {}},
    {"peers", {}, {"public_key"}},
    {"preshared-keys", {}, {"public_key", "preshared_key"}},
    {"endpoints", {}, {"public_key", "endpoint"}},
    {"allowed-ips", {}, {"public_key", "allowed_ips"}},
    {"latest-handshakes", {}, {"public_key", "latest_handshake"}},
    {"transfer", {}, {"public_key", "rx_bytes", "tx_bytes"}},
    {"persistent-keepalive", {}, {"public_key", "persistent_keepalive"}},
    {"dump",
     {"private_key", "public_key", "listen_port", "fwmark"},
     {"public_key", "preshared_key", "endpoint", "allowed_ips", "latest_handshake", "rx_bytes",
      "tx_bytes", "persistent_keepalive"},
     ","}};

const Field *find_field(std::string_view name)
{
    auto found = std::find_if(FIELDS.begin(), FIELDS.end(),
                              [&](const Field &field) { return field.name == name; });
    return found == FIELDS.end() ? nullptr : &*found;
}

const Json &member(const Json &owner, std::string_view name)
{
    static const Json NONE;
    auto found = owner.find(name);
    return found == owner.end() ? NONE : *found;
}

std::string value_text(const Field &field, std::string_view name, const Json &value)
{
    if (value.is_null() || (value.is_array() && value.empty()))
        return "(none)";
    if (value.is_array())
        return fmt::format(
            "{}", fmt::join(value.get<std::vector<std::string>>(), field.between_allowed_ips));
    if (value.is_string())
        return value.get<std::string>();
    const auto number = value.get<std::uint64_t>();
    if (number == 0 && (name == "fwmark" || name == "persistent_keepalive"))
        return "off";
    return name == "fwmark" ? fmt::format("{:#x}", number) : std::to_string(number);
}

/// Calls `row(tunnel, owner, members)` for every line there is.
template <typename Row>
void for_each_row(const Field &field, const Json &tunnels, Row row)
{
    for (const Json &tunnel : tunnels) {
        if (!field.of_tunnel.empty())
            row(tunnel, tunnel, field.of_tunnel);
        if (field.of_peer.empty())
            continue;
        for (const Json &peer : tunnel.at("peers"))
            row(tunnel, peer, field.of_peer);
    }
}

} // namespace

std::vector<std::string> field_name_list()
{
    std::vector<std::string> names;
    for (const Field &field : FIELDS)
        names.emplace_back(field.name);
    return names;
}

std::string field_names()
{
    return fmt::format("{}", fmt::join(field_name_list(), ", "));
}

Result<Json> field_secrets(const std::string &name)
{
    const Field *field = find_field(name);
    if (field == nullptr)
        return failure(EINVAL, "FIELD: expected one of {}, got {}", field_names(), in_quotes(name));
    Json secrets = Json::array();
    for (const Members &members : {field->of_tunnel, field->of_peer})
        for (auto secret : {"private_key", "preshared_key"})
            if (std::find(members.begin(), members.end(), secret) != members.end())
                secrets.push_back(secret);
    return secrets;
}

std::string field_text(const std::string &name, const Json &tunnels, bool all)
{
    const Field &field = *find_field(name);
    std::string text;
    for_each_row(field, tunnels,
                 [&](const Json &tunnel, const Json &owner, const Members &members) {
                     if (all)
                         text += tunnel.at("name").get<std::string>() + '\t';
                     for (auto member_name : members)
                         text += value_text(field, member_name, member(owner, member_name)) + '\t';
                     text.back() = '\n';
                 });
    return text;
}

Json field_json(const std::string &name, const Json &tunnels)
{
    Json rows = Json::array();
    for_each_row(*find_field(name), tunnels,
                 [&](const Json &tunnel, const Json &owner, const Members &members) {
                     Json row{{"tunnel", tunnel.at("name")}};
                     for (auto member_name : members)
                         row[std::string(member_name)] = member(owner, member_name);
                     rows.push_back(std::move(row));
                 });
    return rows;
}

} // namespace wg
