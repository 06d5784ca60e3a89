// SPDX-License-Identifier: MIT
#include "net/netlink_message.h"

#include <cstdlib>
#include <new>

#include "base/log.h"

namespace wg {
namespace {

void require(bool fits)
{
    if (fits)
        return;
    log::error("netlink: a request outgrew its page");
    std::abort();
}

} // namespace

NetlinkMessage::NetlinkMessage(std::uint16_t type, int flags)
    : message_(nlmsg_alloc_simple(type, flags))
{
    if (!message_)
        throw std::bad_alloc();
}

void NetlinkMessage::append(Bytes header)
{
    // const_cast: libnl copies from it.
    auto *data = const_cast<std::uint8_t *>(header.data());
    require(nlmsg_append(message_.get(), data, header.size(), NLMSG_ALIGNTO) == 0);
}

NetlinkMessage &NetlinkMessage::put_bytes(int attribute, Bytes value)
{
    require(nla_put(message_.get(), attribute, static_cast<int>(value.size()), value.data()) == 0);
    return *this;
}

NetlinkMessage &NetlinkMessage::put_string(int attribute, std::string_view value)
{
    return put_bytes(attribute,
                     {reinterpret_cast<const std::uint8_t *>(value.data()), value.size()});
}

nlattr *NetlinkMessage::begin_nest(int attribute)
{
    nlattr *nested = nla_nest_start(message_.get(), attribute);
    require(nested != nullptr);
    return nested;
}

} // namespace wg
