// SPDX-License-Identifier: MIT
//
// A tunnel's listen port: an IPv4 and an IPv6 socket on the same port number. Handshakes always
// come and go here, data only on the slow path.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include <asio/io_context.hpp>

#include "base/result.h"
#include "net/read_watch.h"
#include "net/receive_batch.h"
#include "net/udp_message.h"

namespace wg {

class UdpSocket {
  public:
    using OnDatagrams = std::function<void(std::span<const Datagram>)>;

    /// port 0: a random one. A host without IPv6 gets IPv4 alone. `on_datagrams` may destroy the
    /// socket as its last act.
    static Result<std::unique_ptr<UdpSocket>>
    open(asio::io_context &io, std::uint16_t port, std::uint32_t mark, OnDatagrams on_datagrams);

    std::uint16_t port() const { return port_; }
    bool has_v6() const { return v6_.fd() >= 0; }
    Result<> set_mark(std::uint32_t mark);

    /// Never blocks: a full send buffer loses the datagram, as a full queue would. The source is
    /// asked for, the out interface is not: the route chooses it, as in the kernel driver.
    void send(OutgoingDatagram &datagram) { send_all({&datagram, 1}); }
    void send_all(std::span<OutgoingDatagram> datagrams);

  private:
    UdpSocket(std::uint16_t port, OnDatagrams on_datagrams);
    void receive(int fd);

    std::uint16_t port_;
    OnDatagrams on_datagrams_;
    ReceiveBatch batch_;
    ReadWatch v4_;
    ReadWatch v6_; ///< watches nothing: this host has no IPv6
};

} // namespace wg
