// SPDX-License-Identifier: MIT
//
// The text forms that base/ does not have: wg(8)'s numbers, host names, interface names.
#include "api/text_form.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <limits>

#include <net/if.h>
#include <nlohmann/json.hpp>
#include <strings.h>

namespace wg {
namespace {

constexpr std::size_t MAX_QUOTED = 64;

/// The sentence is the caller's: it knows the form.
tl::unexpected<Error> malformed()
{
    return failure(EINVAL, "malformed");
}

bool is_off(std::string_view text)
{
    return text.size() == 3 && strncasecmp(text.data(), "off", 3) == 0;
}

template <typename T>
Result<T> parse_number(std::string_view digits,
                       int base = 10,
                       T min = 0,
                       T max = std::numeric_limits<T>::max())
{
    T value{};
    const char *end = digits.data() + digits.size();
    auto [stop, error] = std::from_chars(digits.data(), end, value, base);
    if (error != std::errc() || stop != end || value < min || value > max)
        return malformed();
    return value;
}

} // namespace

Result<std::uint16_t> parse_port(std::string_view text)
{
    return parse_number<std::uint16_t>(text);
}

Result<std::uint16_t> parse_persistent_keepalive(std::string_view text)
{
    if (is_off(text))
        return std::uint16_t{0};
    return parse_number<std::uint16_t>(text);
}

Result<std::uint32_t> parse_fwmark(std::string_view text)
{
    if (is_off(text))
        return std::uint32_t{0};
    if (text.starts_with("0x"))
        return parse_number<std::uint32_t>(text.substr(2), 16);
    return parse_number<std::uint32_t>(text);
}

Result<std::uint64_t> parse_byte_count(std::string_view text)
{
    static constexpr std::string_view UNITS = "KMGT";
    if (is_off(text))
        return std::uint64_t{0};
    unsigned shift = 0;
    if (!text.empty()) {
        const auto letter = std::toupper(static_cast<unsigned char>(text.back()));
        if (const auto unit = UNITS.find(static_cast<char>(letter)); unit != UNITS.npos) {
            shift = 10 * (static_cast<unsigned>(unit) + 1);
            text.remove_suffix(1);
        }
    }
    return WG_TRY(parse_number<std::uint64_t>(text, 10, 0, MAX_BYTES >> shift)) << shift;
}

Result<std::uint32_t> parse_mtu(std::string_view text)
{
    return parse_number<std::uint32_t>(text, 10, MIN_MTU, MAX_MTU);
}

Result<HostPort> parse_host_port(std::string_view text)
{
    auto colon = text.rfind(':');
    if (colon == std::string_view::npos)
        return malformed();
    auto host = text.substr(0, colon);
    auto port = WG_TRY(parse_number<std::uint16_t>(text.substr(colon + 1), 10, 1));
    bool bracketed = host.starts_with('[') && host.ends_with(']');
    if (bracketed)
        host = host.substr(1, host.size() - 2);
    else if (host.find(':') != std::string_view::npos)
        return malformed(); // an IPv6 address: which colon begins the port?
    auto is_strange = [](unsigned char c) { return c <= ' ' || c == 0x7f || c == '[' || c == ']'; };
    if (host.empty() || std::any_of(host.begin(), host.end(), is_strange))
        return malformed();
    return HostPort{std::string(host), port};
}

std::string HostPort::text() const
{
    const bool is_v6 = host.find(':') != std::string::npos;
    return is_v6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

Result<std::string> parse_interface_name(std::string_view text)
{
    // What the kernel refuses (dev_valid_name), the patterns it would expand ("wg%d"), and control
    // characters.
    auto is_refused = [](unsigned char c) {
        return c <= ' ' || c == 0x7f || c == '/' || c == ':' || c == '%';
    };
    if (text.empty() || text.size() >= IFNAMSIZ || text == "." || text == "..")
        return malformed();
    if (std::any_of(text.begin(), text.end(), is_refused))
        return malformed();
    return std::string(text);
}

namespace {

bool is_utf8(std::string_view text)
{
    try {
        (void)nlohmann::json(text).dump();
        return true;
    } catch (const nlohmann::json::type_error &) {
        return false;
    }
}

/// Of ASCII, and those that UTF-8 writes as C2 80 to C2 9F: a name is shown on terminals.
bool has_control_character(std::string_view text)
{
    unsigned char before = 0;
    for (const char each : text) {
        const auto c = static_cast<unsigned char>(each);
        if (c < ' ' || c == 0x7f || (before == 0xc2 && c < 0xa0))
            return true;
        before = c;
    }
    return false;
}

} // namespace

Result<std::string> parse_peer_name(std::string_view text)
{
    // as many characters as there are bytes that do not continue one
    const auto characters =
        std::count_if(text.begin(), text.end(), [](unsigned char c) { return (c & 0xc0) != 0x80; });
    const bool has_outer_blank = text.starts_with(' ') || text.ends_with(' ');
    if (has_outer_blank || text.find('#') != text.npos) // a configuration file would lose it
        return malformed();
    if (characters > MAX_PEER_NAME || has_control_character(text) || !is_utf8(text))
        return malformed();
    return std::string(text);
}

namespace {
constexpr std::array<std::pair<std::string_view, AttachMode>, 3> ATTACH_MODES{{
    {"auto", AttachMode::automatic},
    {"native", AttachMode::native},
    {"tc", AttachMode::tc},
}};
} // namespace

Result<AttachMode> parse_attach_mode(std::string_view text)
{
    for (const auto &[name, mode] : ATTACH_MODES) {
        if (name == text)
            return mode;
    }
    return malformed();
}

Result<bool> parse_attach_policy(std::string_view text)
{
    if (text != "auto" && text != "no")
        return malformed();
    return text == "auto";
}

std::string_view attach_mode_name(AttachMode mode)
{
    for (const auto &[name, other] : ATTACH_MODES) {
        if (other == mode)
            return name;
    }
    return "unknown";
}

std::string in_quotes(std::string_view text)
{
    if (text.empty())
        return "nothing";
    std::string shown(text.substr(0, MAX_QUOTED));
    std::replace_if(
        shown.begin(), shown.end(), [](unsigned char c) { return c < ' ' || c > '~'; }, '?');
    return fmt::format("\"{}\"{}", shown, text.size() > MAX_QUOTED ? "..." : "");
}

} // namespace wg
