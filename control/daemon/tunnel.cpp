// SPDX-License-Identifier: MIT
//
// A tunnel at work: what its sockets, timers and people tell it. How it follows the kernel's
// network is in tunnel_network.cpp, how it comes and goes in tunnel_life.cpp.
#include "daemon/tunnel.h"

#include <linux/if_ether.h>

#include <wgxdp/protocol.h>

#include "base/log.h"
#include "datapath/icmp_error.h"
#include "datapath/inner_packet.h"

namespace wg {

namespace {

constexpr int HANDSHAKES_AT_ONCE = 8;
constexpr std::size_t MOST_ANSWERING = 32;

} // namespace

Tunnel::Tunnel(const TunnelContext &context, TunnelInterface interface, const wg_tunnel &state)
    : context_(context), interface_(std::move(interface)), state_(state),
      datapath_(context_.maps, interface_.inner_ifindex, ports()),
      device_(datapath_, context_.random),
      routes_(context_.netlink, context_.maps, device_, context_.is_own_tunnel), timer_(context_.io)
{
    routes_.set_own_ifindex(state_.wg0_ifindex);
    routes_.set_sender({state_.fwmark, listen_port()});
    device_.hand_out = [this](HandshakeJob job) { hand_out(std::move(job)); };
    device_.endpoint_changed = [this](PeerId peer) { routes_.refresh(peer); };
    device_.look_up = [this](const PublicKey &peer, const std::vector<std::string> &places) {
        look_up(peer, places);
    };
    device_.report = [this](const PeerEvent &event) { context_.events.peer(name(), event); };
}

SlowPathPorts Tunnel::ports()
{
    return {
        .send = [this](std::span<OutgoingDatagram> datagrams) { send(datagrams); },
        .inject = [this](std::span<const Bytes> frames) { return packets_->inject_all(frames); },
        .count_drop = context_.count_drop};
}

void Tunnel::send(std::span<OutgoingDatagram> datagrams)
{
    if (!socket_) { // the interface is down
        for (OutgoingDatagram &datagram : datagrams)
            datagram.error = ENETDOWN;
        return;
    }
    std::size_t first = 0;
    for (std::size_t i = 0; i <= datagrams.size(); i++) {
        const bool loop = i < datagrams.size() && routes_.loops(datagrams[i].to.address);
        if (i < datagrams.size() && !loop)
            continue;
        if (i > first)
            socket_->send_all(datagrams.subspan(first, i - first));
        first = i + 1;
        if (loop)
            context_.count_drop(WG_DROP_ROUTING_LOOP, 1);
    }
}

void Tunnel::receive(std::span<const Datagram> datagrams)
{
    const auto is_data = [](const Datagram &datagram) {
        return datagram.bytes.size() >= sizeof(std::uint32_t) &&
               load<std::uint32_t>(datagram.bytes.first<4>()) == WG_TRANSPORT_DATA;
    };
    std::vector<Datagram> data;
    for (const Datagram &datagram : datagrams) {
        if (is_data(datagram))
            data.push_back(datagram);
        else if (datagram.bytes.size() > sizeof(wg_handshake_initiation))
            device_.receive(datagram.bytes, datagram.from, now()); // no message: costs nothing
        else if (!handshakes_.push(datagram))
            context_.count_drop(WG_DROP_UNDER_LOAD, 1);
    }
    receive_handshakes();
    if (!data.empty())
        datapath_.slow_path().receive(data);
    settle();
}

/* A few at a time, and no more than keeps the workers busy: between them the sockets are read, so
 * that a queue shows how far behind we are. */
void Tunnel::receive_handshakes()
{
    const Now when = now();
    for (int i = 0; i < HANDSHAKES_AT_ONCE && answering_ < MOST_ANSWERING && !handshakes_.empty();
         i++) {
        device_.handshakes_queued(handshakes_.size(), when);
        const auto message = handshakes_.pop();
        device_.receive(message.bytes, message.from, when);
    }
    settle();
    // the next job that is done goes on, if there are so many
    if (handshakes_.empty() || answering_ >= MOST_ANSWERING || std::exchange(will_receive_, true))
        return;
    asio::post(context_.io, [this, alive = std::weak_ptr(alive_)] {
        if (alive.expired())
            return;
        will_receive_ = false;
        receive_handshakes();
    });
}

void Tunnel::hand_out(HandshakeJob job)
{
    if (job.is_answer)
        answering_++;
    auto done = [this, alive = std::weak_ptr(alive_), answer = job.is_answer,
                 finish = std::move(job.finish)] {
        if (alive.expired())
            return;
        if (answer)
            answering_--;
        finish(now());
        receive_handshakes();
    };
    auto work = [compute = std::move(job.compute), alive = std::weak_ptr(alive_)] {
        if (!alive.expired())
            compute();
    };
    context_.workers.submit({.work = std::move(work), .done = std::move(done)}, job.is_answer);
}

void Tunnel::look_up(const PublicKey &peer, const std::vector<std::string> &places)
{
    context_.resolver.resolve(
        places,
        [this, alive = std::weak_ptr(alive_), peer, places] {
            return !alive.expired() && device_.has_places(peer, places);
        },
        [this, alive = std::weak_ptr(alive_), peer, places](std::vector<Endpoint> found) {
            if (alive.expired())
                return;
            device_.found(peer, places, std::move(found), now());
            settle();
        });
}

/* Frames that wg_tx left to us. */
void Tunnel::hand_over(std::span<const Bytes> frames)
{
    if (!device_.is_up() && !refused_port_) // these left wg0: the notification is on its way
        link_changed();
    const Now when = now();
    for (const Bytes frame : frames)
        if (frame.size() >= ETH_HLEN)
            hand_over(frame.subspan(ETH_HLEN), when);
    settle();
}

/* Find the peer, and let the device send or stage. Where there is none, the sender is told. */
void Tunnel::hand_over(Bytes packet, Now when)
{
    const auto inner = parse_inner(packet);
    if (!inner)
        return context_.count_drop(WG_DROP_BAD_PACKET, 1);
    packet = packet.first(inner->length);
    const auto peer = context_.maps.lookup_allowed_ip(id(), inner->destination);
    if (peer && device_.endpoint_of(*peer))
        return device_.send(*peer, packet, when);
    context_.count_drop(peer ? WG_DROP_NO_ENDPOINT : WG_DROP_NO_PEER, 1);
    if (const Buffer error = unreachable_error(packet, *inner); !error.empty())
        datapath_.slow_path().deliver(error);
}

void Tunnel::slept()
{
    device_.wipe_keys(now());
    settle();
}

void Tunnel::copied()
{
    device_.expire_sending_keys(now());
    settle();
}

void Tunnel::event(const wg_event &event)
{
    device_.event(event, now());
    if ((event.bits & WG_EVENT_SENT) != 0)
        routes_.confirm(event.peer);
    settle();
}

void Tunnel::settle()
{
    forget_answers_soon();
    for (const PeerId peer : routes_.take_lost_sources())
        device_.lose_source(peer);
    for (const std::uint32_t ifindex : routes_.take_used_nics())
        if (attaches())
            context_.use_nic(ifindex);
    const Instant deadline =
        std::min({device_.next_deadline(), routes_.next_expiry(), retry_port_});
    if (deadline == NEVER) {
        timer_.cancel();
        return;
    }
    const auto wait = std::max(deadline - now().instant, Duration(0));
    timer_.expires_after(std::chrono::duration_cast<asio::steady_timer::duration>(wait));
    timer_.async_wait([this, alive = std::weak_ptr(alive_)](const std::error_code &error) {
        if (error || alive.expired())
            return;
        device_.advance(now());
        if (retry_port_ <= now().instant)
            try_port_again();
        routes_.expire(now().instant) ? refresh_routes() : settle();
    });
}

/* First what may be refused, the device last: only it cannot be put back. */
Result<> Tunnel::change(TunnelChange change)
{
    Rollback back;
    WG_TRY(change_interface(change, back));
    WG_TRY(change_device(std::move(change.device)));
    back.keep();
    WG_TRY(finish_interface(change));
    if (change.attach && *change.attach != attaches())
        set_attach(*change.attach);
    if (!device_.is_up()) // by another port it can be
        link_changed();
    return store();
}

/* Port and mark first: what applying the rest sends must leave by them. A refusal puts them back.
 */
Result<> Tunnel::change_device(DeviceChange change)
{
    const auto port = change.listen_port;
    const std::uint16_t old_port = listen_port();
    const std::uint32_t old_mark = state_.fwmark, mark = change.fwmark.value_or(old_mark);
    const bool new_key = change.private_key.has_value();
    std::unique_ptr<UdpSocket> old_socket;
    if (socket_ && port && (*port == 0 || *port != old_port)) {
        auto socket = WG_TRY(open_port(*port, mark));
        old_socket = std::exchange(socket_, std::move(socket));
    } else if (socket_ && mark != old_mark) {
        WG_TRY(socket_->set_mark(mark));
    }
    const std::uint16_t new_port = socket_ ? socket_->port() : port.value_or(old_port);
    routes_.set_sender({mark, new_port});
    if (auto applied = device_.apply(std::move(change), now()); !applied) {
        routes_.set_sender({old_mark, old_port});
        if (old_socket)
            socket_ = std::move(old_socket);
        else if (socket_ && mark != old_mark && !socket_->set_mark(old_mark))
            log::error("{}: fwmark {} stays on the socket", name(), mark);
        return applied;
    }
    state_.fwmark = mark;
    state_.listen_port = htons(new_port);
    if (mark != old_mark || new_port != old_port)
        routes_.refresh_all();
    refresh_routes();
    const auto stored = store();
    if (new_key)
        WG_TRY(context_.maps.store_private_key(
            id(), device_.private_key() ? device_.private_key()->clone() : Key()));
    return stored;
}

Result<> Tunnel::store()
{
    if (std::memcmp(&state_, &stored_, sizeof(state_)) == 0)
        return {}; // it would cost a grace period
    WG_TRY(context_.maps.put_tunnel(id(), state_));
    stored_ = state_;
    return {};
}

TunnelStatus Tunnel::status()
{
    forget_answers_soon();
    TunnelStatus status;
    status.name = name();
    status.public_key = device_.public_key();
    status.listen_port = listen_port();
    if (const Key *key = device_.private_key())
        status.private_key = key->clone();
    status.fwmark = state_.fwmark;
    status.mtu = state_.mtu;
    status.moved = state_.wg0_ifindex == 0;
    for (const PeerInfo &info : device_.peers()) {
        PeerStatus peer;
        peer.public_key = info.public_key;
        peer.name = info.note.name;
        peer.places = info.note.places;
        peer.endpoint = info.endpoint;
        peer.allowed_ips = info.allowed_ips;
        if (!info.preshared_key->is_zero())
            peer.preshared_key = info.preshared_key->clone();
        peer.last_handshake = info.last_handshake;
        peer.rx_bytes = info.rx_bytes;
        peer.tx_bytes = info.tx_bytes;
        peer.persistent_keepalive = info.persistent_keepalive;
        peer.rate_limit = info.rate_limit;
        peer.quota = info.quota;
        peer.quota_used = info.quota_used;
        peer.path = routes_.path(info.id);
        status.peers.push_back(std::move(peer));
    }
    return status;
}

} // namespace wg
