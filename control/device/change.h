// SPDX-License-Identifier: MIT
//
// A validated request to change a tunnel: what a file, JSON-RPC and wg(8)'s socket all become.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/secret.h"

namespace wg {

struct AllowedIpChange {
    Prefix prefix;
    bool remove = false;
};

struct PeerChange {
    PublicKey public_key{};
    bool remove = false;
    bool update_only = false;         ///< do nothing if the peer does not exist
    bool by_name = false;             ///< who is called `name`, whatever its key is
    std::optional<std::string> name;  ///< empty: none
    std::optional<Key> preshared_key; ///< zeros clear
    std::optional<Endpoint> endpoint; ///< without `places`: there are no others
    bool forget_endpoint = false;     ///< nor are there others
    /// Where it may be, in order of preference, each "HOST:PORT".
    std::optional<std::vector<std::string>> places;
    std::optional<std::uint16_t> persistent_keepalive; ///< seconds, 0: off
    std::optional<std::uint64_t> rate_limit;           ///< bytes a second each way, 0: none
    std::optional<std::uint64_t> quota;                ///< bytes, both ways together, 0: none
    std::optional<std::uint64_t> quota_used;           ///< of it, from now on
    bool replace_allowed_ips = false;
    std::vector<AllowedIpChange> allowed_ips;
};

struct DeviceChange {
    std::optional<Key> private_key;           ///< zeros clear
    std::optional<std::uint16_t> listen_port; ///< 0: a random one
    std::optional<std::uint32_t> fwmark;      ///< 0: none
    bool replace_peers = false;
    std::vector<PeerChange> peers; ///< applied in order
};

} // namespace wg
