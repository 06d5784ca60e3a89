// SPDX-License-Identifier: MIT
//
// What there is on this machine, for the shells' completion. Whatever cannot be asked is not told.
#include <algorithm>
#include <cctype>
#include <iterator>
#include <memory>

#include <net/if.h>

#include "tools/commands.h"
#include "tools/show_field.h"

namespace wg {
namespace {

std::vector<std::string> interfaces()
{
    const std::unique_ptr<struct if_nameindex, decltype(&if_freenameindex)> all(if_nameindex(),
                                                                                if_freenameindex);
    std::vector<std::string> names;
    for (const auto *entry = all.get(); entry != nullptr && entry->if_name != nullptr; ++entry)
        names.emplace_back(entry->if_name);
    return names;
}

std::vector<std::string> config_names(const std::vector<std::filesystem::path> &directories)
{
    std::vector<std::string> names;
    std::error_code unreadable;
    for (const auto &directory : directories)
        for (const auto &entry : std::filesystem::directory_iterator(directory, unreadable))
            if (entry.path().extension() == ".conf")
                names.push_back(entry.path().stem());
    return names;
}

std::vector<std::string> texts(const Json &objects, const char *member)
{
    std::vector<std::string> texts;
    for (const Json &object : objects)
        texts.push_back(object.at(member).get<std::string>());
    return texts;
}

/// A shell takes it as it is, and a command as no option.
bool is_plain(const std::string &name)
{
    static constexpr std::string_view MARKS = "._-@+,";
    return !name.empty() && name[0] != '-' && std::ranges::all_of(name, [](unsigned char byte) {
        return std::isalnum(byte) || byte >= 0x80 || MARKS.find(char(byte)) != MARKS.npos;
    });
}

std::vector<std::string> plain_names(const Json &peers)
{
    std::vector<std::string> names;
    for (const Json &peer : peers)
        if (auto name = peer.value("name", ""); is_plain(name))
            names.push_back(std::move(name));
    return names;
}

} // namespace

std::vector<std::string> Commands::values_of(const std::string &kind, const std::string &tunnel)
{
    if (kind == "NIC")
        return interfaces();
    if (kind == "CONFIG")
        return config_names(environment_.config_directories);
    if (kind == "FIELD")
        return field_name_list();
    auto client = running_daemon();
    if (!client)
        return {};
    if (kind == "TUNNEL")
        return texts(client->ask("tunnel.list", Json::object()).value_or(Json::array()), "name");
    if (kind != "PUBLIC_KEY" && kind != "PEER")
        return {};
    const auto peers = client->ask("peer.list", {{"tunnel", tunnel}}).value_or(Json::array());
    auto values = texts(peers, "public_key");
    if (kind == "PEER")
        std::ranges::move(plain_names(peers), std::back_inserter(values));
    return values;
}

} // namespace wg
