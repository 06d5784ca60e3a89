// SPDX-License-Identifier: MIT
//
// How a tunnel follows the kernel's network: its own interface, and the way to its peers.
#include <algorithm>

#include <arpa/inet.h>

#include "base/log.h"
#include "daemon/tunnel.h"

namespace wg {

namespace {

constexpr std::uint32_t SMALLEST_IPV6_MTU = 1280;
constexpr auto PORT_RETRY = std::chrono::seconds(1);

bool is_ours(const InterfaceAddress &address)
{
    return !(address.address.is_v6() && address.address.is_link_local()); // those are the kernel's
}

Result<> check_mtu(std::uint32_t mtu, const std::vector<InterfaceAddress> &addresses)
{
    const bool has_v6 = std::ranges::any_of(addresses, [](const InterfaceAddress &address) {
        return address.address.is_v6() && is_ours(address);
    });
    if (has_v6 && mtu < SMALLEST_IPV6_MTU)
        return failure(EINVAL, "mtu: expected at least {} with addresses of IPv6, got {}",
                       SMALLEST_IPV6_MTU, mtu);
    return {};
}

} // namespace

/* wg0 may be in another netns, where only its owner reaches it. */
Result<> Tunnel::change_interface(const TunnelChange &change, Rollback &back)
{
    if (!change.mtu && !change.addresses)
        return {};
    if (state_.wg0_ifindex == 0)
        return failure(EXDEV, "{}: {} was moved to another network namespace",
                       change.mtu ? "mtu" : "addresses", name());
    const std::uint32_t mtu = change.mtu.value_or(state_.mtu), old_mtu = state_.mtu;
    const auto present = WG_TRY(addresses());
    WG_TRY(check_mtu(mtu, change.addresses.value_or(present)));
    if (mtu > old_mtu) {
        WG_TRY(set_mtu(mtu));
        back.add([this, old_mtu] {
            if (const auto undone = set_mtu(old_mtu); !undone)
                log::error("{}: {}", name(), undone.error().what);
        });
    }
    if (change.addresses) // not before the MTU: IPv6 wants 1280
        WG_TRY(add_addresses(*change.addresses, present, back));
    return {};
}

/* What would lose something if it had to be put back. */
Result<> Tunnel::finish_interface(const TunnelChange &change)
{
    if (change.addresses)
        remove_addresses_but(*change.addresses);
    if (change.mtu && *change.mtu < state_.mtu)
        WG_TRY(set_mtu(*change.mtu)); // below 1280 the kernel forgets all of IPv6
    return {};
}

Result<> Tunnel::set_mtu(std::uint32_t mtu)
{
    WG_TRY(context_.netlink.set_mtu(state_.wg0_ifindex, mtu));
    link_changed();
    return {};
}

Result<> Tunnel::add_addresses(const std::vector<InterfaceAddress> &wanted,
                               const std::vector<InterfaceAddress> &present,
                               Rollback &back)
{
    WG_TRY(keep_secondary_addresses(name()));
    for (const InterfaceAddress &address : wanted) {
        if (std::ranges::find(present, address) != present.end())
            continue;
        WG_TRY(make_way_for(address, present, back));
        WG_TRY(context_.netlink.add_address(state_.wg0_ifindex, address));
        back.add([this, address] {
            if (const auto undone = context_.netlink.remove_address(state_.wg0_ifindex, address);
                !undone)
                log::error("{}: {}", name(), undone.error().what);
        });
    }
    return {};
}

/* IPv6 has an address once, whatever its length. */
Result<> Tunnel::make_way_for(const InterfaceAddress &address,
                              const std::vector<InterfaceAddress> &present,
                              Rollback &back)
{
    const auto same = std::ranges::find(present, address.address, &InterfaceAddress::address);
    if (!address.address.is_v6() || same == present.end())
        return {};
    WG_TRY(context_.netlink.remove_address(state_.wg0_ifindex, *same));
    back.add([this, old = *same] {
        if (const auto undone = context_.netlink.add_address(state_.wg0_ifindex, old); !undone)
            log::error("{}: {}", name(), undone.error().what);
    });
    return {};
}

Result<std::vector<InterfaceAddress>> Tunnel::addresses() const
{
    std::vector<InterfaceAddress> own;
    for (const LocalAddress &each : WG_TRY(context_.netlink.addresses()))
        if (each.ifindex == state_.wg0_ifindex)
            own.push_back(each.address);
    return own;
}

/* One that somebody removed meanwhile is no reason to refuse. */
void Tunnel::remove_addresses_but(const std::vector<InterfaceAddress> &wanted)
{
    const auto present = addresses();
    if (!present)
        return log::error("{}: {}", name(), present.error().what);
    for (const InterfaceAddress &address : *present) {
        if (!is_ours(address) || std::ranges::find(wanted, address) != wanted.end())
            continue;
        if (const auto removed = context_.netlink.remove_address(state_.wg0_ifindex, address);
            !removed)
            log::warn("{}: {}", name(), removed.error().what);
    }
}

/* The NICs that are in use already are told anew. */
void Tunnel::set_attach(bool attach)
{
    state_.no_attach = attach ? 0 : 1;
    routes_.refresh_all();
    refresh_routes();
}

void Tunnel::network_changed(bool routes, const std::set<Neighbourhood> &neighbours)
{
    if (routes)
        routes_.refresh_all();
    routes_.neighbours_changed(neighbours);
    refresh_routes();
}

void Tunnel::path_mtu_changed(const std::set<IpAddress> &too_big)
{
    if (routes_.path_mtu_changed(too_big))
        refresh_routes();
}

/* A few peers at a time, as with handshakes: a change of the network is no reason not to answer. */
void Tunnel::refresh_routes()
{
    const bool more = routes_.refresh_some();
    settle();
    if (!more || std::exchange(refreshing_, true))
        return;
    asio::post(context_.io, [this, alive = std::weak_ptr(alive_)] {
        if (alive.expired())
            return;
        refreshing_ = false;
        refresh_routes();
    });
}

/* Whatever is done in one turn of the loop, be it a batch of a hundred thousand requests, sees the
 * network as it was when it first asked. What changes meanwhile is told by a notification. */
void Tunnel::forget_answers_soon()
{
    if (std::exchange(forgetting_, true))
        return;
    asio::post(context_.io, [this, alive = std::weak_ptr(alive_)] {
        if (alive.expired())
            return;
        forgetting_ = false;
        routes_.forget_answers();
    });
}

/* wg0 has moved to another netns (or back), and was set down for it. Its new owner sets it up
 * again: keys stay. */
bool Tunnel::follow_move(const wg_tunnel &state)
{
    if (state.wg0_ifindex != state_.wg0_ifindex)
        moving_ = true;
    return moving_;
}

void Tunnel::attach()
{
    if (const auto attached = context_.attachment.attach_tunnel(interface_.inner_ifindex);
        !attached)
        log::error("{}: {}", name(), attached.error().what);
}

bool Tunnel::link_changed()
{
    const auto inner = context_.netlink.link_by_index(interface_.inner_ifindex);
    if (!inner) {
        const bool gone = inner.error().code.value() == ENODEV;
        if (!gone)
            log::warn("{}: {}", name(), inner.error().what);
        return !gone;
    }
    if (!context_.attachment.has_tunnel_filter(interface_.inner_ifindex)) {
        log::warn("{}: its program was removed from {}", name(), inner->name);
        attach();
    }
    wg_tunnel state = state_;
    const bool here = !inner->peer_netnsid;
    state.wg0_ifindex = here ? inner->peer_ifindex : 0;
    if (here) {
        if (const auto outer = context_.netlink.link_by_index(state.wg0_ifindex)) {
            state.mtu = outer->mtu;
            std::ranges::copy(outer->mac, state.wg0_mac);
        }
    }
    const bool moving = follow_move(state);
    if (std::memcmp(&state, &state_, sizeof(state)) != 0) {
        state_ = state;
        routes_.set_own_ifindex(state_.wg0_ifindex);
        if (const auto stored = store(); !stored)
            log::error("{}: {}", name(), stored.error().what);
    }
    // a veth has a carrier exactly while its other end is up, also where we cannot see that
    const bool up = inner->has_carrier();
    moving_ = moving && !up;
    if (!up)
        forget_refusal();
    if (up != device_.is_up() && !moving_)
        set_up(up);
    return true;
}

/* Nobody tells when a port that is taken is free again. */
bool Tunnel::take_port()
{
    auto socket = open_port(listen_port(), state_.fwmark);
    if (!socket) {
        if (std::exchange(refused_port_, listen_port()) != listen_port())
            log::error("{}: not up: {}", name(), socket.error().what);
        retry_port_ = now().instant + PORT_RETRY;
        settle();
        return false;
    }
    forget_refusal();
    socket_ = *std::move(socket);
    if (socket_->port() != listen_port())
        routes_.refresh_all();
    state_.listen_port = htons(socket_->port());
    routes_.set_sender({state_.fwmark, socket_->port()});
    if (const auto stored = store(); !stored)
        log::error("{}: {}", name(), stored.error().what);
    return true;
}

void Tunnel::forget_refusal()
{
    refused_port_.reset();
    retry_port_ = NEVER;
}

void Tunnel::try_port_again()
{
    link_changed();
    if (listens())
        context_.port_opened();
}

/* Down: as the driver, keys are wiped and the port is closed. Up: the port is opened, and what is
 * due goes out. */
void Tunnel::set_up(bool up)
{
    if (up && !socket_ && !take_port())
        return;
    log::info("{}: {}", name(), up ? "up" : "down");
    up ? device_.up(now()) : device_.down(now());
    if (!up) {
        socket_.reset();
        handshakes_.clear();
    }
    refresh_routes();
}

} // namespace wg
