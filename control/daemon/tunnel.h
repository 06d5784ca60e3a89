// SPDX-License-Identifier: MIT
//
// One tunnel with everything it owns: device, interface, sockets, routes. It outlives its daemon:
// the destructor leaves interface and maps as they are, remove() takes them away.
#pragma once

#include <memory>

#include <arpa/inet.h>
#include <asio.hpp>

#include "api/event_hub.h"
#include "api/service.h"
#include "daemon/handshake_queue.h"
#include "daemon/handshake_workers.h"
#include "daemon/peer_file.h"
#include "daemon/peer_routes.h"
#include "daemon/resolver.h"
#include "datapath/nic_attachment.h"
#include "datapath/tunnel_datapath.h"
#include "device/device.h"
#include "device/rollback.h"
#include "net/interface.h"
#include "net/packet_socket.h"
#include "net/udp_socket.h"

namespace wg {

/// What a tunnel borrows from the daemon, which outlives it.
struct TunnelContext {
    asio::io_context &io;
    BpfDatapath &maps;
    NicAttachment &attachment;
    Netlink &netlink;
    Random &random;
    HandshakeWorkers &workers;
    EventHub &events;
    Resolver &resolver;
    std::function<void(std::uint32_t ifindex)> use_nic;
    std::function<void()> port_opened; ///< and nothing that changed in the network tells it
    std::function<bool(std::uint32_t ifindex)> is_own_tunnel;
    std::function<void(wg_drop_reason, std::uint64_t)> count_drop;
};

class Tunnel {
  public:
    /// Makes the tunnel whole or not at all.
    static Result<std::unique_ptr<Tunnel>> create(const TunnelContext &context, TunnelSpec spec);
    /// Takes over one that an earlier daemon left in the maps. ENODEV: its interface is gone, and
    /// so is the rest now. `notes`: what the earlier daemon wrote down.
    static Result<std::unique_ptr<Tunnel>>
    adopt(const TunnelContext &context, TunnelId id, const PeerNotes &notes);
    Tunnel(const Tunnel &) = delete;
    Tunnel &operator=(const Tunnel &) = delete;

    void remove();

    TunnelId id() const { return interface_.inner_ifindex; }
    const std::string &name() const { return interface_.name; }
    /// Of the open socket, or the one to open when the interface is set up (0: any).
    std::uint16_t listen_port() const { return ntohs(state_.listen_port); }
    bool listens() const { return socket_ != nullptr; } ///< it is up
    std::uint32_t mtu() const { return state_.mtu; }
    void attach();                                    ///< wg_tx, or anew in place of an older one
    bool is_bare() const { return state_.bare != 0; } ///< goes with its configuration socket
    Result<> change(TunnelChange change);
    TunnelStatus status();
    std::map<PublicKey, PeerNote> peer_notes() const { return device_.notes(); }

    void event(const wg_event &event);
    /// This machine slept: its keys are wiped, as the kernel driver does.
    void slept();
    /// This machine is a copy of another: nothing is sealed any more with keys that both have.
    void copied();
    /// Anything of wg0 or wg0x may have changed: up or down, moved, MTU. False: the interface is
    /// gone.
    bool link_changed();
    void network_changed(bool routes, const std::set<Neighbourhood> &neighbours);
    /// Packets to these addresses were too long for their path.
    void path_mtu_changed(const std::set<IpAddress> &too_big);
    bool has_interface(std::uint32_t ifindex) const
    {
        return ifindex != 0 &&
               (ifindex == state_.wg0_ifindex || ifindex == interface_.inner_ifindex);
    }

  private:
    Tunnel(const TunnelContext &context, TunnelInterface interface, const wg_tunnel &state);

    Result<std::unique_ptr<UdpSocket>> open_port(std::uint16_t port, std::uint32_t mark);
    Result<> open_packets();
    Result<> start(DeviceChange change, std::uint16_t port);
    Result<> configure(const TunnelSpec &spec, const std::vector<Prefix> &routes);
    Result<> restore(const PeerNotes &notes);
    Result<> change_device(DeviceChange change);
    Result<> change_interface(const TunnelChange &change, Rollback &back);
    Result<> finish_interface(const TunnelChange &change);
    Result<> set_mtu(std::uint32_t mtu);
    Result<> add_addresses(const std::vector<InterfaceAddress> &wanted,
                           const std::vector<InterfaceAddress> &present,
                           Rollback &back);
    Result<> make_way_for(const InterfaceAddress &address,
                          const std::vector<InterfaceAddress> &present,
                          Rollback &back);
    Result<std::vector<InterfaceAddress>> addresses() const;
    void remove_addresses_but(const std::vector<InterfaceAddress> &wanted);
    bool attaches() const { return state_.no_attach == 0; }
    void set_attach(bool attach);
    Result<Link> find_own_link() const; ///< wg0x; ENODEV: it is gone
    Result<> store();
    void refresh_routes();
    void forget_answers_soon();
    SlowPathPorts ports();
    void send(std::span<OutgoingDatagram> datagrams);
    void receive(std::span<const Datagram> datagrams);
    void receive_handshakes();
    void hand_out(HandshakeJob job);
    void look_up(const PublicKey &peer, const std::vector<std::string> &places);
    void hand_over(std::span<const Bytes> frames);
    void hand_over(Bytes packet, Now when);
    void set_up(bool up);
    bool take_port(); ///< false: it is another's
    void try_port_again();
    void forget_refusal();
    /// Ends whatever touched the device: what its routes found is acted on, and the timer set.
    void settle();
    bool follow_move(const wg_tunnel &state);

    TunnelContext context_;
    TunnelInterface interface_;
    wg_tunnel state_;
    wg_tunnel stored_{}; ///< as it stands in the maps
    TunnelDatapath datapath_;
    Device device_;
    PeerRoutes routes_;
    std::unique_ptr<UdpSocket> socket_;
    std::unique_ptr<PacketSocket> packets_;
    HandshakeQueue handshakes_;
    std::size_t answering_ = 0; ///< jobs at the workers that messages have made
    bool will_receive_ = false; ///< receive_handshakes() will be called again
    asio::steady_timer timer_;
    /// Handlers that asio has queued already look whether there still is a tunnel.
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    bool refreshing_ = false;                   ///< refresh_routes() will be called again
    bool forgetting_ = false;                   ///< the answers about the network will be forgotten
    std::optional<std::uint16_t> refused_port_; ///< wg0 is up, and that port taken
    Instant retry_port_ = NEVER;
    bool moving_ = false; ///< wg0 went to another netns and has not been set up there yet
};

} // namespace wg
