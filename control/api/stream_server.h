// SPDX-License-Identifier: MIT
//
// Requests and answers on a Unix stream socket, whatever their language. Runs in the loop of the
// io_context; nothing a client does or leaves undone holds up the loop or another client.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <asio/io_context.hpp>
#include <sys/types.h>

#include "api/stream_client.h"
#include "base/result.h"

namespace wg {

/// A language of requests that end with a delimiter.
struct StreamProtocol {
    std::string_view delimiter; ///< ends a request, is no part of it
    std::size_t longest;        ///< bytes of a request
    /// The whole answer; nothing: there is none. Must not destroy the server.
    std::function<std::optional<std::string>(std::string_view request,
                                             const std::shared_ptr<StreamClient> &client)>
        answer;
    /// The answer to what is longer, before the connection is closed.
    std::function<std::string(std::size_t longest)> too_long;
    std::string too_many; ///< to a client that finds MAX_CLIENTS there, or MAX_GUESTS
    /// What a client is told of pushed messages that it was too slow for; unused without any.
    std::function<std::string(std::uint64_t messages)> lost;
};

class StreamServer {
  public:
    static constexpr std::size_t MAX_CLIENTS = 64;
    /// Of these, clients that may not change anything: they must not lock out those that may.
    static constexpr std::size_t MAX_GUESTS = 32;
    static constexpr std::size_t LONGEST_OF_GUESTS = 64 * 1024; ///< bytes of their requests
    static constexpr std::size_t MAX_PUSHED = 1000;             ///< messages that wait for a client

    /// Listens on `path`, mode 0600 (with a group 0660) from the moment the name exists. A socket
    /// on which nobody listens any more is replaced. EADDRINUSE: somebody does.
    static Result<std::unique_ptr<StreamServer>> listen(asio::io_context &context,
                                                        const std::filesystem::path &path,
                                                        StreamProtocol protocol,
                                                        std::optional<gid_t> group = std::nullopt);
    /// Closes every connection and removes the socket.
    ~StreamServer();
    StreamServer(const StreamServer &) = delete;
    StreamServer &operator=(const StreamServer &) = delete;

    /// The socket's file has not been deleted or replaced.
    bool has_name() const;

  private:
    class Connection;
    class Listener;
    explicit StreamServer(std::shared_ptr<Listener> listener);

    std::shared_ptr<Listener> listener_; // shared with the handlers that asio still holds
};

} // namespace wg
