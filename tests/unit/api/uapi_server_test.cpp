// SPDX-License-Identifier: MIT
//
// wg(8)'s socket.
#include <fstream>
#include <thread>

#include <sys/stat.h>

#include "api/uapi_server.h"
#include "unit/api/server_test.h"

namespace wg {
namespace {

using namespace test;

constexpr unsigned PEERS = 40, PREFIXES = 1000;

/// 40 peers with 1000 prefixes each: more than any socket's buffer.
TunnelStatus large_tunnel()
{
    TunnelStatus tunnel;
    for (unsigned number = 0; number < PEERS; number++) {
        PeerStatus peer;
        peer.public_key[0] = static_cast<std::uint8_t>(number);
        for (unsigned i = 0; i < PREFIXES; i++)
            peer.allowed_ips.push_back(
                *Prefix::parse(fmt::format("fd00:{:x}:{:x}::/64", number, i)));
        tunnel.peers.push_back(std::move(peer));
    }
    return tunnel;
}

class UapiServerTest : public ServerTest<UapiServer> {
  protected:
    UapiServerTest() : ServerTest("wireguard/wg0.sock") {}

    Result<std::unique_ptr<UapiServer>> listen() override
    {
        return UapiServer::listen(context_, path_.parent_path(), "wg0",
                                  {.get = []() -> Result<TunnelStatus> { return large_tunnel(); },
                                   .set =
                                       [this](DeviceChange change) {
                                           return service_.change_tunnel(
                                               "wg0", {.device = std::move(change)});
                                       }});
    }

    /// An answer of nothing but its errno.
    static void expect_errno(SocketClient &client, const std::string &number)
    {
        EXPECT_EQ(client.line(), "errno=" + number);
        EXPECT_EQ(client.line(), "");
    }
};

TEST_F(UapiServerTest, directory_and_socket_have_their_modes_and_the_socket_goes)
{
    const auto old_mask = umask(0);
    start();
    umask(old_mask);
    struct stat present{};
    ASSERT_EQ(stat(path_.parent_path().c_str(), &present), 0);
    EXPECT_EQ(present.st_mode & 0777, 0755u);
    ASSERT_EQ(stat(path_.c_str(), &present), 0);
    EXPECT_TRUE(S_ISSOCK(present.st_mode));
    EXPECT_EQ(present.st_mode & 0777, 0600u);
    EXPECT_TRUE(server_->has_name());
    stop();
    EXPECT_TRUE(std::filesystem::is_empty(path_.parent_path()));
}

TEST_F(UapiServerTest, requests_of_one_connection_are_answered_in_order)
{
    start();
    auto client = connect();
    ASSERT_TRUE(client.send("set=1\nlisten_port=1\n\nset=1\nfoo=1\n\nset=1\nlisten"));
    expect_errno(client, "0");
    expect_errno(client, "-22");
    ASSERT_TRUE(client.send("_port=3\n"));
    ASSERT_TRUE(client.send("\n"));
    expect_errno(client, "0");
    client.finish_sending();
    EXPECT_TRUE(client.is_closed());
    stop();
    ASSERT_EQ(service_.changed.size(), 2u);
    EXPECT_EQ(service_.changed[1].listen_port, 3);
}

TEST_F(UapiServerTest, an_unfinished_request_is_not_carried_out)
{
    start();
    auto client = connect();
    ASSERT_TRUE(client.send("set=1\nlisten_port=1\n"));
    client.finish_sending();
    EXPECT_TRUE(client.is_closed());
    EXPECT_TRUE(service_.calls.empty());
}

TEST_F(UapiServerTest, a_large_tunnel_is_told_whole_while_others_are_served)
{
    start();
    auto slow = connect();
    ASSERT_TRUE(slow.send("get=1\n\n"));
    auto other = connect();
    for (int i = 0; i < 10; i++) { // the slow one's answer is longer than the kernel buffers
        ASSERT_TRUE(other.send("set=1\n\n"));
        expect_errno(other, "0");
    }
    unsigned prefixes = 0;
    std::optional<std::string> line;
    while ((line = slow.line()) && !line->empty())
        prefixes += line->starts_with("allowed_ip=");
    EXPECT_EQ(prefixes, PEERS * PREFIXES);
    EXPECT_EQ(line, "");
}

TEST_F(UapiServerTest, a_request_that_is_too_long_ends_the_connection)
{
    start();
    auto client = connect();
    ASSERT_TRUE(client.send("set=1\n" + std::string(MAX_UAPI_REQUEST, 'x')));
    expect_errno(client, "-90");
    EXPECT_TRUE(client.is_closed());
    EXPECT_TRUE(service_.calls.empty());
}

TEST_F(UapiServerTest, the_socket_of_a_dead_process_is_replaced_and_a_live_one_is_not)
{
    std::filesystem::create_directory(path_.parent_path());
    const auto address = unix_address(path_);
    Fd other(socket(AF_UNIX, SOCK_STREAM, 0));
    ASSERT_EQ(bind(other.get(), reinterpret_cast<const sockaddr *>(&address), sizeof(address)), 0);
    ASSERT_EQ(::listen(other.get(), 1), 0);
    const auto refused = listen();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code.value(), EADDRINUSE);
    EXPECT_EQ(refused.error().what, path_.native() + ": another process listens there");
    EXPECT_TRUE(connect().is_connected());
    other.close();
    EXPECT_FALSE(connect().is_connected());
    start();
    auto client = connect();
    ASSERT_TRUE(client.send("set=1\n\n"));
    expect_errno(client, "0");
}

TEST_F(UapiServerTest, a_name_that_was_deleted_or_taken_is_not_ours_to_remove)
{
    start();
    std::filesystem::remove(path_);
    EXPECT_FALSE(server_->has_name());
    std::ofstream(path_) << "precious";
    EXPECT_FALSE(server_->has_name());
    stop();
    EXPECT_TRUE(std::filesystem::exists(path_));
}

} // namespace
} // namespace wg
