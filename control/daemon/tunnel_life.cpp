// SPDX-License-Identifier: MIT
//
// How a tunnel comes, is taken over, and goes.
#include <algorithm>

#include <arpa/inet.h>

#include "base/log.h"
#include "daemon/tunnel.h"

namespace wg {

namespace {

constexpr std::uint32_t DEFAULT_MTU = 1420; // 1500 less the overhead over IPv6

wg_tunnel to_abi(const TunnelInterface &interface, std::uint32_t mtu, std::uint32_t fwmark)
{
    wg_tunnel tunnel{};
    std::ranges::copy(interface.name, tunnel.name);
    tunnel.wg0_ifindex = interface.ifindex;
    tunnel.mtu = mtu;
    tunnel.fwmark = fwmark;
    std::ranges::copy(interface.mac, tunnel.wg0_mac);
    std::ranges::copy(interface.inner_mac, tunnel.wg0x_mac);
    return tunnel;
}

/* Prefixes that want a route: all allowed IPs but those the interface's own addresses cover
 * already. */
std::vector<Prefix> wanted_routes(const TunnelSpec &spec)
{
    std::vector<Prefix> wanted;
    if (!spec.routes)
        return wanted;
    for (const PeerChange &peer : spec.device.peers)
        for (const AllowedIpChange &allowed : peer.allowed_ips) {
            const bool covered =
                std::ranges::any_of(spec.addresses, [&](const InterfaceAddress &own) {
                    return own.length <= allowed.prefix.length &&
                           Prefix::of(own.address, own.length).contains(allowed.prefix.address);
                });
            if (!covered && !allowed.remove)
                wanted.push_back(allowed.prefix);
        }
    std::ranges::sort(wanted);
    wanted.erase(std::ranges::unique(wanted).begin(), wanted.end());
    return wanted;
}

} // namespace

Result<std::unique_ptr<Tunnel>> Tunnel::create(const TunnelContext &context, TunnelSpec spec)
{
    const std::uint32_t mtu = spec.mtu.value_or(DEFAULT_MTU);
    if (context.netlink.link_by_name(spec.name))
        return failure(EEXIST, "name: there is an interface {} already", spec.name);
    const auto interface =
        WG_TRY(create_tunnel_interface(context.netlink, context.random, spec.name, mtu));
    auto state = to_abi(interface, mtu, spec.device.fwmark.value_or(0));
    state.no_attach = spec.attach ? 0 : 1;
    state.bare = spec.bare;
    std::unique_ptr<Tunnel> tunnel(new Tunnel(context, interface, state));
    const auto routes = wanted_routes(spec);
    const std::uint16_t port = spec.device.listen_port.value_or(0);
    auto made = tunnel->start(std::move(spec.device), port);
    if (made)
        made = tunnel->configure(spec, routes);
    if (!made) {
        tunnel->remove();
        return tl::unexpected(std::move(made).error());
    }
    log::info("{}: created, listening on port {}", tunnel->name(), tunnel->listen_port());
    return tunnel;
}

Result<std::unique_ptr<UdpSocket>> Tunnel::open_port(std::uint16_t port, std::uint32_t mark)
{
    return UdpSocket::open(context_.io, port, mark,
                           [this](std::span<const Datagram> datagrams) { receive(datagrams); });
}

Result<> Tunnel::open_packets()
{
    packets_ =
        WG_TRY(PacketSocket::open(context_.io, interface_.inner_ifindex,
                                  [this](std::span<const Bytes> frames) { hand_over(frames); }));
    return {};
}

Result<> Tunnel::start(DeviceChange change, std::uint16_t port)
{
    state_.listen_port = htons(port);
    if (!is_bare()) { // it is about to be set up: a port that is taken refuses the request
        socket_ = WG_TRY(open_port(port, state_.fwmark));
        state_.listen_port = htons(socket_->port());
        routes_.set_sender({state_.fwmark, socket_->port()});
    }
    WG_TRY(open_packets());
    WG_TRY(store());
    WG_TRY(device_.apply(std::move(change), now()));
    if (const Key *key = device_.private_key())
        WG_TRY(context_.maps.store_private_key(id(), *key));
    return context_.attachment.attach_tunnel(interface_.inner_ifindex);
}

Result<> Tunnel::configure(const TunnelSpec &spec, const std::vector<Prefix> &routes)
{
    for (const InterfaceAddress &address : spec.addresses)
        WG_TRY(context_.netlink.add_address(interface_.ifindex, address));
    if (!spec.bare)
        WG_TRY(context_.netlink.set_up(interface_.ifindex));
    link_changed();
    for (const Prefix &prefix : routes)
        WG_TRY(context_.netlink.add_route(prefix, interface_.ifindex));
    return {};
}

Result<std::unique_ptr<Tunnel>>
Tunnel::adopt(const TunnelContext &context, TunnelId id, const PeerNotes &notes)
{
    const auto state = context.maps.tunnel(id).value_or(wg_tunnel{});
    TunnelInterface interface;
    interface.name.assign(state.name, ::strnlen(state.name, sizeof(state.name)));
    interface.ifindex = state.wg0_ifindex;
    interface.inner_ifindex = id;
    std::ranges::copy(state.wg0_mac, interface.mac.begin());
    std::ranges::copy(state.wg0x_mac, interface.inner_mac.begin());
    interface.inner_name = inner_interface_name(interface.name);
    std::unique_ptr<Tunnel> tunnel(new Tunnel(context, interface, state));
    if (auto restored = tunnel->restore(notes); !restored) {
        if (restored.error().code.value() == ENODEV)
            tunnel->remove();
        return tl::unexpected(std::move(restored).error());
    }
    log::info("{}: adopted, listening on port {}", tunnel->name(), tunnel->listen_port());
    return tunnel;
}

Result<> Tunnel::restore(const PeerNotes &all_notes)
{
    const auto notes = all_notes.find(name());
    DeviceChange change;
    change.private_key = context_.maps.private_key(id());
    WG_TRY(device_.apply(std::move(change), now()));
    for (AdoptedPeer &peer : context_.maps.adopted_peers(id())) {
        const PeerId peer_id = peer.state.id;
        PeerNote note;
        if (notes != all_notes.end() && notes->second.contains(peer.state.public_key))
            note = notes->second.at(peer.state.public_key);
        WG_TRY(device_.adopt(std::move(peer), now(), std::move(note)));
        routes_.refresh(peer_id);
    }
    WG_TRY(find_own_link());
    WG_TRY(open_packets());
    WG_TRY(context_.attachment.attach_tunnel(interface_.inner_ifindex));
    link_changed();
    if (!device_.is_up() && !moving_ && !refused_port_) // it was set down while nobody looked
        device_.wipe_keys(now());
    settle();
    return {};
}

/* Pins may outlive the namespace they were made in; then the number is another interface's now. */
Result<Link> Tunnel::find_own_link() const
{
    Link link = WG_TRY(context_.netlink.link_by_index(id()));
    if (link.kind != "veth" || link.mac != interface_.inner_mac)
        return failure(ENODEV, "{}: its interface is gone, {} has its number", name(), link.name);
    return link;
}

/* The interface first: nothing is sealed any more while the rest goes. */
void Tunnel::remove()
{
    timer_.cancel();
    if (const auto link = find_own_link())
        if (const auto removed = context_.netlink.remove_link(link->ifindex); !removed)
            log::error("{}: {}", name(), removed.error().what);
    DeviceChange nobody;
    nobody.replace_peers = true;
    if (const auto cleared = device_.apply(std::move(nobody), now()); !cleared)
        log::error("{}: {}", name(), cleared.error().what);
    context_.maps.erase_tunnel(id());
    socket_.reset();
    packets_.reset();
    log::info("{}: removed", name());
}

} // namespace wg
