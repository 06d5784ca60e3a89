// SPDX-License-Identifier: MIT
#include "datapath/slow_path.h"

#include <linux/if_ether.h>

#include <wgxdp/protocol.h>

#include "datapath/inner_packet.h"
#include "mss.h"
#include "noise/crypto.h"

namespace wg {

SlowPath::SlowPath(BpfDatapath &datapath, TunnelId tunnel, SlowPathPorts ports)
    : datapath_(datapath), tunnel_(tunnel), ports_(std::move(ports))
{
}

void SlowPath::receive(std::span<const Datagram> datagrams)
{
    std::vector<Buffer> frames;
    for (const Datagram &datagram : datagrams) {
        auto packet = open(datagram);
        if (!packet)
            ports_.count_drop(packet.error(), 1);
        else if (!packet->empty())
            frames.push_back(frame(*packet));
    }
    inject(frames);
}

void SlowPath::deliver(Bytes packet)
{
    const Buffer whole = frame(packet);
    inject({&whole, 1});
}

void SlowPath::inject(std::span<const Buffer> frames)
{
    const std::vector<Bytes> views(frames.begin(), frames.end());
    if (const std::size_t gone = views.empty() ? 0 : ports_.inject(views); gone < views.size())
        ports_.count_drop(WG_DROP_NOT_DELIVERED, views.size() - gone);
}

/* The inner packet; empty: a keepalive. */
tl::expected<Buffer, wg_drop_reason> SlowPath::open(const Datagram &datagram)
{
    if (datagram.bytes.size() < WG_TRANSPORT_OVERHEAD)
        return tl::unexpected(WG_DROP_BAD_LENGTH);
    const auto header = load<wg_transport_data>(datagram.bytes.first(sizeof(wg_transport_data)));
    const auto keypair = datapath_.find_index(header.receiver_index);
    const Session *session = keypair ? datapath_.find_session(*keypair) : nullptr;
    if (session == nullptr || session->tunnel != tunnel_)
        return tl::unexpected(WG_DROP_UNKNOWN_INDEX);
    const PeerId peer = session->peer;
    const Bytes sealed = datagram.bytes.subspan(sizeof(header));
    Buffer payload(sealed.size() - WG_TAG_SIZE);
    if (!chacha20poly1305_open(payload, sealed, {}, session->receive_key, header.counter))
        return tl::unexpected(WG_DROP_BAD_TAG);
    const auto drop = datapath_.accept_counter(
        *keypair, header.counter, static_cast<std::uint32_t>(payload.size()), datagram.from);
    if (drop != WG_DROP_NONE)
        return tl::unexpected(drop);
    if (payload.empty())
        return payload;
    return check_inner(peer, std::move(payload), datagram.ecn);
}

tl::expected<Buffer, wg_drop_reason>
SlowPath::check_inner(PeerId peer, Buffer payload, std::uint8_t outer_ecn)
{
    const auto inner = parse_inner(payload);
    if (!inner)
        return tl::unexpected(inner.error());
    if (datapath_.lookup_allowed_ip(tunnel_, inner->source) != peer)
        return tl::unexpected(WG_DROP_INNER_SOURCE);
    payload.resize(inner->length);
    ecn_decapsulate(payload, outer_ecn);
    clamp_mss(payload, peer);
    return payload;
}

void SlowPath::clamp_mss(MutableBytes packet, PeerId peer) const
{
    mss_clamp(packet.data(), packet.data() + packet.size(),
              static_cast<std::uint32_t>(datapath_.path_mtu(peer)));
}

Buffer SlowPath::frame(Bytes packet) const
{
    const auto tunnel = datapath_.tunnel(tunnel_).value_or(wg_tunnel{});
    const std::uint16_t protocol = packet[0] >> 4 == 4 ? ETH_P_IP : ETH_P_IPV6;
    Buffer frame;
    frame.reserve(ETH_HLEN + packet.size());
    frame.insert(frame.end(), std::begin(tunnel.wg0_mac), std::end(tunnel.wg0_mac));
    frame.insert(frame.end(), std::begin(tunnel.wg0x_mac), std::end(tunnel.wg0x_mac));
    frame.push_back(static_cast<std::uint8_t>(protocol >> 8));
    frame.push_back(static_cast<std::uint8_t>(protocol));
    frame.insert(frame.end(), packet.begin(), packet.end());
    return frame;
}

bool SlowPath::send(PeerId peer, KeypairId keypair, Bytes packet)
{
    const Session *session = datapath_.find_session(keypair);
    const auto endpoint = datapath_.endpoint_of(peer);
    if (session == nullptr || !endpoint) {
        ports_.count_drop(session == nullptr ? WG_DROP_NO_STATE : WG_DROP_NO_ENDPOINT, 1);
        return true;
    }
    const std::size_t mtu = datapath_.tunnel(tunnel_).value_or(wg_tunnel{}).mtu;
    const std::size_t padded = packet.empty() ? 0 : padded_length(packet.size(), mtu);
    const auto counter = datapath_.take_counter(keypair, static_cast<std::uint32_t>(padded));
    if (!counter) {
        if (counter.error() == WG_DROP_SEND_LIMIT || counter.error() == WG_DROP_KEYPAIR_EXPIRED)
            return false;
        ports_.count_drop(counter.error(), 1);
        return true;
    }

    Buffer message(sizeof(wg_transport_data) + padded + WG_TAG_SIZE);
    const wg_transport_data header{WG_TRANSPORT_DATA, session->remote_index, *counter};
    std::memcpy(message.data(), &header, sizeof(header));
    const MutableBytes sealed = MutableBytes(message).subspan(sizeof(header));
    std::ranges::copy(packet, sealed.begin());
    clamp_mss(sealed.first(packet.size()), peer);
    chacha20poly1305_seal(sealed, sealed.first(padded), {}, session->send_key, *counter);
    const auto inner = parse_inner(packet);
    OutgoingDatagram datagram{*endpoint, message,
                              ecn_encapsulate(inner ? inner->ecn : std::uint8_t{0})};
    ports_.send({&datagram, 1});
    if (datagram.error != 0)
        ports_.count_drop(WG_DROP_SEND_FAILED, 1);
    return true;
}

} // namespace wg
