// SPDX-License-Identifier: MIT
//
// The daemon's start, and how it follows what the kernel tells: links, addresses, routes,
// neighbours, filters.
#include <algorithm>

#include <arpa/inet.h>

#include "base/log.h"
#include "daemon/daemon.h"

namespace wg {

namespace {

constexpr auto SETTLE = std::chrono::milliseconds(5);

} // namespace

Daemon::Daemon(asio::io_context &io, Instance &instance, const DaemonOptions &options)
    : io_(io), instance_(instance), options_(options), workers_(io), resolver_(io),
      drop_watch_(io, hub_, [this] { return all_drops(); }),
      uapi_(io, [this](const std::string &name) { uapi_deleted(name); }), settle_(io), idle_(io),
      remember_(io)
{
}

Daemon::~Daemon()
{
    if (remembering_)
        write_peers();
}

Result<std::unique_ptr<Daemon>>
Daemon::start(asio::io_context &io, Instance &instance, const DaemonOptions &options)
{
    std::unique_ptr<Daemon> daemon(new Daemon(io, instance, options));
    WG_TRY(daemon->open());
    WG_TRY(daemon->watch());
    if (daemon->programs_->adopted())
        daemon->adopt();
    daemon->refresh_listeners();
    daemon->json_ =
        WG_TRY(JsonServer::listen(io, *daemon, instance.socket(), options.socket_group));
    return daemon;
}

Result<> Daemon::open()
{
    WG_TRY(check_grace_periods());
    programs_ = std::make_unique<BpfPrograms>(WG_TRY(BpfPrograms::load(instance_.pins(), random_)));
    maps_ = WG_TRY(BpfDatapath::create(io_, *programs_)); // first: it erases what nobody owns
    keystream_ = WG_TRY(Keystream::start(*programs_, !options_.no_prefetch));
    maps_->set_keystream(keystream_.get());
    attachment_ = std::make_unique<NicAttachment>(*programs_, instance_.name());
    netlink_ = std::make_unique<Netlink>(WG_TRY(Netlink::open()));
    ethtool_ = std::make_unique<Ethtool>(WG_TRY(Ethtool::open()));
    nics_ =
        std::make_unique<Nics>(*maps_, *attachment_, *netlink_, *ethtool_, hub_,
                               [this](std::uint32_t ifindex) { return is_own_tunnel(ifindex); });
    return {};
}

Result<> Daemon::watch()
{
    monitor_ = WG_TRY(NetlinkMonitor::open(io_, netlink_events()));
    path_mtu_ = WG_TRY(PathMtuWatch::open(io_, [this](const std::set<IpAddress> &too_big) {
        for (const auto &[id, tunnel] : tunnels_)
            tunnel->path_mtu_changed(too_big);
    }));
    clock_ = WG_TRY(ClockWatch::start(io_, clock_events(), time_asleep));
    events_ = WG_TRY(EventReader::start(io_, programs_->map("events"),
                                        [this](const wg_event &event) { on_event(event); }));
    return {};
}

/* NICs first: a tunnel attaches those it uses and nobody has attached yet. */
void Daemon::adopt()
{
    nics_->adopt();
    const auto notes = load_peer_file(instance_.peers());
    for (const TunnelId id : maps_->tunnels()) {
        auto tunnel = Tunnel::adopt(tunnel_context(), id, notes);
        if (!tunnel) {
            log::error("tunnel {}: not adopted: {}", id, tunnel.error().what);
            continue;
        }
        if (const auto opened = open_uapi((*tunnel)->name()); !opened)
            log::warn("{}: wg(8) will not reach it: {}", (*tunnel)->name(), opened.error().what);
        tunnels_.emplace(id, *std::move(tunnel));
    }
    make_room();
}

void Daemon::make_room()
{
    if (jumbo_refused_ || programs_->max_payload() == WG_JUMBO_PAYLOAD ||
        std::ranges::none_of(
            tunnels_, [](const auto &entry) { return entry.second->mtu() > WG_STANDARD_PAYLOAD; }))
        return;
    const auto loaded = load_jumbo();
    jumbo_refused_ = !loaded;
    if (!loaded)
        log::error("packets of more than {} bytes take the slow path: {}",
                   static_cast<unsigned>(WG_STANDARD_PAYLOAD), loaded.error().what);
}

/* Rings are of one size: the old ones are wiped before what names them goes. */
Result<> Daemon::load_jumbo()
{
    keystream_->pause();
    auto loaded = programs_->load_jumbo();
    keystream_->resume(*programs_);
    if (!loaded)
        return loaded;
    log::info("programs are loaded for jumbo packets");
    for (const auto &[id, tunnel] : tunnels_)
        tunnel->attach();
    nics_->reattach();
    return {};
}

TunnelContext Daemon::tunnel_context()
{
    return {.io = io_,
            .maps = *maps_,
            .attachment = *attachment_,
            .netlink = *netlink_,
            .random = random_,
            .workers = workers_,
            .events = hub_,
            .resolver = resolver_,
            .use_nic = [this](std::uint32_t ifindex) { nics_->use(ifindex); },
            .port_opened = [this] { refresh_listeners(); },
            .is_own_tunnel = [this](std::uint32_t ifindex) { return is_own_tunnel(ifindex); },
            .count_drop = [this](wg_drop_reason reason,
                                 std::uint64_t packets) { count_drop(reason, packets); }};
}

bool Daemon::is_own_tunnel(std::uint32_t ifindex) const
{
    return std::ranges::any_of(
        tunnels_, [ifindex](const auto &entry) { return entry.second->has_interface(ifindex); });
}

void Daemon::on_event(const wg_event &event)
{
    if (const auto id = maps_->tunnel_of(event.peer))
        if (const auto tunnel = tunnels_.find(*id); tunnel != tunnels_.end())
            tunnel->second->event(event);
}

NetlinkEvents Daemon::netlink_events()
{
    const auto routes = [this] {
        routes_changed_ = true;
        changed();
    };
    const auto anything = [this, routes] {
        links_changed_ = true;
        routes();
    };
    // a tunnel's own interface at once: packets may be on their way to where wg0 was
    const auto link = [this, anything](std::uint32_t ifindex) {
        for (const auto &[id, tunnel] : tunnels_)
            if (tunnel->has_interface(ifindex))
                tunnel->link_changed();
        anything();
    };
    return {.link_changed = link,
            .link_removed = link,
            .addresses_changed = anything,
            .routes_changed = routes,
            .neighbour_changed =
                [this](std::uint32_t ifindex, const IpAddress &address) {
                    neighbours_changed_.emplace(ifindex, address);
                    changed();
                },
            .tc_changed =
                [this](std::uint32_t) {
                    links_changed_ = true;
                    changed();
                },
            .overrun = anything};
}

ClockEvents Daemon::clock_events()
{
    return {.slept =
                [this] {
                    log::info("the machine slept: sessions are wiped");
                    for (const auto &[id, tunnel] : tunnels_)
                        tunnel->slept();
                },
            .copied =
                [this] {
                    log::info("the machine may be a copy, its clock was set: sending keys expire");
                    for (const auto &[id, tunnel] : tunnels_)
                        tunnel->copied();
                }};
}

void Daemon::changed()
{
    if (std::exchange(settling_, true))
        return;
    settle_.expires_after(SETTLE);
    settle_.async_wait([this](const std::error_code &error) {
        settling_ = false;
        if (!error)
            follow_changes();
    });
}

void Daemon::follow_changes()
{
    if (std::exchange(links_changed_, false))
        follow_links();
    const auto neighbours = std::exchange(neighbours_changed_, {});
    const bool routes = std::exchange(routes_changed_, false);
    for (const auto &[id, tunnel] : tunnels_)
        tunnel->network_changed(routes, neighbours);
}

/* What neighbours and routes make no difference to, which may change a hundred times a second. */
void Daemon::follow_links()
{
    const bool had_tunnels = !tunnels_.empty();
    std::erase_if(tunnels_, [this](const auto &entry) {
        if (entry.second->link_changed())
            return false;
        log::info("{}: its interface was deleted", entry.second->name());
        uapi_.close(entry.second->name());
        entry.second->remove();
        remember_peers();
        return true;
    });
    make_room();
    nics_->check_all();
    refresh_listeners();
    if (had_tunnels && tunnels_.empty()) {
        nics_->release();
        stop_if_idle();
    }
}

/* A failure is tried again with the next change of links or addresses. */
void Daemon::refresh_listeners()
{
    const auto addresses = netlink_->addresses();
    if (!addresses) {
        log::error("local addresses: {}", addresses.error().what);
        return;
    }
    std::vector<std::pair<wg_listener_key, TunnelId>> listeners;
    for (const LocalAddress &local : *addresses)
        for (const auto &[id, tunnel] : tunnels_) {
            if (!tunnel->listens())
                continue;
            wg_listener_key key{};
            std::ranges::copy(local.address.address.bytes, key.address);
            key.port = htons(tunnel->listen_port());
            key.family = local.address.address.family;
            listeners.emplace_back(key, id);
        }
    if (const auto set = maps_->set_listeners(listeners); !set)
        log::error("local addresses: {}", set.error().what);
}

} // namespace wg
