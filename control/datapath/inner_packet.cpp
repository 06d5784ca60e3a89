// SPDX-License-Identifier: MIT
#include "datapath/inner_packet.h"

#include <algorithm>

#include <wgxdp/protocol.h>

namespace wg {

namespace {

constexpr std::uint8_t ECN_MASK = 3, ECN_NOT_ECT = 0, ECN_ECT_1 = 1, ECN_ECT_0 = 2, ECN_CE = 3;
constexpr std::size_t IPV4_HEADER = 20, IPV6_HEADER = 40;

std::uint16_t load_be16(Bytes packet, std::size_t at)
{
    return static_cast<std::uint16_t>(packet[at] << 8 | packet[at + 1]);
}

void store_be16(MutableBytes packet, std::size_t at, std::uint32_t value)
{
    packet[at] = static_cast<std::uint8_t>(value >> 8);
    packet[at + 1] = static_cast<std::uint8_t>(value);
}

/* RFC 1624, equation 3, for the header word that holds the ECN bits */
void update_ipv4_checksum(MutableBytes packet, std::uint16_t before, std::uint16_t after)
{
    std::uint32_t sum = static_cast<std::uint16_t>(~load_be16(packet, 10));
    sum += static_cast<std::uint16_t>(~before);
    sum += after;
    sum = (sum >> 16) + (sum & 0xffff);
    sum += sum >> 16;
    store_be16(packet, 10, ~sum & 0xffff);
}

/* The inner ECN field after the outer one has arrived: RFC 6040, figure 4 */
std::uint8_t ecn_after(std::uint8_t inner, std::uint8_t outer)
{
    if (inner == ECN_NOT_ECT)
        return inner;
    return outer == ECN_CE || (outer == ECN_ECT_1 && inner == ECN_ECT_0) ? outer : inner;
}

} // namespace

tl::expected<InnerPacket, wg_drop_reason> parse_inner(Bytes packet)
{
    InnerPacket inner;
    if (packet.size() < IPV4_HEADER)
        return tl::unexpected(WG_DROP_INNER_LENGTH);
    std::size_t length = 0;
    if (packet[0] >> 4 == 4) {
        length = load_be16(packet, 2);
        if (length < IPV4_HEADER)
            return tl::unexpected(WG_DROP_INNER_LENGTH);
        inner.ecn = packet[1] & ECN_MASK;
        inner.source = IpAddress::v4(packet.subspan(12).first<4>());
        inner.destination = IpAddress::v4(packet.subspan(16).first<4>());
    } else if (packet[0] >> 4 == 6) {
        if (packet.size() < IPV6_HEADER)
            return tl::unexpected(WG_DROP_INNER_LENGTH);
        length = IPV6_HEADER + load_be16(packet, 4);
        inner.ecn = packet[1] >> 4 & ECN_MASK;
        inner.source = IpAddress::v6(packet.subspan(8).first<16>());
        inner.destination = IpAddress::v6(packet.subspan(24).first<16>());
    } else {
        return tl::unexpected(WG_DROP_INNER_VERSION);
    }
    if (length > packet.size())
        return tl::unexpected(WG_DROP_INNER_LENGTH);
    inner.length = static_cast<std::uint16_t>(length);
    return inner;
}

std::uint8_t ecn_encapsulate(std::uint8_t inner_ecn)
{
    return inner_ecn == ECN_CE ? ECN_ECT_0 : inner_ecn;
}

void ecn_decapsulate(MutableBytes packet, std::uint8_t outer_ecn)
{
    const bool v4 = packet[0] >> 4 == 4;
    const std::uint8_t inner_ecn = (v4 ? packet[1] : packet[1] >> 4) & ECN_MASK;
    const int changed = inner_ecn ^ ecn_after(inner_ecn, outer_ecn);
    if (changed == 0)
        return;
    const std::uint16_t before = load_be16(packet, 0);
    packet[1] = static_cast<std::uint8_t>(packet[1] ^ (v4 ? changed : changed << 4));
    if (v4)
        update_ipv4_checksum(packet, before, load_be16(packet, 0));
}

std::size_t padded_length(std::size_t length, std::size_t mtu)
{
    const std::size_t last = mtu != 0 && length > mtu ? length % mtu : length;
    const std::size_t aligned = (last + WG_PADDING - 1) / WG_PADDING * WG_PADDING;
    return length - last + (mtu == 0 ? aligned : std::min(aligned, std::max(mtu, last)));
}

} // namespace wg
