// SPDX-License-Identifier: MIT
//
// The socket by which wg(8) shows and configures one tunnel.
#pragma once

#include "api/stream_server.h"
#include "api/uapi.h"

namespace wg {

class UapiServer {
  public:
    /// Listens on DIRECTORY/NAME.sock, and makes the directory when there is none. EADDRINUSE:
    /// another process does. `calls` is first used when the loop runs again.
    static Result<std::unique_ptr<UapiServer>> listen(asio::io_context &context,
                                                      const std::filesystem::path &directory,
                                                      const std::string &name,
                                                      UapiCalls calls);

    /// False: the socket's file was deleted.
    bool has_name() const { return stream_->has_name(); }

  private:
    explicit UapiServer(std::unique_ptr<StreamServer> stream) : stream_(std::move(stream)) {}

    std::unique_ptr<StreamServer> stream_;
};

} // namespace wg
