// SPDX-License-Identifier: MIT
#include "net/packet_socket.h"

#include <algorithm>
#include <array>

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netpacket/packet.h>

namespace wg {
namespace {

constexpr int BUFFER = 4 << 20;

/// protocol 0: receives nothing.
Result<Fd> open_socket(std::uint32_t ifindex, std::uint16_t protocol)
{
    // Protocol 0 until it is bound: otherwise it would take packets of all interfaces for a moment.
    Fd socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket)
        return system_failure(errno, "open a packet socket on interface {}", ifindex);
    int option = protocol == 0 ? SO_SNDBUFFORCE : SO_RCVBUFFORCE;
    setsockopt(socket.get(), SOL_SOCKET, option, &BUFFER, sizeof(BUFFER)); // a wish
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(protocol);
    address.sll_ifindex = static_cast<int>(ifindex);
    if (bind(socket.get(), reinterpret_cast<sockaddr *>(&address), sizeof(address)) != 0)
        return system_failure(errno, "bind a packet socket to interface {}", ifindex);
    return socket;
}

} // namespace

PacketSocket::PacketSocket(Fd sender, OnFrames on_frames)
    : on_frames_(std::move(on_frames)), sender_(std::move(sender))
{
}

Result<std::unique_ptr<PacketSocket>>
PacketSocket::open(asio::io_context &io, std::uint32_t ifindex, OnFrames on_frames)
{
    Fd v4 = WG_TRY(open_socket(ifindex, ETHERTYPE_IP));
    Fd v6 = WG_TRY(open_socket(ifindex, ETHERTYPE_IPV6));
    Fd sender = WG_TRY(open_socket(ifindex, 0));
    std::unique_ptr<PacketSocket> socket(new PacketSocket(std::move(sender), std::move(on_frames)));
    auto watch = [&io, self = socket.get()](Fd fd) {
        int lent = fd.get();
        return ReadWatch::start(io, std::move(fd), [self, lent] { self->receive(lent); });
    };
    socket->v4_ = WG_TRY(watch(std::move(v4)));
    socket->v6_ = WG_TRY(watch(std::move(v6)));
    return socket;
}

void PacketSocket::receive(int fd)
{
    std::array<Bytes, ReceiveBatch::SIZE> frames;
    std::size_t count = 0;
    std::size_t received = batch_.receive(fd);
    for (std::size_t i = 0; i < received; ++i) {
        const auto &from = reinterpret_cast<const sockaddr_ll &>(batch_.from(i));
        if (from.sll_pkttype == PACKET_OTHERHOST) // wg_tx's mark; anything else is not meant for us
            frames[count++] = batch_.bytes(i);
    }
    if (count == 0)
        return;
    auto on_frames = on_frames_; // it may destroy this socket
    on_frames({frames.data(), count});
}

Result<> PacketSocket::inject(Bytes frame)
{
    if (send(sender_.get(), frame.data(), frame.size(), MSG_DONTWAIT) < 0)
        return system_failure(errno, "send a frame of {} bytes into the tunnel's interface",
                              frame.size());
    return {};
}

std::size_t PacketSocket::inject_all(std::span<const Bytes> frames)
{
    std::array<iovec, ReceiveBatch::SIZE> vectors;
    std::array<mmsghdr, ReceiveBatch::SIZE> messages;
    std::size_t sent = 0;
    while (!frames.empty()) {
        std::size_t count = std::min(frames.size(), messages.size());
        for (std::size_t i = 0; i < count; ++i) {
            // const_cast: sendmmsg reads only.
            vectors[i] = {.iov_base = const_cast<std::uint8_t *>(frames[i].data()),
                          .iov_len = frames[i].size()};
            messages[i] = {};
            messages[i].msg_hdr.msg_iov = &vectors[i];
            messages[i].msg_hdr.msg_iovlen = 1;
        }
        int done =
            sendmmsg(sender_.get(), messages.data(), static_cast<unsigned>(count), MSG_DONTWAIT);
        std::size_t accepted = done > 0 ? static_cast<std::size_t>(done) : 0;
        sent += accepted;
        frames = frames.subspan(
            accepted > 0 ? accepted : 1); // a frame that cannot go does not stop the others
    }
    return sent;
}

} // namespace wg
