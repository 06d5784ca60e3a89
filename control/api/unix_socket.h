// SPDX-License-Identifier: MIT
//
// A listening Unix socket and the name it has in the file system.
#pragma once

#include <filesystem>
#include <optional>

#include <sys/types.h>

#include "base/fd.h"
#include "base/result.h"

namespace wg {

class UnixSocket {
  public:
    UnixSocket() = default;
    /// Listens on `path`, mode 0600, or 0660 for a group that may connect, too; whoever sees the
    /// name finds somebody listening. A socket on which nobody
    /// listens any more is replaced; EADDRINUSE: somebody does.
    static Result<UnixSocket> listen(const std::filesystem::path &path,
                                     std::optional<gid_t> group = std::nullopt);

    /// The descriptor becomes the caller's; the name stays here.
    Fd take_fd() { return std::move(fd_); }
    const std::filesystem::path &path() const { return path_; }
    /// The name has not been deleted, or given to another socket.
    bool has_name() const;
    void remove_name() const;

  private:
    std::filesystem::path path_;
    dev_t device_ = 0;
    ino_t inode_ = 0;
    Fd fd_;
};

} // namespace wg
