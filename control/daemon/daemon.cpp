// SPDX-License-Identifier: MIT
//
// Requests, as the doors hand them over, and what is told about the whole. What the kernel tells is
// in daemon_watch.cpp.
#include "daemon/daemon.h"

#include <unistd.h>

#include "base/log.h"

namespace wg {

Result<Tunnel *> Daemon::find_tunnel(const std::string &name)
{
    for (const auto &[id, tunnel] : tunnels_)
        if (tunnel->name() == name)
            return tunnel.get();
    return failure(ENOENT, "there is no tunnel {}", name);
}

Result<> Daemon::add_tunnel(TunnelSpec spec)
{
    if (find_tunnel(spec.name))
        return failure(EEXIST, "name: there is a tunnel {} already", spec.name);
    auto tunnel = Tunnel::create(tunnel_context(), std::move(spec));
    if (!tunnel) {
        stop_if_idle(); // a refused first request must not leave an idle daemon
        return tl::unexpected(std::move(tunnel).error());
    }
    const TunnelId id = (*tunnel)->id();
    tunnels_.emplace(id, *std::move(tunnel));
    refresh_listeners();
    return {};
}

Result<> Daemon::remove_tunnel(const std::string &name)
{
    Tunnel *tunnel = WG_TRY(find_tunnel(name));
    tunnel->remove();
    tunnels_.erase(tunnel->id());
    refresh_listeners();
    if (tunnels_.empty())
        nics_->release();
    stop_if_idle();
    return {};
}

std::vector<TunnelStatus> Daemon::tunnels()
{
    std::vector<TunnelStatus> all;
    for (const auto &[id, tunnel] : tunnels_)
        all.push_back(tunnel->status());
    return all;
}

Result<> Daemon::change_tunnel(const std::string &name, DeviceChange change)
{
    Tunnel *tunnel = WG_TRY(find_tunnel(name));
    const std::uint16_t port = tunnel->listen_port();
    auto changed = tunnel->change(std::move(change));
    if (tunnel->listen_port() != port)
        refresh_listeners();
    return changed;
}

Result<> Daemon::attach_nic(const std::string &name, AttachMode mode)
{
    auto attached = nics_->attach(name, mode);
    stop_if_idle();
    return attached;
}

Result<> Daemon::detach_nic(const std::string &name)
{
    WG_TRY(nics_->detach(name));
    stop_if_idle();
    return {};
}

Status Daemon::status()
{
    Status status;
    status.version = WGXDP_VERSION;
    status.instance = instance_.name();
    status.pid = ::getpid();
    status.pins = instance_.pins();
    for (const auto &[name, fd] : programs_->programs()) {
        bpf_prog_info info{};
        __u32 size = sizeof(info);
        if (bpf_obj_get_info_by_fd(fd, &info, &size) == 0)
            status.programs.push_back({name, info.id, info.run_cnt, info.run_time_ns});
    }
    status.drops = maps_->drops();
    status.daemon_drops = drops_;
    return status;
}

/* A moment later: the answer to the request that made us idle must still go out. */
void Daemon::stop_if_idle()
{
    if (!until_idle_ || !is_idle())
        return;
    idle_.expires_after(std::chrono::milliseconds(100));
    idle_.async_wait([this](const std::error_code &error) {
        if (!error && is_idle())
            io_.stop();
    });
}

} // namespace wg
