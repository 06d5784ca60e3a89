// SPDX-License-Identifier: MIT
//
// The configuration protocol of wg(8): one request in, one response out. No sockets in here.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "api/service.h"

namespace wg {

/// What a tunnel is asked by its socket. An error's code is what wg(8) prints.
struct UapiCalls {
    std::function<Result<TunnelStatus>()> get;
    std::function<Result<>(DeviceChange)> set;
};

/// Bytes of a request, without the empty line that ends it.
inline constexpr std::size_t MAX_UAPI_REQUEST = 64 * 1024 * 1024;

/// The response with its empty line. `name` is the tunnel's, for the log: the protocol has room for
/// a number only.
std::string answer_uapi(const UapiCalls &calls, std::string_view name, std::string_view request);

/// The response to what is not even read as a request.
std::string uapi_refusal(int error);

} // namespace wg
