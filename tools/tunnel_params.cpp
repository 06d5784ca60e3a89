// SPDX-License-Identifier: MIT
#include "tools/tunnel_params.h"

#include <map>

#include "api/resolve.h"
#include "base/encoding.h"

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

/// The first that can be resolved; why the first cannot, where none can.
Result<Endpoint> resolve_one(const std::vector<HostPort> &places)
{
    auto first = resolve(places.front());
    for (auto place = places.begin() + 1; !first && place != places.end(); ++place)
        if (auto other = resolve(*place))
            return other;
    return first;
}

bool have_equal(const Json &a, const Json &b, const char *field)
{
    return a.contains(field) && b.contains(field) && a.at(field) == b.at(field);
}

std::string no_key()
{
    return to_base64(Key().bytes());
}

} // namespace

Result<Json> peers_params(const QuickFile &file)
{
    Json peers = Json::array();
    for (const ConfigPeer &peer : file.config.peers) {
        Json params{{"public_key", to_base64(peer.public_key)},
                    {"allowed_ips", texts(peer.allowed_ips)}};
        if (peer.name)
            params["name"] = *peer.name;
        if (peer.preshared_key)
            params["preshared_key"] = to_base64(peer.preshared_key->bytes());
        if (peer.persistent_keepalive)
            params["persistent_keepalive"] = *peer.persistent_keepalive;
        if (!peer.endpoints.empty()) {
            const auto place =
                fmt::format("{}: Endpoint", config_place(file.path.native(), peer.endpoint_line));
            params["endpoint"] = WG_TRY(at(place, resolve_one(peer.endpoints))).text();
            if (peer.endpoints.size() > 1 || !Endpoint::parse(peer.endpoints.front().text()))
                params["endpoints"] =
                    texts(peer.endpoints); // to be looked up again, or tried in turn
        }
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

Json sync_params(const Json &wanted, const Json &present)
{
    Json changes = Json::array();
    const auto there = by_key(present);
    for (Json peer : wanted) {
        peer["replace_allowed_ips"] = true;
        if (!peer.contains("preshared_key"))
            peer["preshared_key"] = no_key();
        if (!peer.contains("persistent_keepalive"))
            peer["persistent_keepalive"] = 0;
        if (!peer.contains("name"))
            peer["name"] = "";
        // An endpoint that is told again would forget by which address the peer reaches us, or by
        // which of several it is reached.
        const auto old = there.find(peer.at("public_key").get<std::string>());
        if (old != there.end() && (have_equal(peer, *old->second, "endpoint") ||
                                   have_equal(peer, *old->second, "endpoints")))
            peer.erase("endpoint");
        changes.push_back(std::move(peer));
    }
    const auto stays = by_key(wanted);
    for (const auto &[key, peer] : there)
        if (!stays.contains(key))
            changes.push_back({{"public_key", key}, {"remove", true}});
    return changes;
}

Json as_wanted(const Json &present)
{
    Json peers = Json::array();
    for (const Json &peer : present) {
        Json params;
        for (const char *field : {"public_key", "name", "allowed_ips", "persistent_keepalive",
                                  "preshared_key", "endpoint", "endpoints"})
            if (peer.contains(field) && !peer.at(field).is_null())
                params[field] = peer.at(field);
        peers.push_back(std::move(params));
    }
    return peers;
}

} // namespace wg
