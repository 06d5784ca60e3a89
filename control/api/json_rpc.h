// SPDX-License-Identifier: MIT
//
// JSON-RPC 2.0 over a Service: one line with a request or a batch in, one response line out. No
// sockets in here.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/service.h"
#include "api/stream_client.h"

namespace wg {

/// Bytes of a request line, without its newline: as many peers as the maps hold, with all their
/// fields.
inline constexpr std::size_t MAX_REQUEST_LINE = 64 * 1024 * 1024;

enum class RpcError : int {
    parse = -32700,
    request = -32600,
    method = -32601,
    params = -32602,
    refused = -32000,   ///< understood, but the service would not
    forbidden = -32001, ///< understood, but not for this client
};

using StreamClientPtr = std::shared_ptr<StreamClient>;

/// The response without a newline; nothing for a notification, or a batch of nothing else.
/// `client`: who asks; nullptr: nobody who could be told events.
std::optional<std::string>
answer(Service &service, std::string_view line, const StreamClientPtr &client = nullptr);

/// An error response that answers no request in particular.
std::string error_response(RpcError code, std::string_view message);

} // namespace wg
