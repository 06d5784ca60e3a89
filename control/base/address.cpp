// SPDX-License-Identifier: MIT
//
// Addresses and prefixes: text forms as inet_ntop(3) and wg(8) write them, and what an address may
// be used for.
#include "base/address.h"

#include <algorithm>
#include <charconv>

#include <arpa/inet.h>

namespace wg {
namespace {

bool starts_with(const IpAddress &address, std::initializer_list<std::uint8_t> start)
{
    return std::equal(start.begin(), start.end(), address.bytes.begin());
}

bool is_v4_mapped(const IpAddress &address)
{
    return address.is_v6() && starts_with(address, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff});
}

bool is_unspecified(const IpAddress &address)
{
    if (!address.is_v6())
        return address.bytes[0] == 0; // 0.0.0.0/8, "this network"
    return address.bytes == decltype(address.bytes){};
}

bool is_multicast(const IpAddress &address)
{
    return address.is_v6() ? address.bytes[0] == 0xff : (address.bytes[0] & 0xf0) == 0xe0;
}

bool is_broadcast(const IpAddress &address)
{
    return !address.is_v6() && starts_with(address, {255, 255, 255, 255});
}

struct AddressAndLength {
    IpAddress address;
    std::uint8_t length;
};

/// "address/length", or "address" for all of its bits.
Result<AddressAndLength> parse_address_and_length(std::string_view text)
{
    const auto slash = text.find('/');
    const auto address = WG_TRY(IpAddress::parse(text.substr(0, slash)));
    auto length = static_cast<std::uint8_t>(address.bits());
    if (slash != text.npos) {
        const auto digits = text.substr(slash + 1);
        const auto *end = digits.data() + digits.size();
        const auto [stop, error] = std::from_chars(digits.data(), end, length);
        if (error != std::errc() || stop != end || length > address.bits())
            return failure(EINVAL, "{}: expected a prefix length of 0 to {}", text, address.bits());
    }
    return AddressAndLength{address, length};
}

} // namespace

Result<IpAddress> IpAddress::parse(std::string_view text)
{
    IpAddress address;
    address.family = text.find(':') == text.npos ? AF_INET : AF_INET6;
    // inet_pton would stop at a zero inside the text and take what stands before it.
    if (text.find('\0') != text.npos ||
        inet_pton(address.family, std::string(text).c_str(), address.bytes.data()) != 1)
        return failure(EINVAL, "{}: expected an IPv4 or IPv6 address", text);
    return address;
}

IpAddress IpAddress::v4(std::span<const std::uint8_t, 4> bytes)
{
    IpAddress address;
    address.family = AF_INET;
    std::copy(bytes.begin(), bytes.end(), address.bytes.begin());
    return address;
}

IpAddress IpAddress::v6(std::span<const std::uint8_t, 16> bytes)
{
    IpAddress address;
    address.family = AF_INET6;
    std::copy(bytes.begin(), bytes.end(), address.bytes.begin());
    return address;
}

bool IpAddress::is_roamable() const
{
    return family != AF_UNSPEC && !is_unspecified(*this) && !is_loopback() &&
           !is_multicast(*this) && !is_broadcast(*this) && !is_v4_mapped(*this);
}

bool IpAddress::is_link_local() const
{
    if (is_v6())
        return bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
    return family == AF_INET && starts_with(*this, {169, 254});
}

bool IpAddress::is_loopback() const
{
    if (is_v6())
        return bytes == decltype(bytes){0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    return family == AF_INET && bytes[0] == 127;
}

std::string IpAddress::text() const
{
    if (family == AF_UNSPEC)
        return "(none)";
    char buffer[INET6_ADDRSTRLEN];
    return inet_ntop(family, bytes.data(), buffer, sizeof(buffer));
}

Result<Prefix> Prefix::parse(std::string_view text)
{
    const auto [address, length] = WG_TRY(parse_address_and_length(text));
    return of(address, length);
}

Prefix Prefix::of(IpAddress address, std::uint8_t length)
{
    for (std::size_t i = 0; i < address.bytes.size(); ++i) {
        const int kept = std::clamp(length - static_cast<int>(8 * i), 0, 8);
        address.bytes[i] = static_cast<std::uint8_t>(address.bytes[i] & (0xff00 >> kept));
    }
    return {address, length};
}

bool Prefix::contains(const IpAddress &other) const
{
    return other.family == address.family && of(other, length).address == address;
}

std::string Prefix::text() const
{
    return fmt::format("{}/{}", address.text(), length);
}

Result<InterfaceAddress> InterfaceAddress::parse(std::string_view text)
{
    const auto [address, length] = WG_TRY(parse_address_and_length(text));
    return InterfaceAddress{address, length};
}

std::string InterfaceAddress::text() const
{
    return fmt::format("{}/{}", address.text(), length);
}

} // namespace wg
