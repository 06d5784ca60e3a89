// SPDX-License-Identifier: MIT
//
// A server on a real Unix socket, its loop in a thread of its own.
#pragma once

#include <memory>
#include <thread>

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <gtest/gtest.h>

#include "base/result.h"
#include "unit/api/fake_service.h"
#include "unit/api/socket_client.h"

namespace wg::test {

template <typename Server>
class ServerTest : public testing::Test {
  protected:
    /// name: of the socket, in a directory of the test's own.
    explicit ServerTest(const std::filesystem::path &name) : path_(directory_.path() / name) {}
    ~ServerTest() override { stop(); }

    virtual Result<std::unique_ptr<Server>> listen() = 0;

    void start()
    {
        auto listening = listen();
        ASSERT_TRUE(listening) << listening.error().what;
        server_ = *std::move(listening);
        loop_ = std::thread([this] { context_.run(); });
    }

    /// The server ends in its own loop, as in the daemon; then the loop has nothing left to do.
    void stop()
    {
        if (!loop_.joinable())
            return;
        asio::post(context_, [this] { server_.reset(); });
        loop_.join();
    }

    SocketClient connect() { return SocketClient(path_); }

    TemporaryDirectory directory_;
    std::filesystem::path path_;
    FakeService service_;
    asio::io_context context_;
    std::unique_ptr<Server> server_;
    std::thread loop_;
};

} // namespace wg::test
