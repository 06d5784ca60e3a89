// SPDX-License-Identifier: MIT
//
// Builds frames layer by layer, outermost first:
// PacketBuilder().ethernet(..).ip(..).udp(..).payload(..).build(). Lengths and checksums are right
// unless a field says otherwise; checksums and cipher are not the programs' own code.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include <netinet/in.h>

#include <wgxdp/protocol.h>

#include "base/address.h"
#include "base/bytes.h"
#include "base/secret.h"

namespace wg::test {

using Mac48 = std::array<std::uint8_t, 6>;

struct Ethernet {
    Mac48 destination{};
    Mac48 source{};
    std::optional<std::uint16_t> type{}; ///< as the next layer says
};

/// IPv4 or IPv6, as the addresses are. What a family does not have is left out.
struct Ip {
    IpAddress source{};
    IpAddress destination{};
    std::uint8_t ds = 0;
    std::uint8_t hop_limit = 64;
    std::uint8_t protocol = IPPROTO_UDP;
    std::uint16_t id = 0;
    std::uint16_t fragment = 0;            ///< flags and offset
    Buffer options{};                      ///< of IPv4, a multiple of 4; or extension headers
    std::optional<std::uint16_t> length{}; ///< tot_len or payload_len
    std::optional<std::uint16_t> checksum{};
};

struct Udp {
    std::uint16_t source_port = 0;
    std::uint16_t destination_port = 0;
    std::optional<std::uint16_t> length{};
    std::optional<std::uint16_t> checksum{};
};

/// Seals what comes after it.
struct TransportData {
    std::uint32_t receiver_index = 0;
    std::uint64_t counter = 0;
    const Key &key;
    std::uint32_t type = WG_TRANSPORT_DATA; ///< the three reserved bytes too
};

class PacketBuilder {
  public:
    PacketBuilder &ethernet(Ethernet layer) { return add(layer); }
    PacketBuilder &ip(Ip layer) { return add(std::move(layer)); }
    PacketBuilder &udp(Udp layer) { return add(layer); }
    PacketBuilder &transport_data(TransportData layer) { return add(layer); }
    PacketBuilder &payload(Bytes bytes);
    [[nodiscard]] Buffer build() const;

  private:
    using Layer = std::variant<Ethernet, Ip, Udp, TransportData>;

    template <typename T>
    PacketBuilder &add(T layer)
    {
        layers_.emplace_back(std::move(layer));
        return *this;
    }

    std::vector<Layer> layers_;
    Buffer payload_;
};

/// RFC 1071 over 16-bit words, most significant byte first; `sum` continues an earlier one.
[[nodiscard]] std::uint32_t add_words(Bytes bytes, std::uint32_t sum = 0);
[[nodiscard]] std::uint16_t checksum_field(std::uint32_t sum);

/// An IP packet of exactly this size: header, then bytes that differ from place to place.
[[nodiscard]] Buffer inner_packet(Ip header, std::size_t size);
/// With zeros up to a multiple of 16, but not beyond the MTU.
[[nodiscard]] Buffer padded(Bytes packet, std::size_t mtu);

} // namespace wg::test
