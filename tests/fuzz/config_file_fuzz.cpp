// SPDX-License-Identifier: MIT
//
// Any text: either a configuration whose values are in range, or one printable sentence that begins
// with the file.
#include <algorithm>
#include <cstdlib>
#include <set>

#include "api/config_file.h"

namespace {

void require(bool condition)
{
    if (!condition)
        std::abort();
}

void check(const wg::ConfigFile &config)
{
    require(!config.mtu || (*config.mtu >= wg::MIN_MTU && *config.mtu <= wg::MAX_MTU));
    std::set<wg::PublicKey> seen;
    for (const wg::ConfigPeer &peer : config.peers) {
        require(seen.insert(peer.public_key).second);
        for (const auto &place : peer.endpoints)
            require(!place.host.empty() && place.port != 0 &&
                    wg::last_line(peer.lines, "Endpoint") != 0);
        for (const wg::Prefix &prefix : peer.allowed_ips)
            require(prefix == wg::Prefix::of(prefix.address, prefix.length));
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    auto config = wg::parse_config({reinterpret_cast<const char *>(data), size}, "fuzz.conf");
    if (config) {
        check(*config);
        return 0;
    }
    const std::string &what = config.error().what;
    require(what.starts_with("fuzz.conf: ") && what.size() < 400);
    require(std::all_of(what.begin(), what.end(), [](char c) { return c >= ' ' && c <= '~'; }));
    return 0;
}
