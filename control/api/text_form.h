// SPDX-License-Identifier: MIT
//
// How each kind of value is written as text, and what people are told when it is not: configuration
// files, JSON and the command line share these forms, so they share their words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "api/service.h"
#include "base/address.h"
#include "base/encoding.h"
#include "base/prefix_difference.h"
#include "base/result.h"
#include "base/secret.h"

namespace wg {

template <typename T>
struct TextForm {
    std::string_view expected; ///< what stands after "expected"
    Result<T> (*parse)(std::string_view text);
    bool secret = false; ///< an error must not repeat the text
};

/// Where a peer is, before anybody was asked for its address.
struct HostPort {
    std::string host; ///< a name or a numeric address, without brackets
    std::uint16_t port = 0;

    std::string text() const; ///< "vpn.example.org:51820", "[2001:db8::1]:51820"
};
inline constexpr std::size_t MAX_PLACES = 8; // where one peer may be

Result<std::uint16_t> parse_port(std::string_view text);
Result<std::uint16_t> parse_persistent_keepalive(std::string_view text);
Result<std::uint32_t> parse_fwmark(std::string_view text);
/// "1500", "10K", "10M", "5G", "2T": by 1024, as they are shown.
Result<std::uint64_t> parse_byte_count(std::string_view text);
Result<std::uint32_t> parse_mtu(std::string_view text);
Result<bool> parse_attach_policy(std::string_view text);
Result<HostPort> parse_host_port(std::string_view text);
Result<std::string> parse_interface_name(std::string_view text);
/// Words in UTF-8; nothing: no name.
Result<std::string> parse_peer_name(std::string_view text);
Result<AttachMode> parse_attach_mode(std::string_view text);
std::string_view attach_mode_name(AttachMode mode);

inline constexpr std::ptrdiff_t MAX_PEER_NAME = 64;    // characters
inline constexpr std::uint64_t MAX_BYTES = 1ULL << 53; // what every JSON can tell exactly
inline constexpr std::uint32_t MIN_MTU = 68;           // IPv4's smallest
inline constexpr std::uint32_t MAX_MTU = 65535 - 80;   // a veth's largest, less what WireGuard adds

inline constexpr TextForm<std::uint16_t> LISTEN_PORT{"0 to 65535", parse_port};
inline constexpr TextForm<std::uint16_t> PERSISTENT_KEEPALIVE{"0 to 65535 seconds or off",
                                                              parse_persistent_keepalive};
inline constexpr TextForm<std::uint32_t> FWMARK{"0 to 4294967295, 0x hex or off", parse_fwmark};
inline constexpr TextForm<bool> ATTACH_POLICY{"auto or no", parse_attach_policy};
inline constexpr TextForm<std::uint64_t> BYTE_COUNT{
    "bytes up to 8192T like 1500, 64K, 10M, 5G or 1T, or off", parse_byte_count};
inline constexpr TextForm<std::uint32_t> MTU{"68 to 65455", parse_mtu};
inline constexpr TextForm<PrefixTerm> ALLOWED_IP{
    "an IP prefix like 10.0.0.0/8, or !10.1.0.0/16 to leave one out", PrefixTerm::parse};
inline constexpr TextForm<InterfaceAddress> ADDRESS{"an IP address like 10.0.0.1/24",
                                                    InterfaceAddress::parse};
inline constexpr TextForm<Endpoint> ENDPOINT{
    "a numeric address and port like 192.0.2.1:51820 or [2001:db8::1]:51820", Endpoint::parse};
inline constexpr TextForm<HostPort> HOST_PORT{
    "HOST:PORT like vpn.example.org:51820 or [2001:db8::1]:51820", parse_host_port};
inline constexpr TextForm<std::string> INTERFACE_NAME{
    "an interface name of 1 to 15 characters without spaces, '/', ':' or '%'",
    parse_interface_name};
inline constexpr TextForm<std::string> PEER_NAME{
    "a name of up to 64 characters of UTF-8, none of them '#' or a control character, and without "
    "outer blanks",
    parse_peer_name};
inline constexpr TextForm<AttachMode> ATTACH_MODE{"auto, native or tc", parse_attach_mode};
inline constexpr TextForm<Key> SECRET_KEY{"a key of 44 base64 characters", parse_key_base64, true};
// A private key pasted into the wrong line must not end up in a log either.
inline constexpr TextForm<PublicKey> PUBLIC_KEY{"a key of 44 base64 characters",
                                                parse_public_key_base64, true};

/// Wrong input as an error shows it: in quotes, short, printable; "nothing" when it is empty.
std::string in_quotes(std::string_view text);

/// Puts the place in front of the sentence.
template <typename T>
Result<T> at(std::string_view place, Result<T> result)
{
    if (!result)
        result.error().what = fmt::format("{}: {}", place, result.error().what);
    return result;
}

/// The value, or "expected an IP prefix like 10.0.0.0/8, got "10.0.0.0/99"".
template <typename T>
Result<T> read_text(const TextForm<T> &form, std::string_view text)
{
    auto value = form.parse(text);
    if (value)
        return value;
    if (text.empty() || !form.secret)
        return failure(EINVAL, "expected {}, got {}", form.expected, in_quotes(text));
    return failure(EINVAL, "expected {}", form.expected);
}

} // namespace wg
