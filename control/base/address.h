// SPDX-License-Identifier: MIT
//
// IP addresses, prefixes and endpoints as values, with their text forms.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <sys/socket.h>

#include <wgxdp/abi.h>

#include "base/bytes.h"
#include "base/result.h"

namespace wg {

/// IPv4 or IPv6, network byte order; IPv4 uses the first 4 bytes. family 0: none.
struct IpAddress {
    sa_family_t family = AF_UNSPEC;
    std::array<std::uint8_t, 16> bytes{};

    static Result<IpAddress> parse(std::string_view text);
    static IpAddress v4(std::span<const std::uint8_t, 4> bytes);
    static IpAddress v6(std::span<const std::uint8_t, 16> bytes);

    explicit operator bool() const { return family != AF_UNSPEC; }
    bool is_v6() const { return family == AF_INET6; }
    std::size_t size() const { return is_v6() ? 16 : 4; }
    unsigned bits() const { return is_v6() ? 128 : 32; }
    /// May a peer be there? Unicast, not loopback, not zero (design.md, rule 10).
    bool is_roamable() const;
    bool is_link_local() const;
    bool is_loopback() const;
    std::string text() const;
    auto operator<=>(const IpAddress &) const = default;
};

/// An address and a prefix length; host bits are always zero.
struct Prefix {
    IpAddress address;
    std::uint8_t length = 0;

    /// "10.0.0.0/8"; without a length the whole address.
    static Result<Prefix> parse(std::string_view text);
    static Prefix of(IpAddress address, std::uint8_t length); ///< masks the host bits
    bool contains(const IpAddress &address) const;
    std::string text() const;
    auto operator<=>(const Prefix &) const = default;
};

/// An address that an interface has: host bits stay.
struct InterfaceAddress {
    IpAddress address;
    std::uint8_t length = 0;

    static Result<InterfaceAddress> parse(std::string_view text);
    std::string text() const;
    auto operator<=>(const InterfaceAddress &) const = default;
};

/// Where a peer is, and from which of our addresses it last heard us (the sticky source).
struct Endpoint {
    IpAddress address;
    std::uint16_t port = 0;
    std::uint32_t scope_id = 0;
    IpAddress source{};               ///< family 0: let the route choose
    std::uint32_t source_ifindex = 0; ///< 0: any

    /// "192.0.2.1:51820", "[2001:db8::1]:51820", "[fe80::1%2]:51820": numeric only.
    static Result<Endpoint> parse(std::string_view text);
    bool same_place(const Endpoint &other) const
    {
        return address == other.address && port == other.port && scope_id == other.scope_id;
    }
    std::string text() const;
    wg_endpoint to_abi() const; ///< address, port, scope
    static Endpoint from_abi(const wg_endpoint &endpoint);
    auto operator<=>(const Endpoint &) const = default;
};

} // namespace wg
