// SPDX-License-Identifier: MIT
#include "api/uapi_reply.h"

#include <iterator>

#include "base/encoding.h"

namespace wg {
namespace {

template <typename Value>
void add(std::string &text, std::string_view key, const Value &value)
{
    fmt::format_to(std::back_inserter(text), "{}={}\n", key, value);
}

void add_handshake(std::string &text, const std::optional<WallTime> &time)
{
    const Duration since_1970 = time ? time->time_since_epoch() : Duration(0);
    const auto seconds = std::chrono::floor<std::chrono::seconds>(since_1970);
    add(text, "last_handshake_time_sec", seconds.count());
    add(text, "last_handshake_time_nsec", (since_1970 - seconds).count());
}

void add_peer(std::string &text, const PeerStatus &peer)
{
    add(text, "public_key", to_hex(peer.public_key)); // first: it begins the peer
    add(text, "preshared_key",
        to_hex(peer.preshared_key ? peer.preshared_key->bytes() : Key().bytes()));
    add(text, "protocol_version", 1);
    if (peer.endpoint)
        add(text, "endpoint", peer.endpoint->text());
    add_handshake(text, peer.last_handshake);
    add(text, "tx_bytes", peer.tx_bytes);
    add(text, "rx_bytes", peer.rx_bytes);
    add(text, "persistent_keepalive_interval", peer.persistent_keepalive);
    for (const Prefix &prefix : peer.allowed_ips)
        add(text, "allowed_ip", prefix.text());
}

} // namespace

std::string uapi_text(const TunnelStatus &tunnel)
{
    std::string text;
    if (tunnel.private_key)
        add(text, "private_key", to_hex(tunnel.private_key->bytes()));
    add(text, "listen_port", tunnel.listen_port);
    if (tunnel.fwmark != 0)
        add(text, "fwmark", tunnel.fwmark);
    for (const PeerStatus &peer : tunnel.peers)
        add_peer(text, peer);
    return text;
}

} // namespace wg
