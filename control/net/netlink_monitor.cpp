// SPDX-License-Identifier: MIT
#include "net/netlink_monitor.h"

#include <array>

#include <netlink/msg.h>
#include <sys/socket.h>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "net/netlink_decode.h"

namespace wg {
namespace {

constexpr int RECEIVE_BUFFER = 8 << 20;          // a router's table may change at once
constexpr std::size_t LONGEST_MESSAGE = 1 << 16; // the kernel packs at most 32 KiB
constexpr int MESSAGES_A_CALL = 256;             // leaves the loop to others now and then

constexpr std::array GROUPS = {
    RTNLGRP_LINK,        RTNLGRP_NEIGH,      RTNLGRP_TC,         RTNLGRP_IPV4_IFADDR,
    RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE,
    RTNLGRP_IPV6_RULE,   RTNLGRP_NEXTHOP,
};

Result<Fd> open_socket()
{
    Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
    if (!socket)
        return system_failure(errno, "watch the network configuration: open rtnetlink");
    if (setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUFFORCE, &RECEIVE_BUFFER,
                   sizeof(RECEIVE_BUFFER)) != 0)
        setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &RECEIVE_BUFFER, sizeof(RECEIVE_BUFFER));
    // The kernel's broadcasts pass over a socket without a port of its own.
    sockaddr_nl any_port{.nl_family = AF_NETLINK, .nl_pad = 0, .nl_pid = 0, .nl_groups = 0};
    if (bind(socket.get(), reinterpret_cast<sockaddr *>(&any_port), sizeof(any_port)) != 0)
        return system_failure(errno, "watch the network configuration: bind");
    for (int group : GROUPS) {
        if (setsockopt(socket.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) !=
            0)
            return system_failure(errno, "watch the network configuration: join group {}", group);
    }
    return socket;
}

void dispatch_link(const nlmsghdr &message, const NetlinkEvents &events)
{
    auto link = decode_link(message);
    if (!link)
        return;
    // A port that leaves its bridge is announced as RTM_DELLINK of family AF_BRIDGE; the link
    // remains.
    bool removed = message.nlmsg_type == RTM_DELLINK &&
                   static_cast<const ifinfomsg *>(NLMSG_DATA(&message))->ifi_family == AF_UNSPEC;
    if (removed)
        events.link_removed(link->ifindex);
    else
        events.link_changed(link->ifindex);
}

void dispatch_tc(const nlmsghdr &message, const NetlinkEvents &events)
{
    if (message.nlmsg_len < NLMSG_LENGTH(sizeof(tcmsg)))
        return;
    int ifindex = static_cast<const tcmsg *>(NLMSG_DATA(&message))->tcm_ifindex;
    if (ifindex > 0) // otherwise a block that several links share: none of ours
        events.tc_changed(static_cast<std::uint32_t>(ifindex));
}

} // namespace

void dispatch(const nlmsghdr &message, const NetlinkEvents &events)
{
    switch (message.nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
        dispatch_link(message, events);
        break;
    case RTM_NEWADDR:
    case RTM_DELADDR:
        events.addresses_changed();
        break;
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
    case RTM_NEWRULE:
    case RTM_DELRULE:
    case RTM_NEWNEXTHOP:
    case RTM_DELNEXTHOP:
        events.routes_changed();
        break;
    case RTM_NEWNEIGH:
    case RTM_DELNEIGH:
        if (auto entry = decode_neighbour(message))
            events.neighbour_changed(entry->ifindex, entry->address);
        break;
    case RTM_NEWQDISC:
    case RTM_DELQDISC:
    case RTM_NEWTFILTER:
    case RTM_DELTFILTER:
    case RTM_NEWCHAIN:
    case RTM_DELCHAIN:
        dispatch_tc(message, events);
        break;
    default:
        break;
    }
}

NetlinkMonitor::NetlinkMonitor(NetlinkEvents events)
    : events_(std::move(events)), buffer_(LONGEST_MESSAGE)
{
}

Result<std::unique_ptr<NetlinkMonitor>> NetlinkMonitor::open(asio::io_context &io,
                                                             NetlinkEvents events)
{
    Fd socket = WG_TRY(open_socket());
    std::unique_ptr<NetlinkMonitor> monitor(new NetlinkMonitor(std::move(events)));
    monitor->watch_ = WG_TRY(
        ReadWatch::start(io, std::move(socket), [self = monitor.get()] { self->receive(); }));
    return monitor;
}

void NetlinkMonitor::receive()
{
    for (int i = 0; i < MESSAGES_A_CALL; ++i) {
        sockaddr_nl sender{};
        socklen_t sender_size = sizeof(sender);
        ssize_t received = recvfrom(watch_.fd(), buffer_.data(), buffer_.size(), MSG_DONTWAIT,
                                    reinterpret_cast<sockaddr *>(&sender), &sender_size);
        if (received < 0 && errno == ENOBUFS)
            events_.overrun();
        if (received < 0 && errno != ENOBUFS)
            return;
        if (received > 0 && sender.nl_pid == 0) // the kernel, not another process
            tell({buffer_.data(), static_cast<std::size_t>(received)});
    }
}

void NetlinkMonitor::tell(Bytes messages) const
{
    auto left = static_cast<int>(messages.size());
    const auto *message = reinterpret_cast<const nlmsghdr *>(messages.data());
    while (nlmsg_ok(message, left)) {
        dispatch(*message, events_);
        message =
            nlmsg_next(const_cast<nlmsghdr *>(message), &left); // const_cast: libnl only steps
    }
}

} // namespace wg
