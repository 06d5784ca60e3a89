// SPDX-License-Identifier: MIT
//
// One connection to the daemon's socket.
#pragma once

#include <filesystem>
#include <string>

#include "api/fields.h"
#include "base/fd.h"
#include "base/result.h"

namespace wg {

class Client {
  public:
    /// The error's code is ENOENT or ECONNREFUSED when no daemon listens.
    static Result<Client> connect(const std::filesystem::path &socket);

    /// The result of a method, or what the daemon says against it.
    Result<Json> ask(std::string_view method, Json params);

  private:
    explicit Client(Fd fd) : fd_(std::move(fd)) {}
    Result<> send(std::string_view text);
    Result<std::string> receive_line();

    Fd fd_;
};

} // namespace wg
