// SPDX-License-Identifier: MIT
#include "api/resolve.h"

#include <memory>

#include <netdb.h>
#include <netinet/in.h>

namespace wg {
namespace {

Result<Endpoint> endpoint_from(const sockaddr &address)
{
    Endpoint endpoint;
    if (address.sa_family == AF_INET) {
        auto v4 = load<sockaddr_in>(
            {reinterpret_cast<const std::uint8_t *>(&address), sizeof(sockaddr_in)});
        endpoint.address = IpAddress::v4(std::span<const std::uint8_t, 4>(bytes_of(v4.sin_addr)));
        endpoint.port = ntohs(v4.sin_port);
    } else if (address.sa_family == AF_INET6) {
        auto v6 = load<sockaddr_in6>(
            {reinterpret_cast<const std::uint8_t *>(&address), sizeof(sockaddr_in6)});
        endpoint.address = IpAddress::v6(std::span<const std::uint8_t, 16>(bytes_of(v6.sin6_addr)));
        endpoint.port = ntohs(v6.sin6_port);
        endpoint.scope_id = v6.sin6_scope_id;
    } else {
        return failure(EAFNOSUPPORT, "neither an IPv4 nor an IPv6 address");
    }
    return endpoint;
}

} // namespace

Result<std::vector<Endpoint>> resolve_all(const HostPort &place)
{
    addrinfo hints{};
    hints.ai_socktype = SOCK_DGRAM;
    hints.ai_protocol = IPPROTO_UDP;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo *found = nullptr;
    int error = getaddrinfo(place.host.c_str(), std::to_string(place.port).c_str(), &hints, &found);
    if (error == EAI_SYSTEM)
        return system_failure(errno, "cannot resolve {}", in_quotes(place.host));
    if (error != 0)
        return failure(error == EAI_AGAIN ? EAGAIN : EHOSTUNREACH, "cannot resolve {}: {}",
                       in_quotes(place.host), gai_strerror(error));
    std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);
    std::vector<Endpoint> all;
    for (const addrinfo *each = found; each != nullptr; each = each->ai_next)
        all.push_back(WG_TRY(at(in_quotes(place.host), endpoint_from(*each->ai_addr))));
    return all;
}

Result<Endpoint> resolve(const HostPort &place)
{
    return WG_TRY(resolve_all(place)).front();
}

} // namespace wg
