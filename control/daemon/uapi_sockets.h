// SPDX-License-Identifier: MIT
//
// The tunnels' sockets for wg(8), all in one directory, and the watch over their files.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "api/uapi_server.h"
#include "net/read_watch.h"

namespace wg {

class UapiSockets {
  public:
    /// `on_deleted` hears of a socket whose file was deleted by somebody else; it is closed then.
    UapiSockets(asio::io_context &io, std::function<void(const std::string &name)> on_deleted)
        : io_(io), on_deleted_(std::move(on_deleted))
    {
    }

    Result<> open(const std::string &name, UapiCalls calls);
    /// Removes the file too.
    void close(const std::string &name) { sockets_.erase(name); }

  private:
    Result<> watch();
    void look_for_deleted();

    asio::io_context &io_;
    std::function<void(const std::string &name)> on_deleted_;
    std::map<std::string, std::unique_ptr<UapiServer>> sockets_;
    ReadWatch changes_; ///< of the directory
};

} // namespace wg
