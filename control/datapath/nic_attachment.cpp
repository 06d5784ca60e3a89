// SPDX-License-Identifier: MIT
#include "datapath/nic_attachment.h"

#include <cstdarg>
#include <utility>

#include <unistd.h>

#include <linux/if_link.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/fd.h"
#include "datapath/grace_period.h"

namespace wg {

namespace {

constexpr std::uint32_t PRIORITY = 0x7767; // "wg"
constexpr std::uint32_t COOKIE_PRIORITY = PRIORITY + 1;

bpf_tc_hook ingress(std::uint32_t ifindex)
{
    bpf_tc_hook hook{};
    hook.sz = sizeof(hook);
    hook.ifindex = static_cast<int>(ifindex);
    hook.attach_point = BPF_TC_INGRESS;
    return hook;
}

bpf_tc_opts filter(std::uint32_t handle, std::uint32_t priority)
{
    bpf_tc_opts options{};
    options.sz = sizeof(options);
    options.handle = handle;
    options.priority = priority;
    return options;
}

/* FNV-1a over the name, 16 bits, never 0 */
std::uint32_t handle_of(std::string_view instance)
{
    std::uint32_t hash = 2166136261U;
    for (const char c : instance)
        hash = (hash ^ static_cast<std::uint8_t>(c)) * 16777619U;
    return (hash ^ hash >> 16) % 0xffff + 1;
}

/// Of the last netlink request: libbpf prints it.
std::string kernel_message;

int keep_kernel_message(libbpf_print_level, const char *format, va_list arguments)
{
    if (std::string_view(format).find("Kernel error message: %s") != std::string_view::npos)
        if (const char *message = va_arg(arguments, const char *))
            kernel_message = message;
    return 0;
}

/// Why a driver has refused this program, in its words, which only netlink has room for; empty: it
/// has none.
std::string ask_driver(std::uint32_t ifindex, int program)
{
    kernel_message.clear();
    const auto usual = libbpf_set_print(keep_kernel_message);
    const int nic = static_cast<int>(ifindex);
    constexpr std::uint32_t FLAGS = XDP_FLAGS_DRV_MODE | XDP_FLAGS_UPDATE_IF_NOEXIST;
    if (bpf_xdp_attach(nic, program, FLAGS, nullptr) == 0) // it has changed its mind
        bpf_xdp_detach(nic, XDP_FLAGS_DRV_MODE, nullptr);
    libbpf_set_print(usual);
    return std::exchange(kernel_message, {});
}

} // namespace

NicAttachment::NicAttachment(BpfPrograms &programs, std::string_view instance)
    : programs_(programs), handle_(handle_of(instance))
{
}

std::string NicAttachment::link_pin(std::uint32_t ifindex) const
{
    return fmt::format("{}/nic_{}", programs_.pins(), ifindex);
}

Result<> NicAttachment::attach_native(std::uint32_t ifindex)
{
    WG_TRY(attach_tc(ifindex, "wg_deliver"));
    const int program = programs_.program("wg_rx_xdp");
    const std::string pin = link_pin(ifindex);
    if (const Fd link(bpf_obj_get(pin.c_str())); link) {
        if (bpf_link_update(link.get(), program, nullptr) == 0)
            return {};
        ::unlink(pin.c_str()); // of a NIC that is gone: its link is defunct
    }
    bpf_link_create_opts options{};
    options.sz = sizeof(options);
    options.flags = XDP_FLAGS_DRV_MODE;
    const Fd link(bpf_link_create(program, static_cast<int>(ifindex), BPF_XDP, &options));
    if (link && bpf_obj_pin(link.get(), pin.c_str()) == 0)
        return {};
    const int error = errno;
    detach_tc(ifindex);
    const std::string why = link ? std::string() : ask_driver(ifindex, program);
    return system_failure(error, "native XDP{}{}", why.empty() ? "" : ": ", why);
}

void NicAttachment::detach_native(std::uint32_t ifindex)
{
    const std::string pin = link_pin(ifindex);
    if (const Fd link(bpf_obj_get(pin.c_str())); link)
        bpf_link_detach(link.get());
    wait_for_grace_period(); // what was decrypted before may still be on its way to wg_deliver
    ::unlink(pin.c_str());
    detach_tc(ifindex);
}

Result<> NicAttachment::attach_tc(std::uint32_t ifindex, const char *program)
{
    WG_TRY(attach_filter(ifindex, PRIORITY, program));
    auto attached = attach_filter(ifindex, COOKIE_PRIORITY, "wg_cookie");
    if (!attached)
        detach_tc(ifindex);
    return attached;
}

Result<> NicAttachment::attach_tunnel(std::uint32_t ifindex)
{
    return attach_filter(ifindex, PRIORITY, "wg_tx");
}

Result<>
NicAttachment::attach_filter(std::uint32_t ifindex, std::uint32_t priority, const char *program)
{
    auto hook = ingress(ifindex);
    if (const int error = bpf_tc_hook_create(&hook); error != 0 && error != -EEXIST)
        return system_failure(-error, "clsact");
    auto options = filter(handle_, priority);
    options.prog_fd = programs_.program(program);
    options.flags = BPF_TC_F_REPLACE;
    if (const int error = bpf_tc_attach(&hook, &options); error != 0)
        return system_failure(-error, "TC filter {}", program);
    return {};
}

void NicAttachment::detach_tc(std::uint32_t ifindex)
{
    const auto hook = ingress(ifindex);
    for (const std::uint32_t priority : {COOKIE_PRIORITY, PRIORITY}) {
        const auto options = filter(handle_, priority);
        bpf_tc_detach(&hook, &options);
    }
}

bool NicAttachment::has_tunnel_filter(std::uint32_t ifindex) const
{
    return has_filter(ifindex, PRIORITY);
}

bool NicAttachment::has_filters(std::uint32_t ifindex) const
{
    return has_filter(ifindex, PRIORITY) && has_filter(ifindex, COOKIE_PRIORITY);
}

bool NicAttachment::has_filter(std::uint32_t ifindex, std::uint32_t priority) const
{
    const auto hook = ingress(ifindex);
    auto options = filter(handle_, priority);
    return bpf_tc_query(&hook, &options) == 0;
}

bool NicAttachment::has_link(std::uint32_t ifindex) const
{
    const Fd link(bpf_obj_get(link_pin(ifindex).c_str()));
    bpf_link_info info{};
    std::uint32_t size = sizeof(info);
    return link && bpf_obj_get_info_by_fd(link.get(), &info, &size) == 0 &&
           info.xdp.ifindex == ifindex;
}

} // namespace wg
