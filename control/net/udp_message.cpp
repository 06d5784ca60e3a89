// SPDX-License-Identifier: MIT
#include "net/udp_message.h"

#include <algorithm>
#include <array>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace wg {
namespace {

constexpr std::uint8_t ECN_MASK = 3;
constexpr std::size_t MOST_MESSAGES = 32; // in one system call

template <typename T>
T control_data(const cmsghdr &control)
{
    T value{};
    std::memcpy(&value, CMSG_DATA(&control),
                std::min(sizeof(value), std::size_t{control.cmsg_len} - CMSG_LEN(0)));
    return value;
}

IpAddress v4_address(const in_addr &address)
{
    return IpAddress::v4(bytes_of(address).first<4>());
}
IpAddress v6_address(const in6_addr &address)
{
    return IpAddress::v6(bytes_of(address).first<16>());
}

Endpoint endpoint_of(const sockaddr_storage &address)
{
    if (address.ss_family == AF_INET6) {
        const auto &v6 = reinterpret_cast<const sockaddr_in6 &>(address);
        return {.address = v6_address(v6.sin6_addr),
                .port = ntohs(v6.sin6_port),
                .scope_id = v6.sin6_scope_id};
    }
    const auto &v4 = reinterpret_cast<const sockaddr_in &>(address);
    return {.address = v4_address(v4.sin_addr), .port = ntohs(v4.sin_port)};
}

void read_control(const cmsghdr &control, Datagram &datagram)
{
    if (control.cmsg_level == IPPROTO_IP && control.cmsg_type == IP_PKTINFO) {
        auto info = control_data<in_pktinfo>(control);
        datagram.from.source =
            v4_address(info.ipi_spec_dst); // not ipi_addr, which may be a broadcast address
        datagram.from.source_ifindex = static_cast<std::uint32_t>(info.ipi_ifindex);
    } else if (control.cmsg_level == IPPROTO_IPV6 && control.cmsg_type == IPV6_PKTINFO) {
        auto info = control_data<in6_pktinfo>(control);
        datagram.from.source = v6_address(info.ipi6_addr);
        datagram.from.source_ifindex = info.ipi6_ifindex;
    } else if (control.cmsg_level == IPPROTO_IP && control.cmsg_type == IP_TOS) {
        datagram.ecn = control_data<std::uint8_t>(control) & ECN_MASK;
    } else if (control.cmsg_level == IPPROTO_IPV6 && control.cmsg_type == IPV6_TCLASS) {
        datagram.ecn = static_cast<std::uint8_t>(control_data<int>(control) & ECN_MASK);
    }
}

/// One message of sendmmsg, whose pointers stay within itself and the datagram.
struct SendMessage {
    sockaddr_storage to{};
    iovec vector{};
    alignas(
        cmsghdr) std::array<std::uint8_t,
                            CMSG_SPACE(sizeof(in6_pktinfo)) + CMSG_SPACE(sizeof(int))> control{};

    void fill(const OutgoingDatagram &datagram, msghdr &header);

  private:
    socklen_t fill_address(const Endpoint &endpoint);
    template <typename T>
    void append(msghdr &header, int level, int type, const T &value);
};

socklen_t SendMessage::fill_address(const Endpoint &endpoint)
{
    if (!endpoint.address.is_v6()) {
        auto &v4 = reinterpret_cast<sockaddr_in &>(to);
        v4.sin_family = AF_INET;
        v4.sin_port = htons(endpoint.port);
        std::memcpy(&v4.sin_addr, endpoint.address.bytes.data(), sizeof(v4.sin_addr));
        return sizeof(v4);
    }
    auto &v6 = reinterpret_cast<sockaddr_in6 &>(to);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(endpoint.port);
    v6.sin6_scope_id = endpoint.scope_id;
    std::memcpy(&v6.sin6_addr, endpoint.address.bytes.data(), sizeof(v6.sin6_addr));
    return sizeof(v6);
}

template <typename T>
void SendMessage::append(msghdr &header, int level, int type, const T &value)
{
    auto *at = reinterpret_cast<cmsghdr *>(control.data() + header.msg_controllen);
    at->cmsg_level = level;
    at->cmsg_type = type;
    at->cmsg_len = CMSG_LEN(sizeof(value));
    std::memcpy(CMSG_DATA(at), &value, sizeof(value));
    header.msg_controllen += CMSG_SPACE(sizeof(value));
}

void SendMessage::fill(const OutgoingDatagram &datagram, msghdr &header)
{
    // const_cast: sendmmsg reads only.
    vector = {.iov_base = const_cast<std::uint8_t *>(datagram.bytes.data()),
              .iov_len = datagram.bytes.size()};
    header = {};
    header.msg_name = &to;
    header.msg_namelen = fill_address(datagram.to);
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    header.msg_control = control.data();

    bool v6 = datagram.to.address.is_v6();
    append(header, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_TCLASS : IP_TOS, int{datagram.ds});
    const IpAddress &source = datagram.to.source;
    if (source.family != datagram.to.address.family || datagram.source_refused)
        return;
    if (v6) { // interface 0: the route chooses it
        in6_pktinfo info{};
        std::memcpy(&info.ipi6_addr, source.bytes.data(), sizeof(info.ipi6_addr));
        append(header, IPPROTO_IPV6, IPV6_PKTINFO, info);
    } else {
        in_pktinfo info{};
        std::memcpy(&info.ipi_spec_dst, source.bytes.data(), sizeof(info.ipi_spec_dst));
        append(header, IPPROTO_IP, IP_PKTINFO, info);
    }
}

/// How the kernel says that a source address is no longer ours, or cannot reach the destination.
bool blames_source(int error)
{
    return error == EINVAL || error == ENETUNREACH || error == EADDRNOTAVAIL;
}

/// The first one failed. Returns how many of the datagrams are done with: 0, to try it without its
/// source, or 1.
std::size_t note_failure(OutgoingDatagram &datagram, int error)
{
    if (datagram.to.source && !datagram.source_refused && blames_source(error)) {
        datagram.source_refused = true;
        return 0;
    }
    datagram.error = error;
    return 1;
}

} // namespace

Datagram read_datagram_header(const msghdr &message)
{
    Datagram datagram;
    datagram.from = endpoint_of(*static_cast<const sockaddr_storage *>(message.msg_name));
    // const_cast: CMSG_NXTHDR reads only.
    auto *mutable_message = const_cast<msghdr *>(&message);
    for (cmsghdr *control = CMSG_FIRSTHDR(&message); control;
         control = CMSG_NXTHDR(mutable_message, control))
        read_control(*control, datagram);
    return datagram;
}

void send_messages(int fd, std::span<OutgoingDatagram> datagrams)
{
    std::array<SendMessage, MOST_MESSAGES> contents;
    std::array<mmsghdr, MOST_MESSAGES> messages;
    for (auto &datagram : datagrams) {
        datagram.error = fd < 0 ? EAFNOSUPPORT : 0;
        datagram.source_refused = false;
    }
    if (fd < 0)
        return;
    while (!datagrams.empty()) {
        std::size_t count = std::min(datagrams.size(), messages.size());
        for (std::size_t i = 0; i < count; ++i)
            contents[i].fill(datagrams[i], messages[i].msg_hdr);
        int sent = sendmmsg(fd, messages.data(), static_cast<unsigned>(count), MSG_DONTWAIT);
        std::size_t done =
            sent > 0 ? static_cast<std::size_t>(sent) : note_failure(datagrams.front(), errno);
        datagrams = datagrams.subspan(done);
    }
}

} // namespace wg
