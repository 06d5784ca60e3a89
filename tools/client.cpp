// SPDX-License-Identifier: MIT
#include "tools/client.h"

#include <array>

#include <sys/socket.h>
#include <sys/un.h>

namespace wg {
namespace {

Result<Json> result_of(const std::string &line)
{
    try {
        auto response = Json::parse(line);
        if (auto error = response.find("error"); error != response.end())
            return failure(EREMOTEIO, "{}", error->at("message").get<std::string>());
        return std::move(response.at("result"));
    } catch (const Json::exception &) {
        return failure(EPROTO, "the daemon's answer is not JSON-RPC");
    }
}

} // namespace

Result<Client> Client::connect(const std::filesystem::path &socket)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket.native().size() >= sizeof(address.sun_path))
        return failure(ENAMETOOLONG, "{}: longer than a socket's path may be", socket.native());
    socket.native().copy(address.sun_path, socket.native().size());
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd ||
        ::connect(fd.get(), reinterpret_cast<const sockaddr *>(&address), sizeof(address)) != 0)
        return system_failure(errno, "{}", socket.native());
    return Client(std::move(fd));
}

Result<Json> Client::ask(std::string_view method, Json params)
{
    Json request{{"jsonrpc", "2.0"}, {"id", 1}, {"method", method}, {"params", std::move(params)}};
    auto text = request.dump(-1, ' ', false, Json::error_handler_t::replace);
    // A daemon that refuses a line as too long hangs up on it, and has said why.
    auto sent = send(text + '\n');
    auto line = receive_line();
    if (!line)
        return tl::unexpected(sent ? std::move(line).error() : std::move(sent).error());
    return result_of(*line);
}

Result<> Client::send(std::string_view text)
{
    while (!text.empty()) {
        auto size = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0)
            return system_failure(errno, "cannot send to the daemon");
        text.remove_prefix(static_cast<std::size_t>(size));
    }
    return {};
}

Result<std::string> Client::receive_line()
{
    std::string line;
    std::array<char, 64 * 1024> chunk;
    while (true) {
        auto size = ::recv(fd_.get(), chunk.data(), chunk.size(), 0);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0)
            return system_failure(errno, "cannot hear the daemon");
        if (size == 0)
            return failure(ECONNRESET, "the daemon closed the connection without an answer");
        line.append(chunk.data(), static_cast<std::size_t>(size));
        if (line.back() == '\n') {
            line.pop_back();
            return line;
        }
    }
}

} // namespace wg
