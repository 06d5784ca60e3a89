// SPDX-License-Identifier: MIT
//
// What a request can ask for, whichever door it came through: the daemon implements it, the servers
// call it. All calls come from the daemon's one thread. A refused request changes nothing.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <wgxdp/abi.h>
#include <wgxdp/drop_reason.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "device/change.h"

namespace wg {

enum class AttachMode { automatic, native, tc };

struct TunnelSpec {
    std::string
        name; ///< the interface's name, 1 to 15 characters; "x" is appended for its inner end
    DeviceChange device;
    std::vector<InterfaceAddress> addresses;
    std::optional<std::uint32_t> mtu; ///< default 1420
    bool attach = true;               ///< attach the NICs that its traffic uses
    bool routes = false;              ///< add a route by the interface for every allowed IP
    bool bare = false; ///< left down, and removed when its configuration socket is deleted
};

/// Of a tunnel that is there; what is not named stays.
struct TunnelChange {
    DeviceChange device{};
    std::optional<std::vector<InterfaceAddress>> addresses{}; ///< all that it is to have
    std::optional<std::uint32_t> mtu{};
    std::optional<bool> attach{};
};

struct PeerStatus {
    PublicKey public_key{};
    std::string name;                 ///< empty: none
    std::optional<Key> preshared_key; ///< only when one is set
    std::optional<Endpoint> endpoint;
    std::vector<std::string> places; ///< where it may be, as people said
    std::vector<Prefix> allowed_ips;
    std::optional<WallTime> last_handshake;
    std::uint64_t rx_bytes = 0;
    std::uint64_t tx_bytes = 0;
    std::uint16_t persistent_keepalive = 0;
    std::uint64_t rate_limit = 0; ///< bytes a second each way, 0: none
    std::uint64_t quota = 0;      ///< bytes, both ways together, 0: none
    std::uint64_t quota_used = 0;
    std::string path; ///< how its packets leave: "bpf eth0" or "socket: REASON"
};

struct TunnelStatus {
    std::string name;
    std::optional<Key> private_key;
    std::optional<PublicKey> public_key;
    std::uint16_t listen_port = 0;
    std::uint32_t fwmark = 0;
    std::uint32_t mtu = 0;
    bool moved = false; ///< wg0 lives in another netns
    std::vector<PeerStatus> peers;
};

struct NicStatus {
    std::string name;
    AttachMode mode = AttachMode::tc; ///< native or tc
    std::string reason;               ///< why not native, empty otherwise
    bool unasked = false;             ///< attached since a tunnel's traffic uses it
    bool present = true;              ///< false: gone, attached again when it comes back
};

struct ProgramStatus {
    std::string name; ///< "wg_rx_xdp", …
    std::uint32_t id = 0;
    std::uint64_t runs = 0; ///< only counted while kernel.bpf_stats_enabled=1
    std::uint64_t run_time_ns = 0;
};

/// Where the data plane's keystream came from, in packets.
struct KeystreamStatus {
    std::string producer = "none"; ///< "avx512", "avx2", "portable"
    std::size_t rings = 0;
    std::uint64_t sealed_ready = 0; ///< made ahead
    std::uint64_t sealed_inline = 0;
    std::uint64_t opened_ready = 0;
    std::uint64_t opened_inline = 0;
};

struct Status {
    std::string version;
    std::string instance;
    std::uint32_t abi_version = WG_ABI_VERSION;
    int pid = 0;
    std::string pins; ///< directory of the pinned maps
    std::vector<ProgramStatus> programs;
    std::map<wg_drop_reason, std::vector<std::uint64_t>>
        drops; ///< per CPU; only reasons that have happened
    std::map<wg_drop_reason, std::uint64_t> daemon_drops; ///< counted by the daemon itself
    KeystreamStatus keystream;
};

class StreamClient;
struct EventFilter;

class Service {
  public:
    virtual ~Service() = default;

    virtual Result<> add_tunnel(TunnelSpec spec) = 0;
    virtual Result<> remove_tunnel(const std::string &name) = 0;
    virtual std::vector<TunnelStatus> tunnels() = 0;
    virtual Result<> change_tunnel(const std::string &name, TunnelChange change) = 0;
    virtual Result<> attach_nic(const std::string &name, AttachMode mode) = 0;
    virtual Result<> detach_nic(const std::string &name) = 0;
    virtual std::vector<NicStatus> nics() = 0;
    virtual Status status() = 0;
    /// The client is told of events from now on, as long as it is there.
    virtual void subscribe(const std::shared_ptr<StreamClient> &client,
                           const EventFilter &filter) = 0;
};

} // namespace wg
