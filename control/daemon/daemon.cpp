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
        follow_links(); // its interface may have been deleted this moment
    if (find_tunnel(spec.name))
        return failure(EEXIST, "name: there is a tunnel {} already", spec.name);
    auto added = make_tunnel(std::move(spec));
    if (!added)
        stop_if_idle(); // a refused first request must not leave an idle daemon
    return added;
}

/* wg(8)'s sockets are shared by all network namespaces: a tunnel that does not need one may have
 * the name of another namespace's. */
Result<> Daemon::make_tunnel(TunnelSpec spec)
{
    const std::string name = spec.name;
    if (auto opened = open_uapi(name); !opened) {
        if (spec.bare)
            return opened;
        log::warn("{}: wg(8) will not reach it: {}", name, opened.error().what);
    }
    auto tunnel = Tunnel::create(tunnel_context(), std::move(spec));
    if (!tunnel) {
        uapi_.close(name);
        return tl::unexpected(std::move(tunnel).error());
    }
    const TunnelId id = (*tunnel)->id();
    tunnels_.emplace(id, *std::move(tunnel));
    jumbo_refused_ = false;
    make_room();
    refresh_listeners();
    remember_peers();
    return {};
}

Result<> Daemon::remove_tunnel(const std::string &name)
{
    Tunnel *tunnel = WG_TRY(find_tunnel(name));
    uapi_.close(name);
    tunnel->remove();
    tunnels_.erase(tunnel->id());
    refresh_listeners();
    remember_peers();
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

Result<> Daemon::change_tunnel(const std::string &name, TunnelChange change)
{
    Tunnel *tunnel = WG_TRY(find_tunnel(name));
    const std::uint16_t port = tunnel->listen_port();
    const bool listened = tunnel->listens();
    const std::uint32_t mtu = tunnel->mtu();
    auto changed = tunnel->change(std::move(change));
    if (tunnel->listen_port() != port || tunnel->listens() != listened)
        refresh_listeners();
    if (tunnel->mtu() != mtu) {
        jumbo_refused_ = false;
        make_room();
    }
    remember_peers();
    return changed;
}

Result<> Daemon::open_uapi(const std::string &name)
{
    return uapi_.open(name, {.get = [this, name]() -> Result<TunnelStatus> {
                                 return WG_TRY(find_tunnel(name))->status();
                             },
                             .set =
                                 [this, name](DeviceChange change) {
                                     return change_tunnel(name, {.device = std::move(change)});
                                 }});
}

void Daemon::uapi_deleted(const std::string &name)
{
    const auto tunnel = find_tunnel(name);
    if (!tunnel || !(*tunnel)->is_bare())
        return log::warn("{}: its configuration socket was deleted: wg(8) cannot reach it", name);
    log::info("{}: its configuration socket was deleted", name);
    (void)remove_tunnel(name);
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
    const auto counts = keystream_->counts();
    status.keystream = {.producer = keystream_->producer(),
                        .rings = keystream_->rings(),
                        .sealed_ready = counts[WG_SEALED_READY],
                        .sealed_inline = counts[WG_SEALED_INLINE],
                        .opened_ready = counts[WG_OPENED_READY],
                        .opened_inline = counts[WG_OPENED_INLINE]};
    return status;
}

void Daemon::subscribe(const std::shared_ptr<StreamClient> &client, const EventFilter &filter)
{
    hub_.subscribe(client, filter);
    drop_watch_.start();
}

/* Of the programs and of the daemon: some reasons are counted by both. */
DropWatch::Counts Daemon::all_drops() const
{
    DropWatch::Counts all = drops_;
    for (const auto &[reason, per_cpu] : maps_->drops())
        for (const std::uint64_t packets : per_cpu)
            all[reason] += packets;
    return all;
}

void Daemon::remember_peers()
{
    if (std::exchange(remembering_, true))
        return;
    remember_.expires_after(std::chrono::milliseconds(20));
    remember_.async_wait([this](const std::error_code &error) {
        if (!error)
            write_peers();
    });
}

void Daemon::write_peers()
{
    remembering_ = false;
    PeerNotes notes;
    for (const auto &[id, tunnel] : tunnels_)
        if (auto its = tunnel->peer_notes(); !its.empty())
            notes.emplace(tunnel->name(), std::move(its));
    if (const auto saved = save_peer_file(instance_.peers(), notes); !saved)
        log::error("names and endpoints of peers: {}", saved.error().what);
}

/* A moment later: the answer to the request that made us idle must still go out. */
void Daemon::stop_if_idle()
{
    if (!options_.until_idle || !is_idle())
        return;
    idle_.expires_after(std::chrono::milliseconds(100));
    idle_.async_wait([this](const std::error_code &error) {
        if (error || !is_idle())
            return;
        maps_->when_erased([this] { // with the pins the kernel frees keys that are there yet
            if (is_idle())
                io_.stop();
        });
    });
}

} // namespace wg
