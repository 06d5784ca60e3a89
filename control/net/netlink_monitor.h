// SPDX-License-Identifier: MIT
//
// Tells that the kernel's network configuration changed. It does no work: whoever is told notes
// what is no longer true and asks Netlink when there is time.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include <asio/io_context.hpp>

#include "base/result.h"
#include "net/netlink_types.h"
#include "net/read_watch.h"

struct nlmsghdr;

namespace wg {

/// All must be set. They may come many times for one change, and must not destroy the monitor.
struct NetlinkEvents {
    std::function<void(std::uint32_t ifindex)>
        link_changed; ///< new, or anything of it: flags, MTU, MAC, name, master
    std::function<void(std::uint32_t ifindex)> link_removed; ///< deleted, or moved to another netns
    std::function<void()> addresses_changed;
    /// Routes or policy rules. The kernel does not announce the routes that vanish with a link or
    /// an address: those events mean this one too.
    std::function<void()> routes_changed;
    std::function<void(std::uint32_t ifindex, const IpAddress &)> neighbour_changed;
    std::function<void(std::uint32_t ifindex)> tc_changed; ///< a qdisc or filter came or went
    std::function<void()> overrun; ///< events were lost: everything must be read again
};

class NetlinkMonitor {
  public:
    /// Watches the network namespace of the calling thread.
    static Result<std::unique_ptr<NetlinkMonitor>> open(asio::io_context &io, NetlinkEvents events);

  private:
    explicit NetlinkMonitor(NetlinkEvents events);
    void receive();
    void tell(Bytes messages) const;

    NetlinkEvents events_;
    std::vector<std::uint8_t> buffer_;
    ReadWatch watch_;
};

/// One notification, told to the event it means; one that means nothing to us is passed over.
void dispatch(const nlmsghdr &message, const NetlinkEvents &events);

} // namespace wg
