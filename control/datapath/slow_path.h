// SPDX-License-Identifier: MIT
//
// Data messages in user space: what BPF cannot or should not handle. Same packets, same checks,
// same counters; only the cipher is libsodium's.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "datapath/bpf_datapath.h"
#include "net/udp_socket.h"

namespace wg {

/// Where the slow path's output goes.
struct SlowPathPorts {
    std::function<void(std::span<OutgoingDatagram>)> send;     ///< the UDP socket
    std::function<std::size_t(std::span<const Bytes>)> inject; ///< whole frames into wg0
    std::function<void(wg_drop_reason, std::uint64_t)> count_drop;
};

class SlowPath {
  public:
    SlowPath(BpfDatapath &datapath, TunnelId tunnel, SlowPathPorts ports);

    /// transport_data messages from the UDP socket: authentic inner packets go into wg0.
    void receive(std::span<const Datagram> datagrams);
    /// Puts an inner packet into wg0, as if a peer had sent it.
    void deliver(Bytes packet);
    /// Seals one inner packet (empty: a keepalive) and sends it to the peer's endpoint. False: the
    /// keypair is spent, and the packet still the caller's.
    [[nodiscard]] bool send(PeerId peer, KeypairId keypair, Bytes packet);

  private:
    tl::expected<Buffer, wg_drop_reason> open(const Datagram &datagram);
    tl::expected<Buffer, wg_drop_reason>
    check_inner(PeerId peer, Buffer payload, std::uint8_t outer_ecn);
    void clamp_mss(MutableBytes packet, PeerId peer) const;
    Buffer frame(Bytes packet) const;
    void inject(std::span<const Buffer> frames);

    BpfDatapath &datapath_;
    TunnelId tunnel_;
    SlowPathPorts ports_;
};

} // namespace wg
