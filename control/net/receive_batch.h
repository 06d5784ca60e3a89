// SPDX-License-Identifier: MIT
//
// The buffers of recvmmsg(2): up to SIZE datagrams or frames of any length in one system call.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include <sys/socket.h>

#include "base/bytes.h"

namespace wg {

class ReceiveBatch {
  public:
    static constexpr std::size_t SIZE = 64;
    static constexpr std::size_t LONGEST =
        1 << 16; // a page of it is touched only when a datagram reaches it

    ReceiveBatch();
    ReceiveBatch(const ReceiveBatch &) = delete;
    ReceiveBatch &operator=(const ReceiveBatch &) = delete;

    /// How many came. 0: none, or an error that only costs this call.
    std::size_t receive(int fd);
    Bytes bytes(std::size_t index) const;
    const sockaddr_storage &from(std::size_t index) const { return from_[index]; }
    const msghdr &header(std::size_t index) const { return messages_[index].msg_hdr; }

  private:
    static constexpr std::size_t CONTROL = 128;

    std::unique_ptr<std::uint8_t[]> buffers_;
    std::array<mmsghdr, SIZE> messages_{};
    std::array<iovec, SIZE> vectors_{};
    std::array<sockaddr_storage, SIZE> from_{};
    alignas(cmsghdr) std::array<std::array<std::uint8_t, CONTROL>, SIZE> control_{};
};

} // namespace wg
