// SPDX-License-Identifier: MIT
#include "unit/device/network.h"

#include <algorithm>

namespace wg::test {

namespace {

constexpr Duration WAKE_UP = std::chrono::microseconds(20); // from the bell to the daemon

Kind kind_of(Bytes message)
{
    switch (message[0]) {
    case WG_HANDSHAKE_INITIATION:
        return Kind::initiation;
    case WG_HANDSHAKE_RESPONSE:
        return Kind::response;
    default:
        return Kind::cookie;
    }
}

} // namespace

void Network::run_until(Instant end)
{
    for (Instant next = next_step(); next <= end; next = next_step()) {
        clock.instant = std::max(clock.instant, next);
        if (!actions_.empty() && actions_.top().when <= clock.instant) {
            auto action = actions_.top().run;
            actions_.pop();
            action();
        } else {
            for (Host *host : hosts)
                host->step();
        }
    }
    clock.instant = std::max(clock.instant, end);
}

Instant Network::next_step()
{
    Instant next = actions_.empty() ? NEVER : actions_.top().when;
    for (Host *host : hosts)
        next = std::min(next, host->next_step());
    return next;
}

void Network::send(Datagram datagram)
{
    datagram.sent_at = clock.instant;
    datagram.from = datagram.sender->endpoint;
    log.push_back(datagram);
    for (Duration delay : route(datagram))
        at(clock.instant + delay, [this, datagram] { deliver(datagram); });
}

void Network::deliver(const Datagram &datagram)
{
    for (Host *host : hosts)
        if (host->endpoint.same_place(datagram.to))
            host->receive(datagram);
}

std::vector<Instant> Network::times(const Host &host, Kind kind) const
{
    std::vector<Instant> times;
    for (const Datagram &datagram : log)
        if (datagram.sender == &host && datagram.kind == kind)
            times.push_back(datagram.sent_at);
    return times;
}

const Datagram &Network::last(const Host &host, Kind kind) const
{
    auto found = std::find_if(log.rbegin(), log.rend(), [&host, kind](const Datagram &datagram) {
        return datagram.sender == &host && datagram.kind == kind;
    });
    return *found;
}

Host::Host(Network &its_network, const std::string &address, std::uint64_t seed)
    : network(its_network), endpoint(endpoint_at(address)), random(seed),
      private_key(generate_private_key(random)), public_key(derive_public_key(private_key)),
      datapath(its_network.clock)
{
    datapath.message_sent = [this](const Endpoint &to, Bytes message, std::uint8_t ds) {
        network.send({.kind = kind_of(message),
                      .sender = this,
                      .to = to,
                      .message = Buffer(message.begin(), message.end()),
                      .ds = ds});
    };
    datapath.data_sent = [this](const Endpoint &to, const DataMessage &message) {
        const Kind kind = message.packet.empty() ? Kind::keepalive : Kind::data;
        network.send({.kind = kind, .sender = this, .to = to, .data = message});
    };
    network.hosts.push_back(this);
    make_device();
}

void Host::make_device()
{
    device = std::make_unique<Device>(datapath, random);
    device->endpoint_changed = [this](PeerId peer) { endpoint_changes.push_back(peer); };
    DeviceChange change;
    change.private_key = private_key.clone();
    apply(std::move(change));
}

void Host::restart()
{
    std::vector<AdoptedPeer> left;
    for (const PeerInfo &peer : device->peers())
        left.push_back(datapath.left_behind(peer.id));
    make_device();
    datapath.events.clear();
    for (AdoptedPeer &peer : left)
        require(device->adopt(std::move(peer), now()).has_value(), "a peer is not adopted");
    device->up(now());
}

PeerId Host::add_peer(const Host &other, bool with_endpoint)
{
    PeerChange change = change_of(other);
    if (with_endpoint)
        change.endpoint = other.endpoint;
    apply_to_peer(std::move(change));
    return peer_of(other);
}

void Host::apply_to_peer(PeerChange change)
{
    DeviceChange request;
    request.peers.push_back(std::move(change));
    apply(std::move(request));
}

void Host::set_keepalive(const Host &other, std::uint16_t seconds)
{
    PeerChange change = change_of(other);
    change.persistent_keepalive = seconds;
    apply_to_peer(std::move(change));
}

void Host::transmit(const Host &to, std::uint32_t number)
{
    const PeerId peer = peer_of(to);
    const Bytes packet = bytes_of(number);

    if (!datapath.transmit(peer, packet))
        device->send(peer, packet, now());
}

void Host::receive(const Datagram &datagram)
{
    Endpoint from = datagram.from;
    from.source = endpoint.address;
    from.source_ifindex = 7;
    if (datagram.kind != Kind::data && datagram.kind != Kind::keepalive) {
        device->receive(datagram.message, from, now());
        return;
    }
    if (const auto packet = datapath.receive(datagram.data, from); packet && !packet->empty())
        delivered.push_back(load<std::uint32_t>(*packet));
}

Instant Host::next_step()
{
    if (!datapath.events.empty() && !ring_due_)
        ring_due_ = network.clock.instant + WAKE_UP;
    return std::min(device->next_deadline(), ring_due_.value_or(NEVER));
}

void Host::step()
{
    if (ring_due_ && *ring_due_ <= network.clock.instant) {
        ring_due_.reset();
        while (!datapath.events.empty()) {
            const wg_event event = datapath.events.front();
            datapath.events.pop_front();
            device->event(event, now());
        }
    }
    if (device->next_deadline() <= network.clock.instant) {
        const Now then = now();
        require(device->advance(then) > then.instant, "advance() leaves work that is due");
    }
}

TwoHosts::TwoHosts()
{
    a.add_peer(b);
    b.add_peer(a);
    a.device->up(network.clock.now());
    b.device->up(network.clock.now());
}

void TwoHosts::connect()
{
    a.transmit(b, 0);
    network.settle();
    ASSERT_EQ(b.delivered, std::vector<std::uint32_t>{0});
    ASSERT_NE(b.published(a).current, 0U);
}

void TwoHosts::converse(Duration duration)
{
    const Instant end = network.clock.instant + duration;
    for (std::uint32_t number = 100; network.clock.instant < end; ++number) {
        a.transmit(b, number);
        b.transmit(a, number);
        network.run_for(1s);
    }
}

} // namespace wg::test
