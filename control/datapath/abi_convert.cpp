// SPDX-License-Identifier: MIT
#include "datapath/abi_convert.h"

#include <algorithm>

namespace wg {

namespace {

template <typename From, typename To>
void copy(const From &from, To &to)
{
    static_assert(sizeof(from) == sizeof(to));
    std::memcpy(&to, &from, sizeof(to));
}

IpAddress address_of(std::uint16_t family, const std::uint8_t (&bytes)[16])
{
    const std::span<const std::uint8_t, 16> all(bytes);
    if (family == AF_INET)
        return IpAddress::v4(all.first<4>());
    return family == AF_INET6 ? IpAddress::v6(all) : IpAddress{};
}

bool is_zero(const std::uint8_t (&bytes)[16])
{
    return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

/// An eighth of a second, or what is little at any rate: as much as TCP sends in one go.
constexpr std::uint64_t BURST_NS = 125'000'000, BURST_BYTES = 65'536, NS_PER_S = 1'000'000'000;

std::uint64_t burst_ns(std::uint64_t rate_limit)
{
    return rate_limit == 0 ? 0 : std::max(BURST_NS, BURST_BYTES * NS_PER_S / rate_limit);
}

} // namespace

wg_peer to_abi(TunnelId tunnel, const PeerState &peer, const wg_route &route)
{
    wg_peer abi{};
    abi.id = peer.id;
    abi.tunnel = tunnel;
    abi.current = peer.current;
    abi.previous = peer.previous;
    abi.next = peer.next;
    abi.flags = peer.sending_valid ? 0U : static_cast<std::uint32_t>(WG_PEER_SENDING_INVALID);
    if (peer.rate_limit != 0 || peer.quota != 0)
        abi.flags |= WG_PEER_LIMITED;
    abi.rate_limit = peer.rate_limit;
    abi.burst_ns = burst_ns(peer.rate_limit);
    abi.quota = peer.quota;
    abi.persistent_keepalive = peer.persistent_keepalive;
    if (peer.endpoint) {
        const Endpoint &heard = peer.heard ? *peer.heard : *peer.endpoint;
        abi.endpoint = peer.endpoint->to_abi();
        copy(heard.source.bytes, abi.source);
        abi.source_ifindex = heard.source_ifindex;
    }
    abi.route = route;
    copy(peer.public_key, abi.public_key);
    copy(peer.latest_timestamp, abi.latest_timestamp);
    if (peer.last_handshake)
        abi.last_handshake =
            static_cast<std::uint64_t>(peer.last_handshake->time_since_epoch().count());
    return abi;
}

PeerState from_abi(const wg_peer &peer)
{
    PeerState state;
    state.id = peer.id;
    copy(peer.public_key, state.public_key);
    state.current = peer.current;
    state.previous = peer.previous;
    state.next = peer.next;
    state.sending_valid = (peer.flags & WG_PEER_SENDING_INVALID) == 0;
    if (peer.endpoint.family != 0) {
        state.endpoint = Endpoint::from_abi(peer.endpoint);
        if (!is_zero(peer.source))
            state.endpoint->source = address_of(peer.endpoint.family, peer.source);
        state.endpoint->source_ifindex = peer.source_ifindex;
    }
    state.persistent_keepalive = peer.persistent_keepalive;
    state.rate_limit = peer.rate_limit;
    state.quota = peer.quota;
    copy(peer.latest_timestamp, state.latest_timestamp);
    if (peer.last_handshake != 0)
        state.last_handshake = WallTime(ns(peer.last_handshake));
    return state;
}

Endpoint from_abi(const wg_observed_endpoint &observed)
{
    Endpoint endpoint = Endpoint::from_abi(observed.source);
    endpoint.source = address_of(observed.source.family, observed.destination);
    endpoint.source_ifindex = observed.ifindex;
    return endpoint;
}

wg_observed_endpoint observed_to_abi(const Endpoint &from)
{
    wg_observed_endpoint observed{};
    observed.source = from.to_abi();
    copy(from.source.bytes, observed.destination);
    observed.ifindex = from.source_ifindex;
    return observed;
}

wg_keypair to_abi(TunnelId tunnel, const NewKeypair &keypair)
{
    wg_keypair abi{};
    abi.peer = keypair.peer;
    abi.tunnel = tunnel;
    abi.local_index = keypair.local_index;
    abi.remote_index = keypair.remote_index;
    abi.flags = keypair.initiator ? static_cast<std::uint32_t>(WG_KEYPAIR_INITIATOR) : 0U;
    abi.created_at = to_ns(keypair.created_at);
    return abi;
}

wg_cookie_checker to_abi(const CookieSecrets &secrets, Instant load_until)
{
    wg_cookie_checker abi{};
    abi.load_until = to_ns(load_until);
    abi.keys.secret_until = to_ns(secrets.secret_until);
    std::memcpy(abi.keys.mac1_key, secrets.mac1_key.bytes().data(), WG_KEY_SIZE);
    std::memcpy(abi.keys.cookie_key, secrets.cookie_key.bytes().data(), WG_KEY_SIZE);
    std::memcpy(abi.keys.secret, secrets.secret.bytes().data(), WG_KEY_SIZE);
    return abi;
}

wg_allowed_ip_key_v4 allowed_ip_key_v4(TunnelId tunnel, const Prefix &prefix)
{
    wg_allowed_ip_key_v4 key{32U + prefix.length, tunnel, {}};
    std::memcpy(key.address, prefix.address.bytes.data(), sizeof(key.address));
    return key;
}

wg_allowed_ip_key_v6 allowed_ip_key_v6(TunnelId tunnel, const Prefix &prefix)
{
    wg_allowed_ip_key_v6 key{32U + prefix.length, tunnel, {}};
    std::memcpy(key.address, prefix.address.bytes.data(), sizeof(key.address));
    return key;
}

Prefix from_abi(const wg_allowed_ip_key_v4 &key)
{
    return Prefix::of(IpAddress::v4(key.address), static_cast<std::uint8_t>(key.prefix_len - 32));
}

Prefix from_abi(const wg_allowed_ip_key_v6 &key)
{
    return Prefix::of(IpAddress::v6(key.address), static_cast<std::uint8_t>(key.prefix_len - 32));
}

} // namespace wg
