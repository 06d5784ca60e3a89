// SPDX-License-Identifier: MIT
#include "api/replies.h"

#include <numeric>

#include "base/encoding.h"

namespace wg {
namespace {

std::int64_t unix_seconds(const std::optional<WallTime> &time)
{
    if (!time)
        return 0;
    return std::chrono::floor<std::chrono::seconds>(*time).time_since_epoch().count();
}

Json drops_json(const Status &status)
{
    Json drops = Json::object();
    for (const auto &[reason, per_cpu] : status.drops) {
        drops[wg_drop_reason_name(reason)] = {
            {"total", std::accumulate(per_cpu.begin(), per_cpu.end(), std::uint64_t{0})},
            {"per_cpu", per_cpu}};
    }
    return drops;
}

} // namespace

Json to_json(const PeerStatus &peer, Include include)
{
    Json json{{"public_key", to_base64(peer.public_key)},
              {"endpoint", nullptr},
              {"allowed_ips", Json::array()},
              {"latest_handshake", unix_seconds(peer.last_handshake)},
              {"rx_bytes", peer.rx_bytes},
              {"tx_bytes", peer.tx_bytes},
              {"persistent_keepalive", peer.persistent_keepalive},
              {"rate_limit", peer.rate_limit},
              {"quota", peer.quota},
              {"quota_used", peer.quota_used},
              {"path", peer.path},
              {"has_preshared_key", peer.preshared_key.has_value()}};
    if (!peer.places.empty())
        json["endpoints"] = peer.places;
    if (!peer.name.empty())
        json["name"] = peer.name;
    if (peer.endpoint)
        json["endpoint"] = peer.endpoint->text();
    for (const Prefix &prefix : peer.allowed_ips)
        json["allowed_ips"].push_back(prefix.text());
    if (include.preshared_key && peer.preshared_key)
        json["preshared_key"] = to_base64(peer.preshared_key->bytes());
    return json;
}

Json to_json(const TunnelStatus &tunnel, Include include)
{
    Json json{
        {"name", tunnel.name},     {"public_key", nullptr}, {"listen_port", tunnel.listen_port},
        {"fwmark", tunnel.fwmark}, {"mtu", tunnel.mtu},     {"moved", tunnel.moved},
        {"peers", Json::array()}};
    if (tunnel.public_key)
        json["public_key"] = to_base64(*tunnel.public_key);
    if (include.private_key && tunnel.private_key)
        json["private_key"] = to_base64(tunnel.private_key->bytes());
    for (const PeerStatus &peer : tunnel.peers)
        json["peers"].push_back(to_json(peer, include));
    return json;
}

Json to_json(const NicStatus &nic)
{
    return {{"name", nic.name},
            {"mode", attach_mode_name(nic.mode)},
            {"reason", nic.reason},
            {"unasked", nic.unasked},
            {"present", nic.present}};
}

Json to_json(const KeystreamStatus &keystream)
{
    return {{"producer", keystream.producer},         {"rings", keystream.rings},
            {"sealed_ready", keystream.sealed_ready}, {"sealed_inline", keystream.sealed_inline},
            {"opened_ready", keystream.opened_ready}, {"opened_inline", keystream.opened_inline}};
}

Json to_json(const Status &status)
{
    Json json{{"version", status.version},
              {"instance", status.instance},
              {"abi_version", status.abi_version},
              {"pid", status.pid},
              {"pins", status.pins},
              {"programs", Json::array()},
              {"drops", drops_json(status)},
              {"daemon_drops", Json::object()},
              {"keystream", to_json(status.keystream)}};
    for (const ProgramStatus &program : status.programs) {
        json["programs"].push_back({{"name", program.name},
                                    {"id", program.id},
                                    {"runs", program.runs},
                                    {"run_time_ns", program.run_time_ns}});
    }
    for (const auto &[reason, packets] : status.daemon_drops)
        json["daemon_drops"][wg_drop_reason_name(reason)] = packets;
    return json;
}

std::string to_line(const Json &json)
{
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

} // namespace wg
