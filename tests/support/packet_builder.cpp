// SPDX-License-Identifier: MIT
#include "support/packet_builder.h"

#include <algorithm>
#include <ranges>

#include <net/ethernet.h>

#include "noise/crypto.h"

namespace wg::test {

namespace {

constexpr std::size_t UDP_HEADER = 8, UDP_CHECKSUM = 6, IPV4_HEADER = 20, IPV4_CHECKSUM = 10;
constexpr std::uint8_t NO_SUCH_PROTOCOL = 253; // RFC 3692: for experiments

void append(Buffer &to, Bytes bytes)
{
    to.insert(to.end(), bytes.begin(), bytes.end());
}

void append_be16(Buffer &to, std::size_t value)
{
    to.push_back(static_cast<std::uint8_t>(value >> 8));
    to.push_back(static_cast<std::uint8_t>(value));
}

void append_le(Buffer &to, std::uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        to.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}

void store_be16(Buffer &to, std::size_t at, std::uint16_t value)
{
    to[at] = static_cast<std::uint8_t>(value >> 8);
    to[at + 1] = static_cast<std::uint8_t>(value);
}

Bytes address_bytes(const IpAddress &address)
{
    return Bytes(address.bytes).first(address.size());
}

/* Puts one layer around what is there already. */
struct Wrap {
    Buffer inner;
    const std::variant<Ethernet, Ip, Udp, TransportData> *next =
        nullptr; ///< of which inner is made

    Buffer operator()(const Ethernet &layer) const
    {
        Buffer frame;
        append(frame, layer.destination);
        append(frame, layer.source);
        const auto *ip = next != nullptr ? std::get_if<Ip>(next) : nullptr;
        append_be16(frame, layer.type.value_or(ip != nullptr && ip->source.is_v6() ? ETHERTYPE_IPV6
                                                                                   : ETHERTYPE_IP));
        append(frame, inner);
        return frame;
    }

    Buffer operator()(const Ip &layer) const
    {
        Buffer packet = layer.source.is_v6() ? ipv6_header(layer) : ipv4_header(layer);
        append(packet, with_udp_checksum(layer));
        return packet;
    }

    Buffer operator()(const Udp &layer) const
    {
        Buffer datagram;
        append_be16(datagram, layer.source_port);
        append_be16(datagram, layer.destination_port);
        append_be16(datagram,
                    layer.length.value_or(static_cast<std::uint16_t>(UDP_HEADER + inner.size())));
        append_be16(datagram, layer.checksum.value_or(0));
        append(datagram, inner);
        return datagram;
    }

    Buffer operator()(const TransportData &layer) const
    {
        Buffer message;
        append_le(message, layer.type, 4);
        append_le(message, layer.receiver_index, 4);
        append_le(message, layer.counter, 8);
        const std::size_t header = message.size();
        message.resize(header + inner.size() + WG_TAG_SIZE);
        chacha20poly1305_seal(MutableBytes(message).subspan(header), inner, {}, layer.key,
                              layer.counter);
        return message;
    }

    Buffer ipv4_header(const Ip &layer) const
    {
        const std::size_t size = IPV4_HEADER + layer.options.size();
        Buffer header{static_cast<std::uint8_t>(0x40 | size / 4), layer.ds};
        append_be16(header, layer.length.value_or(static_cast<std::uint16_t>(size + inner.size())));
        append_be16(header, layer.id);
        append_be16(header, layer.fragment);
        header.push_back(layer.hop_limit);
        header.push_back(layer.protocol);
        append_be16(header, 0);
        append(header, address_bytes(layer.source));
        append(header, address_bytes(layer.destination));
        append(header, layer.options);
        store_be16(header, IPV4_CHECKSUM,
                   layer.checksum.value_or(checksum_field(add_words(header))));
        return header;
    }

    Buffer ipv6_header(const Ip &layer) const
    {
        Buffer header{static_cast<std::uint8_t>(0x60 | layer.ds >> 4),
                      static_cast<std::uint8_t>(layer.ds << 4), 0, 0};
        const std::size_t payload = layer.options.size() + inner.size();
        append_be16(header, layer.length.value_or(static_cast<std::uint16_t>(payload)));
        header.push_back(layer.protocol);
        header.push_back(layer.hop_limit);
        append(header, address_bytes(layer.source));
        append(header, address_bytes(layer.destination));
        append(header, layer.options);
        return header;
    }

    /* The field covers the addresses of the layer below it, so it is filled in here. */
    Buffer with_udp_checksum(const Ip &layer) const
    {
        const auto *udp = next != nullptr ? std::get_if<Udp>(next) : nullptr;
        if (udp == nullptr || udp->checksum)
            return inner;
        Buffer pseudo;
        append(pseudo, address_bytes(layer.source));
        append(pseudo, address_bytes(layer.destination));
        append_be16(pseudo, inner.size());
        append_be16(pseudo, IPPROTO_UDP);
        Buffer datagram = inner;
        const std::uint16_t field = checksum_field(add_words(datagram, add_words(pseudo)));
        store_be16(datagram, UDP_CHECKSUM, field != 0 ? field : 0xffff);
        return datagram;
    }
};

} // namespace

PacketBuilder &PacketBuilder::payload(Bytes bytes)
{
    payload_.assign(bytes.begin(), bytes.end());
    return *this;
}

Buffer PacketBuilder::build() const
{
    Wrap wrap{payload_};
    for (const auto &layer : layers_ | std::views::reverse) {
        wrap.inner = std::visit(wrap, layer);
        wrap.next = &layer;
    }
    return wrap.inner;
}

std::uint32_t add_words(Bytes bytes, std::uint32_t sum)
{
    for (std::size_t at = 0; at < bytes.size(); at += 2) {
        const unsigned low = at + 1 < bytes.size() ? bytes[at + 1] : 0;
        sum += static_cast<std::uint32_t>(bytes[at]) << 8 | low;
    }
    return sum;
}

std::uint16_t checksum_field(std::uint32_t sum)
{
    while (sum > 0xffff)
        sum = (sum >> 16) + (sum & 0xffff);
    return static_cast<std::uint16_t>(~sum);
}

Buffer inner_packet(Ip header, std::size_t size)
{
    header.protocol = NO_SUCH_PROTOCOL;
    const std::size_t header_size = header.source.is_v6() ? 40 : 20;
    Buffer payload(size - header_size);
    for (std::size_t at = 0; at < payload.size(); at++)
        payload[at] = static_cast<std::uint8_t>(at * 7 + at / 256 + 1);
    return PacketBuilder().ip(std::move(header)).payload(payload).build();
}

Buffer padded(Bytes packet, std::size_t mtu)
{
    Buffer result(packet.begin(), packet.end());
    const std::size_t aligned = (packet.size() + 15) / 16 * 16;
    result.resize(std::max(packet.size(), std::min(aligned, mtu)));
    return result;
}

} // namespace wg::test
