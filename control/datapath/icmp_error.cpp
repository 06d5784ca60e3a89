// SPDX-License-Identifier: MIT
#include "datapath/icmp_error.h"

#include <algorithm>
#include <cstddef>

#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>

#include "checksum.h"

namespace wg {
namespace {

constexpr std::size_t LONGEST_V4 = 576;  // RFC 1812, 4.3.2.3
constexpr std::size_t LONGEST_V6 = 1280; // RFC 4443, 2.4 (c)
constexpr std::uint8_t HOP_LIMIT = 64;

/// One host, so that the answer reaches who has sent the packet.
bool is_host(const IpAddress &address)
{
    if (address.is_v6())
        return address.bytes[0] != 0xff && address != IpAddress::v6(std::array<std::uint8_t, 16>{});
    return address.bytes[0] != 0 && address.bytes[0] < 224;
}

bool is_error_v4(Bytes packet, std::size_t header)
{
    constexpr std::array QUERIES = {ICMP_ECHO,           ICMP_ECHOREPLY, ICMP_TIMESTAMP,
                                    ICMP_TIMESTAMPREPLY, ICMP_ADDRESS,   ICMP_ADDRESSREPLY};
    if (packet[9] != IPPROTO_ICMP)
        return false;
    return packet.size() <= header || std::ranges::find(QUERIES, packet[header]) == QUERIES.end();
}

bool may_be_told(Bytes packet, const InnerPacket &inner)
{
    if (!is_host(inner.source) || !is_host(inner.destination))
        return false;
    if (inner.source.is_v6()) {
        const bool icmp = packet[6] == IPPROTO_ICMPV6;
        return !icmp || (packet.size() > sizeof(ip6_hdr) &&
                         (packet[sizeof(ip6_hdr)] & ICMP6_INFOMSG_MASK) != 0);
    }
    const std::size_t header = (packet[0] & 15U) * 4;
    const bool first_fragment = ((packet[6] & 0x1f) | packet[7]) == 0;
    return first_fragment && !is_error_v4(packet, header);
}

Buffer error_v4(Bytes packet, const InnerPacket &inner)
{
    const std::size_t headers = sizeof(iphdr) + sizeof(icmphdr);
    const Bytes quoted = packet.first(std::min(packet.size(), LONGEST_V4 - headers));
    Buffer error(headers + quoted.size());
    std::ranges::copy(quoted, error.begin() + headers);

    icmphdr icmp{};
    icmp.type = ICMP_DEST_UNREACH;
    icmp.code = ICMP_HOST_UNREACH;
    std::memcpy(error.data() + sizeof(iphdr), &icmp, sizeof(icmp));
    __u64 sum = 0;
    checksum_add(&sum, error.data() + sizeof(iphdr), error.data() + error.size(),
                 static_cast<std::uint32_t>(error.size() - sizeof(iphdr)));
    icmp.checksum = checksum_finish(sum);
    std::memcpy(error.data() + sizeof(iphdr), &icmp, sizeof(icmp));

    iphdr ip{};
    ip.version = 4;
    ip.ihl = 5;
    ip.tos = IPTOS_PREC_INTERNETCONTROL;
    ip.tot_len = htons(static_cast<std::uint16_t>(error.size()));
    ip.ttl = HOP_LIMIT;
    ip.protocol = IPPROTO_ICMP;
    std::memcpy(&ip.saddr, inner.destination.bytes.data(), sizeof(ip.saddr));
    std::memcpy(&ip.daddr, inner.source.bytes.data(), sizeof(ip.daddr));
    ip.check = checksum_ipv4(&ip);
    std::memcpy(error.data(), &ip, sizeof(ip));
    return error;
}

Buffer error_v6(Bytes packet, const InnerPacket &inner)
{
    const std::size_t headers = sizeof(ip6_hdr) + sizeof(icmp6_hdr);
    const Bytes quoted = packet.first(std::min(packet.size(), LONGEST_V6 - headers));
    Buffer error(headers + quoted.size());
    std::ranges::copy(quoted, error.begin() + headers);

    ip6_hdr ip{};
    ip.ip6_flow = htonl(6U << 28);
    ip.ip6_plen = htons(static_cast<std::uint16_t>(error.size() - sizeof(ip)));
    ip.ip6_nxt = IPPROTO_ICMPV6;
    ip.ip6_hlim = HOP_LIMIT;
    std::ranges::copy(inner.destination.bytes, ip.ip6_src.s6_addr);
    std::ranges::copy(inner.source.bytes, ip.ip6_dst.s6_addr);
    std::memcpy(error.data(), &ip, sizeof(ip));

    icmp6_hdr icmp{};
    icmp.icmp6_type = ICMP6_DST_UNREACH;
    icmp.icmp6_code = ICMP6_DST_UNREACH_ADDR;
    std::memcpy(error.data() + sizeof(ip), &icmp, sizeof(icmp));
    __u64 sum = checksum_words(error.data() + offsetof(ip6_hdr, ip6_src), 2 * sizeof(in6_addr));
    sum += htons(IPPROTO_ICMPV6) + std::uint64_t{ip.ip6_plen};
    checksum_add(&sum, error.data() + sizeof(ip), error.data() + error.size(),
                 static_cast<std::uint32_t>(error.size() - sizeof(ip)));
    icmp.icmp6_cksum = checksum_finish(sum);
    std::memcpy(error.data() + sizeof(ip), &icmp, sizeof(icmp));
    return error;
}

} // namespace

Buffer unreachable_error(Bytes packet, const InnerPacket &inner)
{
    if (!may_be_told(packet, inner))
        return {};
    return inner.source.is_v6() ? error_v6(packet, inner) : error_v4(packet, inner);
}

} // namespace wg
