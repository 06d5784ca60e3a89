// SPDX-License-Identifier: MIT
//
// JSON-RPC on a Unix stream socket, one object a line.
#pragma once

#include "api/service.h"
#include "api/stream_server.h"

namespace wg {

class JsonServer {
  public:
    static constexpr std::size_t MAX_CLIENTS = StreamServer::MAX_CLIENTS;

    /// Listens on `path`, for root, and a group that may read; the service must outlive the server.
    static Result<std::unique_ptr<JsonServer>> listen(asio::io_context &context,
                                                      Service &service,
                                                      const std::filesystem::path &path,
                                                      std::optional<gid_t> group = std::nullopt);

  private:
    explicit JsonServer(std::unique_ptr<StreamServer> stream) : stream_(std::move(stream)) {}

    std::unique_ptr<StreamServer> stream_;
};

} // namespace wg
