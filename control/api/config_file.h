// SPDX-License-Identifier: MIT
//
// wg-quick's configuration files. A file is understood as a whole or refused with the line and the
// field that is wrong.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/config_line.h"
#include "api/text_form.h"
#include "base/address.h"
#include "base/result.h"
#include "base/secret.h"

namespace wg {

struct ConfigPeer {
    PublicKey public_key{};
    std::optional<std::string> name;
    std::optional<Key> preshared_key;
    std::vector<HostPort> endpoints; ///< not resolved, in order of preference
    std::optional<std::uint16_t> persistent_keepalive;
    std::optional<std::uint64_t> rate_limit;
    std::optional<std::uint64_t> quota;
    std::vector<Prefix> allowed_ips;
    std::vector<ConfigLine> lines;
};

struct ConfigFile {
    Key private_key; ///< zeros: a hook sets it
    std::optional<std::uint16_t> listen_port;
    std::optional<std::uint32_t> fwmark;
    std::vector<InterfaceAddress> addresses;
    std::optional<std::uint32_t> mtu;
    bool attach = true; ///< wgxdp's own key "Attach": auto or no
    std::vector<std::string> dns;
    std::vector<std::string> dns_search;
    std::string table; ///< "off", a number or a name; empty: auto
    std::vector<std::string> pre_up;
    std::vector<std::string> post_up;
    std::vector<std::string> pre_down;
    std::vector<std::string> post_down;
    bool save_config = false;
    std::vector<ConfigLine> lines; ///< of [Interface]
    std::vector<ConfigPeer>
        peers; ///< no public key twice: a later section updates the earlier as in wg(8)
};

/// As lenient as wg(8): keys and sections in any case, white space anywhere, comments, lists on one
/// line or several, the last of two values wins. `name` is the file's, for errors: "wg0.conf: line
/// 3: ListenPort: expected ...".
Result<ConfigFile> parse_config(std::string_view text, std::string_view name);

} // namespace wg
