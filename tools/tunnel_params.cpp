// SPDX-License-Identifier: MIT
#include "tools/tunnel_params.h"

#include <map>
#include <optional>

#include "api/resolve.h"
#include "base/encoding.h"
#include "tools/quick_place.h"

namespace wg {
namespace {

using PeersByKey = std::map<std::string, const Json *>;

PeersByKey by_key(const Json &peers)
{
    PeersByKey result;
    for (const Json &peer : peers)
        result.emplace(peer.at("public_key").get<std::string>(), &peer);
    return result;
}

template <typename T>
Json texts(const std::vector<T> &values)
{
    Json json = Json::array();
    for (const T &value : values)
        json.push_back(value.text());
    return json;
}

bool have_equal(const Json &a, const Json &b, const char *field)
{
    return a.contains(field) && b.contains(field) && a.at(field) == b.at(field);
}

bool is_transient(const Error &error)
{
    return error.code == std::errc::resource_unavailable_try_again;
}

/// The first that can be resolved, or nothing, where one may be later; why the first cannot, where
/// none can.
Result<std::optional<Endpoint>> resolve_one(const std::vector<HostPort> &places)
{
    std::optional<Error> why;
    bool may_be_later = false;
    for (const HostPort &place : places) {
        auto found = resolve(place);
        if (found)
            return *found;
        may_be_later |= is_transient(found.error());
        if (!why)
            why = std::move(found).error();
    }
    if (may_be_later)
        return std::nullopt;
    return tl::unexpected(*std::move(why));
}

/* An endpoint that is told again would forget by which address the peer reaches us, or by which of
 * several it is reached. */
void keep_place(Json &peer, const Json &old)
{
    if (have_equal(peer, old, "endpoint") || have_equal(peer, old, "endpoints"))
        peer.erase("endpoint");
    if (!peer.contains("endpoints") && old.contains("endpoints"))
        peer["endpoints"] = Json::array();
}

/// What tunnel.list told of a tunnel's peers, as peers_params would say it.
Json as_wanted(const Json &present)
{
    Json peers = Json::array();
    for (const Json &peer : present) {
        const bool has_names = !peer.value("endpoints", Json::array()).empty();
        Json params;
        for (const char *field : {"public_key", "name", "allowed_ips", "persistent_keepalive",
                                  "preshared_key", "endpoint", "endpoints", "rate_limit", "quota"})
            if (peer.contains(field)) // no endpoint is null, which takes a new one back
                params[field] = peer.at(field);
        if (has_names && params.at("endpoint").is_null())
            params.erase("endpoint"); // of names that were not found yet
        peers.push_back(std::move(params));
    }
    return peers;
}

bool has_place(const Json &peer)
{
    return peer.contains("endpoint") || peer.contains("endpoints");
}

std::string no_key()
{
    return to_base64(Key().bytes());
}

} // namespace

Result<> add_endpoints(Json &params, const std::vector<HostPort> &places, const Json *old)
{
    if (places.empty())
        return {};
    if (places.size() > 1 || !Endpoint::parse(places.front().text()))
        params["endpoints"] = texts(places); // to be looked up again, or tried in turn
    if (old && have_equal(params, *old, "endpoints") && !old->at("endpoint").is_null())
        params["endpoint"] = old->at("endpoint");
    else if (const auto endpoint = WG_TRY(resolve_one(places)))
        params["endpoint"] = endpoint->text();
    return {};
}

Result<Json> peers_params(const QuickFile &file, const Json &present)
{
    Json peers = Json::array();
    const auto there = by_key(present);
    for (const ConfigPeer &peer : file.config.peers) {
        Json params{{"public_key", to_base64(peer.public_key)},
                    {"allowed_ips", texts(peer.allowed_ips)}};
        if (peer.name)
            params["name"] = *peer.name;
        if (peer.preshared_key)
            params["preshared_key"] = to_base64(peer.preshared_key->bytes());
        if (peer.persistent_keepalive)
            params["persistent_keepalive"] = *peer.persistent_keepalive;
        if (peer.rate_limit)
            params["rate_limit"] = *peer.rate_limit;
        if (peer.quota)
            params["quota"] = *peer.quota;
        const auto old = there.find(params.at("public_key").get<std::string>());
        WG_TRY(
            at(key_place(file, peer, "Endpoint"),
               add_endpoints(params, peer.endpoints, old == there.end() ? nullptr : old->second)));
        peers.push_back(std::move(params));
    }
    return peers;
}

Json tunnel_params(const QuickFile &file, Json peers, std::uint32_t fwmark, std::uint32_t mtu)
{
    Json params{{"name", file.name},
                {"private_key", to_base64(file.config.private_key.bytes())},
                {"fwmark", fwmark},
                {"mtu", mtu},
                {"attach", file.config.attach},
                {"peers", std::move(peers)}};
    if (file.config.listen_port)
        params["listen_port"] = *file.config.listen_port;
    return params;
}

Json removal_params(const Json &wanted, const Json &present)
{
    Json removals = Json::array();
    const auto stays = by_key(wanted);
    for (const auto &[key, peer] : by_key(present))
        if (!stays.contains(key))
            removals.push_back({{"public_key", key}, {"remove", true}});
    return removals;
}

Json change_params(const Json &wanted, const Json &present)
{
    Json changes = Json::array();
    const auto there = by_key(present);
    for (const Json &removal : removal_params(wanted, present)) {
        const auto &key = removal.at("public_key");
        if (there.at(key.get<std::string>())->contains("name")) // another may want it
            changes.push_back({{"public_key", key}, {"name", ""}});
    }
    for (Json peer : wanted) {
        peer["replace_allowed_ips"] = true;
        if (!peer.contains("preshared_key"))
            peer["preshared_key"] = no_key();
        for (const char *field : {"persistent_keepalive", "rate_limit", "quota"})
            if (!peer.contains(field))
                peer[field] = 0;
        if (!peer.contains("name"))
            peer["name"] = "";
        const auto old = there.find(peer.at("public_key").get<std::string>());
        if (old != there.end())
            keep_place(peer, *old->second);
        changes.push_back(std::move(peer));
    }
    return changes;
}

Json restore_params(const Json &wanted, const Json &present)
{
    const Json old = as_wanted(present);
    Json changes = change_params(old, wanted);
    const auto told = by_key(wanted);
    for (Json &peer : changes) { // where nobody said it is, it may have been heard from since
        const auto its = told.find(peer.at("public_key").get<std::string>());
        if (its == told.end())
            peer.erase("endpoints");
        if (!peer.contains("endpoints") && (its == told.end() || !has_place(*its->second)))
            peer.erase("endpoint");
    }
    for (Json &removal : removal_params(old, wanted))
        changes.push_back(std::move(removal));
    return changes;
}

} // namespace wg
