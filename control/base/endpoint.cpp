// SPDX-License-Identifier: MIT
//
// Endpoints: "address:port" with brackets around IPv6, and the form that the BPF programs know.
#include <algorithm>
#include <charconv>

#include <arpa/inet.h>
#include <net/if.h>

#include "base/address.h"

namespace wg {
namespace {

template <typename Number>
bool parse_decimal(std::string_view digits, Number &number)
{
    const auto *end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, number);
    return error == std::errc() && stop == end;
}

/// An ifindex, or the name of an interface that exists now; 0: neither.
std::uint32_t parse_scope(std::string_view text)
{
    std::uint32_t ifindex = 0;
    if (parse_decimal(text, ifindex))
        return ifindex;
    return text.find('\0') == text.npos ? if_nametoindex(std::string(text).c_str()) : 0;
}

Result<> parse_scoped_v6(std::string_view text, Endpoint &endpoint)
{
    const auto percent = text.find('%');
    endpoint.address = WG_TRY(IpAddress::parse(text.substr(0, percent)));
    if (!endpoint.address.is_v6())
        return failure(EINVAL, "[{}]: expected an IPv6 address in the brackets", text);
    if (percent == text.npos)
        return {};
    // The kernel reports a scope for link-local sources only: any other would never compare equal.
    if (!endpoint.address.is_link_local())
        return failure(EINVAL, "[{}]: expected a scope on link-local addresses only", text);
    endpoint.scope_id = parse_scope(text.substr(percent + 1));
    if (endpoint.scope_id == 0)
        return failure(EINVAL, "[{}]: expected an interface after '%'", text);
    return {};
}

} // namespace

Result<Endpoint> Endpoint::parse(std::string_view text)
{
    Endpoint endpoint;
    const auto colon = text.rfind(':');
    const auto host = text.substr(0, colon);
    if (colon == text.npos || host.empty())
        return failure(EINVAL, "{}: expected address:port", text);
    if (host.front() == '[' && host.back() == ']') {
        WG_TRY(parse_scoped_v6(host.substr(1, host.size() - 2), endpoint));
    } else {
        endpoint.address = WG_TRY(IpAddress::parse(host));
        if (endpoint.address.is_v6())
            return failure(EINVAL, "{}: expected brackets around the IPv6 address", text);
    }
    if (!parse_decimal(text.substr(colon + 1), endpoint.port) || endpoint.port == 0)
        return failure(EINVAL, "{}: expected a port of 1 to 65535", text);
    return endpoint;
}

std::string Endpoint::text() const
{
    if (!address.is_v6())
        return fmt::format("{}:{}", address.text(), port);
    if (scope_id != 0)
        return fmt::format("[{}%{}]:{}", address.text(), scope_id, port);
    return fmt::format("[{}]:{}", address.text(), port);
}

wg_endpoint Endpoint::to_abi() const
{
    wg_endpoint abi{};
    std::copy(address.bytes.begin(), address.bytes.end(), abi.address);
    abi.port = htons(port);
    abi.family = address.family;
    abi.scope_id = scope_id;
    return abi;
}

Endpoint Endpoint::from_abi(const wg_endpoint &abi)
{
    Endpoint endpoint;
    endpoint.address.family = abi.family;
    std::copy(std::begin(abi.address), std::end(abi.address), endpoint.address.bytes.begin());
    endpoint.port = ntohs(abi.port);
    endpoint.scope_id = abi.scope_id;
    return endpoint;
}

} // namespace wg
