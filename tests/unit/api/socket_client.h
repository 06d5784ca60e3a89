// SPDX-License-Identifier: MIT
//
// A directory for sockets that goes away again, and a client that gives up instead of hanging a
// test.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "base/fd.h"

namespace wg::test {

class TemporaryDirectory {
  public:
    TemporaryDirectory()
    {
        char name[] = "/tmp/wgxdp-test-XXXXXX";
        path_ = mkdtemp(name);
    }
    ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
    TemporaryDirectory(const TemporaryDirectory &) = delete;
    TemporaryDirectory &operator=(const TemporaryDirectory &) = delete;
    const std::filesystem::path &path() const { return path_; }

  private:
    std::filesystem::path path_;
};

inline sockaddr_un unix_address(const std::filesystem::path &path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.native().copy(address.sun_path, sizeof(address.sun_path) - 1);
    return address;
}

class SocketClient {
  public:
    explicit SocketClient(const std::filesystem::path &path)
        : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        const timeval deadline{240, 0}; // 64 MiB of JSON take a while under sanitizers
        setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline));
        setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof(deadline));
        auto address = unix_address(path);
        connected_ =
            connect(fd_.get(), reinterpret_cast<const sockaddr *>(&address), sizeof(address)) == 0;
    }

    bool is_connected() const { return connected_; }

    bool send(std::string_view text)
    {
        while (!text.empty()) {
            auto size = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
            if (size <= 0)
                return false;
            text.remove_prefix(static_cast<std::size_t>(size));
        }
        return true;
    }

    /// As much as the kernel takes without waiting.
    std::size_t send_what_fits(std::string_view text)
    {
        auto size = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        return size < 0 ? 0 : static_cast<std::size_t>(size);
    }

    void finish_sending() { shutdown(fd_.get(), SHUT_WR); }

    /// A line without its newline; nothing when the connection ended or nothing came in time.
    std::optional<std::string> line()
    {
        while (received_.find('\n') == std::string::npos) {
            char chunk[65536];
            auto size = recv(fd_.get(), chunk, sizeof(chunk), 0);
            if (size <= 0)
                return std::nullopt;
            received_.append(chunk, static_cast<std::size_t>(size));
        }
        auto end = received_.find('\n');
        auto line = received_.substr(0, end);
        received_.erase(0, end + 1);
        return line;
    }

    /// Closed by the other side (and not merely silent until the deadline).
    bool is_closed()
    {
        char byte;
        auto size = recv(fd_.get(), &byte, 1, 0);
        return size == 0 || (size < 0 && errno == ECONNRESET);
    }

  private:
    Fd fd_;
    bool connected_ = false;
    std::string received_;
};

} // namespace wg::test
