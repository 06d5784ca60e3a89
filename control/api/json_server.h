// SPDX-License-Identifier: MIT
//
// JSON-RPC on a Unix stream socket, one object a line. Runs in the loop of the io_context; nothing
// a client does or leaves undone holds up the loop or another client.
#pragma once

#include <filesystem>
#include <memory>

#include <asio/io_context.hpp>

#include "api/service.h"
#include "base/result.h"

namespace wg {

class JsonServer {
  public:
    static constexpr std::size_t MAX_CLIENTS = 64;

    /// Listens on `path`, mode 0600 from the moment the name exists. A socket that stands there
    /// already is replaced: the caller holds the instance's lock, so nobody listens on it.
    static Result<std::unique_ptr<JsonServer>>
    listen(asio::io_context &context, Service &service, const std::filesystem::path &path);
    /// Closes every connection and removes the socket.
    ~JsonServer();
    JsonServer(const JsonServer &) = delete;
    JsonServer &operator=(const JsonServer &) = delete;

  private:
    class Connection;
    class Listener;
    explicit JsonServer(std::shared_ptr<Listener> listener);

    std::shared_ptr<Listener> listener_; // shared with the handlers that asio still holds
};

} // namespace wg
