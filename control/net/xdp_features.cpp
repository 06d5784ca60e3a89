// SPDX-License-Identifier: MIT
#include "net/xdp_features.h"

#include <memory>

#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

namespace wg {
namespace {

// linux/netdev.h, which Debian 12 does not have
constexpr std::uint8_t NETDEV_CMD_DEV_GET = 1;
constexpr int NETDEV_A_DEV_IFINDEX = 1;
constexpr int NETDEV_A_DEV_XDP_FEATURES = 3;
constexpr std::uint64_t NETDEV_XDP_ACT_BASIC = 1;

using Socket = std::unique_ptr<nl_sock, decltype(&nl_socket_free)>;
using Message = std::unique_ptr<nl_msg, decltype(&nlmsg_free)>;

int take_features(nl_msg *message, void *features)
{
    nlattr *attributes[NETDEV_A_DEV_XDP_FEATURES + 1];
    if (genlmsg_parse(nlmsg_hdr(message), 0, attributes, NETDEV_A_DEV_XDP_FEATURES, nullptr) == 0 &&
        attributes[NETDEV_A_DEV_XDP_FEATURES] != nullptr)
        *static_cast<std::optional<std::uint64_t> *>(features) =
            nla_get_u64(attributes[NETDEV_A_DEV_XDP_FEATURES]);
    return NL_OK;
}

tl::unexpected<Error> netlink_failure(int error)
{
    return failure(EIO, "ask for XDP features: {}", nl_geterror(error));
}

} // namespace

Result<std::optional<bool>> has_native_xdp(std::uint32_t ifindex)
{
    const Socket socket(nl_socket_alloc(), nl_socket_free);
    Message request(nlmsg_alloc(), nlmsg_free);
    if (!socket || !request)
        return failure(ENOMEM, "ask for XDP features");
    if (const int error = genl_connect(socket.get()); error < 0)
        return netlink_failure(error);
    const int family = genl_ctrl_resolve(socket.get(), "netdev");
    if (family == -NLE_OBJ_NOTFOUND)
        return std::nullopt;
    if (family < 0)
        return netlink_failure(family);
    genlmsg_put(request.get(), NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, 0, NETDEV_CMD_DEV_GET, 1);
    nla_put_u32(request.get(), NETDEV_A_DEV_IFINDEX, ifindex);
    std::optional<std::uint64_t> features;
    nl_socket_modify_cb(socket.get(), NL_CB_VALID, NL_CB_CUSTOM, take_features, &features);
    if (const int error = nl_send_sync(socket.get(), request.release()); error < 0)
        return netlink_failure(error);
    if (!features)
        return std::nullopt;
    return (*features & NETDEV_XDP_ACT_BASIC) != 0;
}

} // namespace wg
