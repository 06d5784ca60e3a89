// SPDX-License-Identifier: MIT
//
// Wires everything: maps, programs, tunnels, NICs, the kernel's notifications and the doors that
// requests come through.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>

#include <asio.hpp>

#include "api/event_hub.h"
#include "api/json_server.h"
#include "api/service.h"
#include "daemon/clock_watch.h"
#include "daemon/drop_watch.h"
#include "daemon/instance.h"
#include "daemon/nics.h"
#include "daemon/tunnel.h"
#include "daemon/uapi_sockets.h"
#include "datapath/bpf_datapath.h"
#include "datapath/event_reader.h"
#include "datapath/keystream.h"
#include "net/netlink_monitor.h"
#include "net/path_mtu_watch.h"

namespace wg {

struct DaemonOptions {
    bool until_idle = false;           ///< stop the loop when the last tunnel and NIC are gone
    bool no_prefetch = false;          ///< make no keystream ahead
    std::optional<gid_t> socket_group; ///< may connect, and read
};

class Daemon final : public Service {
  public:
    /// Adopts what an earlier daemon left.
    static Result<std::unique_ptr<Daemon>>
    start(asio::io_context &io, Instance &instance, const DaemonOptions &options);
    ~Daemon() override;

    Result<> add_tunnel(TunnelSpec spec) override;
    Result<> remove_tunnel(const std::string &name) override;
    std::vector<TunnelStatus> tunnels() override;
    Result<> change_tunnel(const std::string &name, TunnelChange change) override;
    Result<> attach_nic(const std::string &name, AttachMode mode) override;
    Result<> detach_nic(const std::string &name) override;
    std::vector<NicStatus> nics() override { return nics_->list(); }
    Status status() override;
    void subscribe(const std::shared_ptr<StreamClient> &client, const EventFilter &filter) override;

    /// No tunnel and no NIC: nothing that must survive.
    bool is_idle() const { return tunnels_.empty() && nics_->empty() && maps_->tunnels().empty(); }

  private:
    Daemon(asio::io_context &io, Instance &instance, const DaemonOptions &options);

    Result<> open();
    Result<> watch();
    void adopt();
    NetlinkEvents netlink_events();
    ClockEvents clock_events();
    TunnelContext tunnel_context();
    Result<Tunnel *> find_tunnel(const std::string &name);
    Result<> make_tunnel(TunnelSpec spec);
    Result<> open_uapi(const std::string &name);
    void uapi_deleted(const std::string &name);
    bool is_own_tunnel(std::uint32_t ifindex) const;
    void count_drop(wg_drop_reason reason, std::uint64_t packets) { drops_[reason] += packets; }
    DropWatch::Counts all_drops() const;

    void on_event(const wg_event &event);
    /// Collects what changed for a moment: one change of the network makes many notifications.
    void changed();
    void follow_changes();
    void follow_links();
    void refresh_listeners();
    /// Programs, slots and rings for packets as long as the tunnels' are. Replaced in place:
    /// traffic goes on.
    void make_room();
    Result<> load_jumbo();
    /// Writes down what the maps do not hold of peers, in a moment: requests may come by thousands.
    void remember_peers();
    void write_peers();
    void stop_if_idle();

    asio::io_context &io_;
    Instance &instance_;
    DaemonOptions options_;
    SystemRandom random_;
    HandshakeWorkers workers_;
    EventHub hub_;
    Resolver resolver_;
    DropWatch drop_watch_;
    std::unique_ptr<BpfPrograms> programs_;
    std::unique_ptr<Keystream> keystream_;
    std::unique_ptr<BpfDatapath> maps_;
    std::unique_ptr<NicAttachment> attachment_;
    std::unique_ptr<Netlink> netlink_;
    std::unique_ptr<Ethtool> ethtool_;
    std::unique_ptr<Nics> nics_;
    std::map<TunnelId, std::unique_ptr<Tunnel>> tunnels_;
    std::unique_ptr<EventReader> events_;
    std::unique_ptr<NetlinkMonitor> monitor_;
    std::unique_ptr<PathMtuWatch> path_mtu_;
    std::unique_ptr<ClockWatch> clock_;
    UapiSockets uapi_;
    std::unique_ptr<JsonServer> json_;
    std::map<wg_drop_reason, std::uint64_t> drops_;

    asio::steady_timer settle_;
    asio::steady_timer idle_;
    asio::steady_timer remember_;
    bool remembering_ = false;
    bool settling_ = false;
    bool jumbo_refused_ = false; ///< not tried again for each notification
    bool links_changed_ = false;
    bool routes_changed_ = false;
    std::set<Neighbourhood> neighbours_changed_;
};

} // namespace wg
