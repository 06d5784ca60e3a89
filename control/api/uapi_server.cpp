// SPDX-License-Identifier: MIT
#include "api/uapi_server.h"

#include <sys/stat.h>

namespace wg {

Result<std::unique_ptr<UapiServer>> UapiServer::listen(asio::io_context &context,
                                                       const std::filesystem::path &directory,
                                                       const std::string &name,
                                                       UapiCalls calls)
{
    if (mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST)
        return system_failure(errno, "{}", directory.native());
    StreamProtocol protocol{
        .delimiter = "\n\n",
        .longest = MAX_UAPI_REQUEST,
        .answer = [calls = std::move(calls),
                   name](std::string_view request,
                         const auto &) { return answer_uapi(calls, name, request); },
        .too_long = [](std::size_t) { return uapi_refusal(EMSGSIZE); },
        .too_many = uapi_refusal(EBUSY),
        .lost = {},
    };
    auto stream =
        WG_TRY(StreamServer::listen(context, directory / (name + ".sock"), std::move(protocol)));
    return std::unique_ptr<UapiServer>(new UapiServer(std::move(stream)));
}

} // namespace wg
