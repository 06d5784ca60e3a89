// SPDX-License-Identifier: MIT
//
// A Service that remembers what it was asked, and refuses on demand.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "api/event_hub.h"
#include "api/service.h"
#include "base/encoding.h"
#include "unit/api/keys.h"

namespace wg::test {

inline Key key(std::string_view base64)
{
    return *parse_key_base64(base64);
}
inline PublicKey public_key(std::string_view base64)
{
    return *parse_public_key_base64(base64);
}

class FakeService final : public Service {
  public:
    Result<> add_tunnel(TunnelSpec spec) override
    {
        WG_TRY(called("add_tunnel " + spec.name));
        added.push_back(std::move(spec));
        return {};
    }
    Result<> remove_tunnel(const std::string &name) override
    {
        return called("remove_tunnel " + name);
    }
    std::vector<TunnelStatus> tunnels() override
    {
        std::vector<TunnelStatus> result;
        if (has_tunnel)
            result.push_back(tunnel());
        if (has_tunnel && alter)
            alter(result.back());
        return result;
    }
    Result<> change_tunnel(const std::string &name, TunnelChange change) override
    {
        WG_TRY(called("change_tunnel " + name));
        changed.push_back(std::move(change.device));
        interface_change = std::move(change);
        return {};
    }
    Result<> attach_nic(const std::string &name, AttachMode mode) override
    {
        return called(fmt::format("attach_nic {} {}", name, static_cast<int>(mode)));
    }
    Result<> detach_nic(const std::string &name) override { return called("detach_nic " + name); }
    std::vector<NicStatus> nics() override
    {
        return {{"eth0", AttachMode::native, ""}, {"lo", AttachMode::tc, "lo has no XDP"}};
    }
    Status status() override
    {
        Status status;
        status.version = "0.1.0";
        status.instance = padding + "default";
        status.pid = pid;
        status.pins = "/sys/fs/bpf/wgxdp/default";
        status.programs = {{"wg_rx_xdp", 7, 1000, 88000}};
        status.drops = {{WG_DROP_REPLAYED, {4, 0, 8}}, {WG_DROP_BAD_TAG, {0, 1}}};
        status.daemon_drops = {{WG_DROP_BAD_MAC1, 3}, {WG_DROP_REPLAYED, 2}};
        status.keystream = {.producer = "avx2",
                            .rings = 2,
                            .sealed_ready = 10,
                            .sealed_inline = 1,
                            .opened_ready = 20,
                            .opened_inline = 3};
        return status;
    }

    void subscribe(const std::shared_ptr<StreamClient> &client, const EventFilter &filter) override
    {
        hub.subscribe(client, filter);
    }

    static TunnelStatus tunnel()
    {
        TunnelStatus tunnel;
        tunnel.name = "wg0";
        tunnel.private_key = key(PRIVATE_KEY);
        tunnel.public_key = public_key(PUBLIC_KEY_OF_IT);
        tunnel.listen_port = 51820;
        tunnel.fwmark = 0xca6c;
        tunnel.mtu = 1420;
        PeerStatus quiet;
        quiet.public_key = public_key(PEER_A);
        tunnel.peers.push_back(std::move(quiet));
        PeerStatus busy;
        busy.public_key = public_key(PEER_B);
        busy.name = "busy";
        busy.preshared_key = key(PRESHARED_KEY);
        busy.endpoint = *Endpoint::parse("[2001:db8::1]:51820");
        busy.allowed_ips = {*Prefix::parse("10.0.0.0/8"), *Prefix::parse("fd00::/8")};
        busy.last_handshake = WallTime(std::chrono::milliseconds(1'700'000'000'900));
        busy.rx_bytes = 1536;
        busy.tx_bytes = 3 * 1024 * 1024;
        busy.persistent_keepalive = 25;
        busy.rate_limit = 10 << 20;
        busy.quota = 5ULL << 30;
        busy.quota_used = 1536;
        busy.path = "bpf eth0";
        tunnel.peers.push_back(std::move(busy));
        return tunnel;
    }

    std::vector<std::string> calls; ///< what would have changed something
    std::vector<TunnelSpec> added;
    std::vector<DeviceChange> changed;
    TunnelChange interface_change;             ///< the last one, without its device's
    std::optional<std::string> refusal;        ///< refuse everything, with this sentence
    std::function<void(TunnelStatus &)> alter; ///< what tunnels() tells
    bool has_tunnel = true;
    int pid = 42; ///< that `status` tells
    EventHub hub;
    std::string padding; ///< makes the answer to `status` long

  private:
    Result<> called(std::string call)
    {
        if (refusal)
            return failure(EBUSY, "{}", *refusal);
        calls.push_back(std::move(call));
        return {};
    }
};

} // namespace wg::test
