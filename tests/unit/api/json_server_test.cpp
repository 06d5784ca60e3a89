// SPDX-License-Identifier: MIT
//
// The JSON-RPC server.
#include <fstream>
#include <thread>

#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "api/json_rpc.h"
#include "api/json_server.h"
#include "unit/api/server_test.h"

namespace wg {
namespace {

using namespace test;

constexpr std::string_view STATUS = R"({"jsonrpc":"2.0","id":1,"method":"status"})"
                                    "\n";

std::string detach(std::string_view nic)
{
    return fmt::format(
        R"({{"jsonrpc":"2.0","id":"{0}","method":"nic.detach","params":{{"name":"{0}"}}}})"
        "\n",
        nic);
}

std::string done(std::string_view id)
{
    return fmt::format(R"({{"id":"{}","jsonrpc":"2.0","result":{{}}}})", id);
}

class JsonServerTest : public ServerTest<JsonServer> {
  protected:
    JsonServerTest() : ServerTest("default.sock") {}

    Result<std::unique_ptr<JsonServer>> listen() override
    {
        return JsonServer::listen(context_, service_, path_);
    }
};

TEST_F(JsonServerTest, the_socket_is_for_its_owner_only_and_goes_with_the_server)
{
    const auto old_mask = umask(0);
    start();
    umask(old_mask);
    struct stat present{};
    ASSERT_EQ(stat(path_.c_str(), &present), 0);
    EXPECT_TRUE(S_ISSOCK(present.st_mode));
    EXPECT_EQ(present.st_mode & 0777, 0600u);
    stop();
    EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
}

TEST_F(JsonServerTest, two_clients_are_answered_side_by_side)
{
    start();
    auto a = connect();
    auto b = connect();
    ASSERT_TRUE(a.send(detach("a1")));
    ASSERT_TRUE(b.send(detach("b1")));
    EXPECT_EQ(b.line(), done("b1"));
    EXPECT_EQ(a.line(), done("a1"));
    ASSERT_TRUE(a.send(detach("a2")));
    EXPECT_EQ(a.line(), done("a2"));
}

TEST_F(JsonServerTest, a_line_may_come_in_pieces_and_lines_may_come_together)
{
    start();
    auto client = connect();
    auto line = detach("split");
    for (char c : line)
        ASSERT_TRUE(client.send({&c, 1}));
    EXPECT_EQ(client.line(), done("split"));
    ASSERT_TRUE(client.send(detach("x") + detach("y") + detach("z").substr(0, 20)));
    EXPECT_EQ(client.line(), done("x"));
    EXPECT_EQ(client.line(), done("y"));
    ASSERT_TRUE(client.send(detach("z").substr(20)));
    EXPECT_EQ(client.line(), done("z"));
}

TEST_F(JsonServerTest, answers_come_after_the_client_finished_sending)
{
    start();
    auto client = connect();
    ASSERT_TRUE(client.send(detach("x") + detach("y") + "unfinished"));
    client.finish_sending();
    EXPECT_EQ(client.line(), done("x"));
    EXPECT_EQ(client.line(), done("y"));
    EXPECT_TRUE(client.is_closed());
}

TEST_F(JsonServerTest, notifications_between_requests_get_no_answer)
{
    start();
    auto client = connect();
    ASSERT_TRUE(client.send(R"({"jsonrpc":"2.0","method":"nic.list"})"
                            "\n" +
                            detach("x")));
    EXPECT_EQ(client.line(), done("x"));
}

TEST_F(JsonServerTest, a_line_that_is_too_long_ends_the_connection)
{
    start();
    auto client = connect();
    ASSERT_TRUE(client.send(std::string(MAX_REQUEST_LINE + 1, ' ')));
    EXPECT_EQ(client.line(),
              R"({"error":{"code":-32600,"message":"request: expected a line of at most )"
              R"(67108864 bytes"},"id":null,"jsonrpc":"2.0"})");
    EXPECT_TRUE(client.is_closed());
}

TEST_F(JsonServerTest, a_line_of_just_the_limit_is_answered)
{
    start();
    auto client = connect();
    auto line = detach("x");
    line.insert(1, MAX_REQUEST_LINE - (line.size() - 1), ' ');
    ASSERT_TRUE(client.send(line));
    EXPECT_EQ(client.line(), done("x"));
}

TEST_F(JsonServerTest, a_client_that_does_not_read_holds_up_nobody_and_is_not_read_from)
{
    service_.padding = std::string(1 << 20, 'x');
    start();
    auto slow = connect();
    // Each answer is longer than what the kernel buffers: the server is stuck with the first one
    // and reads no further.
    std::string requests;
    for (int i = 0; i < 10000; ++i)
        requests += STATUS;
    std::size_t taken = 0;
    auto other = connect();
    for (int round = 0; round < 100; ++round) {
        taken += slow.send_what_fits(std::string_view(requests).substr(taken));
        ASSERT_TRUE(other.send(detach("other")));
        ASSERT_EQ(other.line(), done("other"));
    }
    EXPECT_LT(taken, requests.size());
    auto line = slow.line();
    ASSERT_TRUE(line);
    EXPECT_GT(line->size(), service_.padding.size());
}

TEST_F(JsonServerTest, a_client_that_leaves_in_the_middle_is_forgotten)
{
    start();
    for (std::size_t i = 0; i < 2 * JsonServer::MAX_CLIENTS; ++i) {
        auto client = connect();
        ASSERT_TRUE(client.send(detach("x")));
        ASSERT_EQ(client.line(), done("x"));
        ASSERT_TRUE(client.send("{\"half"));
    }
    auto client = connect();
    ASSERT_TRUE(client.send(detach("y")));
    EXPECT_EQ(client.line(), done("y"));
}

TEST_F(JsonServerTest, more_than_64_clients_are_turned_away)
{
    start();
    std::vector<SocketClient> clients;
    for (std::size_t i = 0; i < JsonServer::MAX_CLIENTS; ++i) {
        clients.push_back(connect());
        ASSERT_TRUE(clients.back().send(detach("x")));
        ASSERT_EQ(clients.back().line(), done("x"));
    }
    auto late = connect();
    auto line = late.line();
    ASSERT_TRUE(line);
    EXPECT_NE(line->find("there are 64 clients already"), std::string::npos) << *line;
    EXPECT_TRUE(late.is_closed());
    ASSERT_TRUE(clients.front().send(detach("still here")));
    EXPECT_TRUE(clients.front().line());
}

TEST_F(JsonServerTest, the_socket_of_a_dead_daemon_is_replaced)
{
    {
        Fd dead(socket(AF_UNIX, SOCK_STREAM, 0));
        auto address = unix_address(path_);
        ASSERT_EQ(bind(dead.get(), reinterpret_cast<const sockaddr *>(&address), sizeof(address)),
                  0);
    }
    EXPECT_FALSE(connect().is_connected());
    start();
    auto client = connect();
    ASSERT_TRUE(client.send(detach("x")));
    EXPECT_EQ(client.line(), done("x"));
}

TEST_F(JsonServerTest, a_file_that_is_no_socket_is_left_alone)
{
    std::ofstream(path_) << "precious";
    auto listening = listen();
    ASSERT_FALSE(listening);
    EXPECT_EQ(listening.error().what, path_.native() + ": exists and is not a socket");
    EXPECT_EQ(std::filesystem::file_size(path_), 8u);
}

TEST_F(JsonServerTest, a_path_that_cannot_be_listened_on_is_named)
{
    auto missing = directory_.path() / "none" / "default.sock";
    auto listening = JsonServer::listen(context_, service_, missing);
    ASSERT_FALSE(listening);
    EXPECT_EQ(listening.error().what, missing.native() + ": No such file or directory");
    auto long_path = directory_.path() / std::string(200, 'x');
    auto refused = JsonServer::listen(context_, service_, long_path);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().what, long_path.native() + ": too long for a socket's name");
}

TEST_F(JsonServerTest, connections_end_with_the_server)
{
    start();
    auto client = connect();
    ASSERT_TRUE(client.send(detach("x")));
    EXPECT_EQ(client.line(), done("x"));
    stop();
    EXPECT_TRUE(client.is_closed());
}

} // namespace
} // namespace wg
