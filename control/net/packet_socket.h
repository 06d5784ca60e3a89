// SPDX-License-Identifier: MIT
//
// The slow path's door to a tunnel's interface: inner packets that wg_tx left to the daemon come in
// by two AF_PACKET sockets on wg0x, decrypted ones go out by a third.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include <asio/io_context.hpp>

#include "base/bytes.h"
#include "base/result.h"
#include "net/read_watch.h"
#include "net/receive_batch.h"

namespace wg {

class PacketSocket {
  public:
    /// Ethernet frames, valid during the call.
    using OnFrames = std::function<void(std::span<const Bytes>)>;

    /// Only frames that wg_tx marked PACKET_OTHERHOST are handed over. `on_frames` may destroy the
    /// socket as its last act.
    static Result<std::unique_ptr<PacketSocket>>
    open(asio::io_context &io, std::uint32_t ifindex, OnFrames on_frames);

    /// Sends a whole Ethernet frame out of wg0x, that is into wg0. Never blocks.
    Result<> inject(Bytes frame);
    /// Returns how many went; the others are lost.
    std::size_t inject_all(std::span<const Bytes> frames);

  private:
    PacketSocket(Fd sender, OnFrames on_frames);
    void receive(int fd);

    OnFrames on_frames_;
    ReceiveBatch batch_;
    Fd sender_;
    ReadWatch v4_;
    ReadWatch v6_;
};

} // namespace wg
