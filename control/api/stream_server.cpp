// SPDX-License-Identifier: MIT
#include "api/stream_server.h"

#include <algorithm>
#include <array>
#include <deque>
#include <set>

#include <asio/local/stream_protocol.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/write.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include "api/unix_socket.h"
#include "base/log.h"

namespace wg {
namespace {

using Protocol = asio::local::stream_protocol;

constexpr std::size_t READ_SIZE = 64 * 1024;
constexpr std::size_t LARGE = 1024 * 1024; // worth giving back after a request
constexpr auto ACCEPT_RETRY =
    std::chrono::seconds(1); // out of descriptors or memory: both may pass

/// Of the process that connected, as the kernel remembers it.
bool is_privileged(int socket)
{
    ucred peer{};
    socklen_t size = sizeof(peer);
    return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == 0 || peer.uid == geteuid());
}

} // namespace

class StreamServer::Listener : public std::enable_shared_from_this<Listener> {
  public:
    Listener(asio::io_context &context, StreamProtocol protocol)
        : acceptor_(context), retry_(context), protocol_(std::move(protocol))
    {
    }
    Result<> open(const std::filesystem::path &path, std::optional<gid_t> group);
    void accept();
    void close();
    bool has_name() const { return socket_.has_name(); }

    /// The server is gone, and perhaps what its protocol speaks of.
    bool is_closed() const { return closed_; }
    const StreamProtocol &protocol() const { return protocol_; }
    void forget(const std::shared_ptr<Connection> &connection) { connections_.erase(connection); }

  private:
    void accepted(const asio::error_code &error, Protocol::socket socket);

    Protocol::acceptor acceptor_;
    asio::steady_timer retry_;
    StreamProtocol protocol_;
    UnixSocket socket_;
    bool closed_ = false;
    std::set<std::shared_ptr<Connection>> connections_;
};

/// One client. It either reads, answers one request, or writes that answer: as long as it does not
/// take its answers nothing more is read from it, so it can make us keep one request, one answer
/// and MAX_PUSHED messages, never more.
class StreamServer::Connection : public StreamClient,
                                 public std::enable_shared_from_this<Connection> {
  public:
    Connection(std::shared_ptr<Listener> listener, Protocol::socket socket)
        : listener_(std::move(listener)), socket_(std::move(socket)),
          may_change_(is_privileged(socket_.native_handle()))
    {
    }
    bool may_change() const override { return may_change_; }
    void start() { serve(); }
    void refuse(std::string why);
    void close();
    void push(std::string message) override;

  private:
    struct Outgoing {
        std::string bytes;
        bool is_answer;
    };

    void read();
    void serve();
    void write(std::string bytes, bool is_answer);
    void flush();
    void flushed();

    std::shared_ptr<Listener> listener_;
    Protocol::socket socket_;
    bool may_change_;
    std::array<char, READ_SIZE> chunk_;
    std::string received_;
    std::size_t searched_ = 0;      ///< no delimiter begins before this
    std::deque<Outgoing> outgoing_; ///< the first one is being written
    std::uint64_t lost_ = 0;        ///< messages there was no room for
    bool last_ = false;             ///< close after what is outgoing
};

void StreamServer::Connection::read()
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

void StreamServer::Connection::serve()
{
    if (listener_->is_closed())
        return;
    const StreamProtocol &protocol = listener_->protocol();
    const auto end = received_.find(protocol.delimiter, searched_);
    const auto longest =
        may_change_ ? protocol.longest : std::min(protocol.longest, LONGEST_OF_GUESTS);
    if (std::min(end, received_.size()) > longest) {
        refuse(protocol.too_long(longest));
        return;
    }
    if (end == std::string::npos) {
        searched_ = received_.size() - std::min(received_.size(), protocol.delimiter.size() - 1);
        read();
        return;
    }
    auto response = protocol.answer(std::string_view(received_).substr(0, end), shared_from_this());
    received_.erase(0, end + protocol.delimiter.size());
    if (end > LARGE)
        received_.shrink_to_fit();
    searched_ = 0;
    if (response)
        write(*std::move(response), true);
    else // the next request in a turn of its own: others wait too
        asio::post(socket_.get_executor(), [self = shared_from_this()] { self->serve(); });
}

/* Once something is lost, all is until the client has read what waits: then it is told of the gap
 * where the gap is. */
void StreamServer::Connection::push(std::string message)
{
    if (last_ || lost_ > 0 || outgoing_.size() >= MAX_PUSHED)
        ++lost_;
    else
        write(std::move(message), false);
}

void StreamServer::Connection::write(std::string bytes, bool is_answer)
{
    outgoing_.push_back({std::move(bytes), is_answer});
    if (outgoing_.size() == 1)
        flush();
}

void StreamServer::Connection::flush()
{
    asio::async_write(socket_, asio::buffer(outgoing_.front().bytes),
                      [self = shared_from_this()](const asio::error_code &error, std::size_t) {
                          if (error)
                              self->close();
                          else
                              self->flushed();
                      });
}

void StreamServer::Connection::flushed()
{
    const bool is_answer = outgoing_.front().is_answer;
    outgoing_.pop_front();
    if (is_answer && last_) {
        close();
        return;
    }
    if (outgoing_.empty() && lost_ > 0)
        outgoing_.push_back({listener_->protocol().lost(std::exchange(lost_, 0)), false});
    if (!outgoing_.empty())
        flush();
    if (is_answer)
        serve();
}

void StreamServer::Connection::refuse(std::string why)
{
    last_ = true;
    write(std::move(why), true);
}

void StreamServer::Connection::close()
{
    asio::error_code ignored;
    socket_.close(ignored);
    listener_->forget(shared_from_this());
}

Result<> StreamServer::Listener::open(const std::filesystem::path &path, std::optional<gid_t> group)
{
    socket_ = WG_TRY(UnixSocket::listen(path, group));
    Fd fd = socket_.take_fd();
    asio::error_code error;
    acceptor_.assign(Protocol(), fd.get(), error);
    if (error)
        return failure(error.value(), "{}: {}", path.native(), error.message());
    fd.release();
    return {};
}

void StreamServer::Listener::accept()
{
    acceptor_.async_accept(
        [self = shared_from_this()](const asio::error_code &error, Protocol::socket socket) {
            self->accepted(error, std::move(socket));
        });
}

void StreamServer::Listener::accepted(const asio::error_code &error, Protocol::socket socket)
{
    if (closed_)
        return;
    if (error) {
        log::warn("{}: accept: {}", socket_.path().native(), error.message());
        retry_.expires_after(ACCEPT_RETRY);
        retry_.async_wait([self = shared_from_this()](const asio::error_code &cancelled) {
            if (!cancelled && !self->closed_)
                self->accept();
        });
        return;
    }
    auto connection = std::make_shared<Connection>(shared_from_this(), std::move(socket));
    const auto guests = static_cast<std::size_t>(
        std::ranges::count_if(connections_, [](const auto &each) { return !each->may_change(); }));
    if (connections_.size() >= MAX_CLIENTS || (!connection->may_change() && guests >= MAX_GUESTS)) {
        connection->refuse(protocol_.too_many);
    } else {
        connections_.insert(connection);
        connection->start();
    }
    accept();
}

void StreamServer::Listener::close()
{
    closed_ = true;
    asio::error_code ignored;
    acceptor_.close(ignored);
    retry_.cancel();
    for (const auto &connection : std::exchange(connections_, {}))
        connection->close();
    socket_.remove_name();
}

StreamServer::StreamServer(std::shared_ptr<Listener> listener) : listener_(std::move(listener)) {}

StreamServer::~StreamServer()
{
    listener_->close();
}

Result<std::unique_ptr<StreamServer>> StreamServer::listen(asio::io_context &context,
                                                           const std::filesystem::path &path,
                                                           StreamProtocol protocol,
                                                           std::optional<gid_t> group)
{
    auto listener = std::make_shared<Listener>(context, std::move(protocol));
    WG_TRY(listener->open(path, group));
    listener->accept();
    return std::unique_ptr<StreamServer>(new StreamServer(std::move(listener)));
}

bool StreamServer::has_name() const
{
    return listener_->has_name();
}

} // namespace wg
