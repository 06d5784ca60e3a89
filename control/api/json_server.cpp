// SPDX-License-Identifier: MIT
#include "api/json_server.h"

#include <array>
#include <set>

#include <asio/local/stream_protocol.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/write.hpp>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "api/json_rpc.h"
#include "base/fd.h"
#include "base/log.h"

namespace wg {
namespace {

using Protocol = asio::local::stream_protocol;

constexpr std::size_t READ_SIZE = 64 * 1024;
constexpr auto ACCEPT_RETRY =
    std::chrono::seconds(1); // out of descriptors or memory: both may pass

Result<sockaddr_un> address_of(const std::filesystem::path &path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.native().size() >= sizeof(address.sun_path))
        return failure(ENAMETOOLONG, "{}: longer than the {} characters of a socket's path",
                       path.native(), sizeof(address.sun_path) - 1);
    path.native().copy(address.sun_path, path.native().size());
    return address;
}

/// Bound and listening under a name of its own, then renamed: whoever sees `path` can connect to
/// it, and only root can.
Result<Fd> listen_on(const std::filesystem::path &path)
{
    struct stat present{};
    if (lstat(path.c_str(), &present) == 0 && !S_ISSOCK(present.st_mode))
        return failure(EEXIST, "{}: exists and is not a socket", path.native());
    auto fresh = path;
    fresh += ".new";
    auto address = WG_TRY(address_of(fresh));
    unlink(fresh.c_str());
    Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    // The file gets the socket's own mode when it is bound.
    if (!fd || fchmod(fd.get(), S_IRUSR | S_IWUSR) != 0 ||
        bind(fd.get(), reinterpret_cast<const sockaddr *>(&address), sizeof(address)) != 0)
        return system_failure(errno, "{}", fresh.native());
    if (::listen(fd.get(), SOMAXCONN) != 0 || rename(fresh.c_str(), path.c_str()) != 0) {
        int error = errno;
        unlink(fresh.c_str());
        return system_failure(error, "{}", path.native());
    }
    return fd;
}

} // namespace

class JsonServer::Listener : public std::enable_shared_from_this<Listener> {
  public:
    Listener(asio::io_context &context, Service &service, std::filesystem::path path)
        : acceptor_(context), retry_(context), service_(&service), path_(std::move(path))
    {
    }
    Result<> open();
    void accept();
    void close();

    /// nullptr: the server is gone, and perhaps the service.
    Service *service() const { return service_; }
    void forget(const std::shared_ptr<Connection> &connection) { connections_.erase(connection); }

  private:
    void accepted(const asio::error_code &error, Protocol::socket socket);

    Protocol::acceptor acceptor_;
    asio::steady_timer retry_;
    Service *service_;
    std::filesystem::path path_;
    std::set<std::shared_ptr<Connection>> connections_;
};

/// One client. It either reads, answers one line, or writes that answer: as long as it does not
/// take its answers nothing more is read from it, so it can make us keep one request and one
/// answer, never more.
class JsonServer::Connection : public std::enable_shared_from_this<Connection> {
  public:
    Connection(std::shared_ptr<Listener> listener, Protocol::socket socket)
        : listener_(std::move(listener)), socket_(std::move(socket))
    {
    }
    void start() { serve(); }
    void refuse(std::string_view why);
    void close();

  private:
    void read();
    void serve();
    void write(std::string response);

    std::shared_ptr<Listener> listener_;
    Protocol::socket socket_;
    std::array<char, READ_SIZE> chunk_;
    std::string received_;
    std::size_t searched_ = 0; ///< no newline before this
    std::string response_;
    bool last_ = false; ///< close after the response
};

void JsonServer::Connection::read()
{
    socket_.async_read_some(
        asio::buffer(chunk_),
        [self = shared_from_this()](const asio::error_code &error, std::size_t size) {
            if (error) {
                self->close();
                return;
            }
            self->received_.append(self->chunk_.data(), size);
            self->serve();
        });
}

void JsonServer::Connection::serve()
{
    Service *service = listener_->service();
    if (service == nullptr)
        return;
    auto newline = received_.find('\n', searched_);
    if (std::min(newline, received_.size()) > MAX_REQUEST_LINE) {
        refuse(fmt::format("request: expected a line of at most {} bytes", MAX_REQUEST_LINE));
        return;
    }
    if (newline == std::string::npos) {
        searched_ = received_.size();
        read();
        return;
    }
    auto response = answer(*service, std::string_view(received_).substr(0, newline));
    received_.erase(0, newline + 1);
    searched_ = 0;
    if (response)
        write(*std::move(response));
    else // the next line in a turn of its own: others wait too
        asio::post(socket_.get_executor(), [self = shared_from_this()] { self->serve(); });
}

void JsonServer::Connection::write(std::string response)
{
    response_ = std::move(response);
    response_ += '\n';
    asio::async_write(socket_, asio::buffer(response_),
                      [self = shared_from_this()](const asio::error_code &error, std::size_t) {
                          if (error || self->last_)
                              self->close();
                          else
                              self->serve();
                      });
}

void JsonServer::Connection::refuse(std::string_view why)
{
    last_ = true;
    write(error_response(RpcError::request, why));
}

void JsonServer::Connection::close()
{
    asio::error_code ignored;
    socket_.close(ignored);
    listener_->forget(shared_from_this());
}

Result<> JsonServer::Listener::open()
{
    Fd fd = WG_TRY(listen_on(path_));
    asio::error_code error;
    acceptor_.assign(Protocol(), fd.get(), error);
    if (error)
        return failure(error.value(), "{}: {}", path_.native(), error.message());
    fd.release();
    return {};
}

void JsonServer::Listener::accept()
{
    acceptor_.async_accept(
        [self = shared_from_this()](const asio::error_code &error, Protocol::socket socket) {
            self->accepted(error, std::move(socket));
        });
}

void JsonServer::Listener::accepted(const asio::error_code &error, Protocol::socket socket)
{
    if (service_ == nullptr)
        return;
    if (error) {
        log::warn("{}: accept: {}", path_.native(), error.message());
        retry_.expires_after(ACCEPT_RETRY);
        retry_.async_wait([self = shared_from_this()](const asio::error_code &cancelled) {
            if (!cancelled && self->service_ != nullptr)
                self->accept();
        });
        return;
    }
    bool full = connections_.size() >= MAX_CLIENTS;
    auto connection = std::make_shared<Connection>(shared_from_this(), std::move(socket));
    if (full) {
        connection->refuse(fmt::format("there are {} clients already", MAX_CLIENTS));
    } else {
        connections_.insert(connection);
        connection->start();
    }
    accept();
}

void JsonServer::Listener::close()
{
    service_ = nullptr;
    asio::error_code ignored;
    acceptor_.close(ignored);
    retry_.cancel();
    for (const auto &connection : std::exchange(connections_, {}))
        connection->close();
    unlink(path_.c_str());
}

JsonServer::JsonServer(std::shared_ptr<Listener> listener) : listener_(std::move(listener)) {}

JsonServer::~JsonServer()
{
    listener_->close();
}

Result<std::unique_ptr<JsonServer>>
JsonServer::listen(asio::io_context &context, Service &service, const std::filesystem::path &path)
{
    auto listener = std::make_shared<Listener>(context, service, path);
    WG_TRY(listener->open());
    listener->accept();
    return std::unique_ptr<JsonServer>(new JsonServer(std::move(listener)));
}

} // namespace wg
