// SPDX-License-Identifier: MIT
#include "api/json_server.h"

#include "api/event_hub.h"
#include "api/json_rpc.h"

namespace wg {
namespace {

std::string refusal(std::string_view why)
{
    return error_response(RpcError::request, why) + '\n';
}

} // namespace

Result<std::unique_ptr<JsonServer>> JsonServer::listen(asio::io_context &context,
                                                       Service &service,
                                                       const std::filesystem::path &path,
                                                       std::optional<gid_t> group)
{
    StreamProtocol protocol{
        .delimiter = "\n",
        .longest = MAX_REQUEST_LINE,
        .answer = [&service](std::string_view line,
                             const StreamClientPtr &client) -> std::optional<std::string> {
            auto response = answer(service, line, client);
            if (response)
                *response += '\n';
            return response;
        },
        .too_long =
            [](std::size_t longest) {
                return refusal(
                    fmt::format("request: expected a line of at most {} bytes", longest));
            },
        .too_many = refusal(fmt::format("there are {} clients already, or {} that may only read",
                                        MAX_CLIENTS, StreamServer::MAX_GUESTS)),
        .lost = EventHub::lost,
    };
    auto stream = WG_TRY(StreamServer::listen(context, path, std::move(protocol), group));
    return std::unique_ptr<JsonServer>(new JsonServer(std::move(stream)));
}

} // namespace wg
