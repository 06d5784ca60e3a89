// SPDX-License-Identifier: MIT
//
// One rtnetlink conversation at a time: a request, its answers, and the kernel's verdict with its
// own words.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "net/netlink_message.h"

struct nl_sock;

namespace wg {

class NetlinkSocket {
  public:
    using OnMessage = std::function<void(const nlmsghdr &)>;

    /// Speaks to the network namespace of the calling thread, whatever thread uses it later.
    static Result<NetlinkSocket> open();

    /// Sends the request, hands each answer to `on_message` and waits for the verdict. An error
    /// begins with `what` was tried. EINTR: a dump was overtaken by a change and its answers do not
    /// fit together.
    Result<>
    request(const NetlinkMessage &message, std::string_view what, const OnMessage &on_message = {});

  private:
    struct Deleter {
        void operator()(nl_sock *socket) const;
    };

    explicit NetlinkSocket(std::unique_ptr<nl_sock, Deleter> socket) : socket_(std::move(socket)) {}

    std::unique_ptr<nl_sock, Deleter> socket_;
};

} // namespace wg
