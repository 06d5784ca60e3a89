// SPDX-License-Identifier: MIT
//
// Runs command lines against a daemon that is a FakeService behind a real socket.
#pragma once

#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <thread>

#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include "api/json_server.h"
#include "tools/cli.h"
#include "unit/api/fake_service.h"
#include "unit/api/socket_client.h"

namespace wg::test {

/// A JsonServer with a loop of its own.
class FakeDaemon {
  public:
    FakeDaemon(FakeService &service, const std::filesystem::path &socket)
    {
        auto listening = JsonServer::listen(context_, service, socket);
        if (!listening)
            throw std::runtime_error(listening.error().what);
        server_ = *std::move(listening);
        loop_ = std::thread([this] { context_.run(); });
    }
    ~FakeDaemon()
    {
        asio::post(context_, [this] { server_.reset(); });
        loop_.join();
    }
    FakeDaemon(const FakeDaemon &) = delete;
    FakeDaemon &operator=(const FakeDaemon &) = delete;

  private:
    asio::io_context context_;
    std::unique_ptr<JsonServer> server_;
    std::thread loop_;
};

/// Remembers what was run instead of running it.
class FakePrograms final : public Programs {
  public:
    FakePrograms() : Programs(said_) {}
    bool has(const std::string &program) const override { return programs.contains(program); }

    std::set<std::string> programs{"nft", "resolvconf"};
    std::map<std::string, std::string> answers; ///< to questions, by their words
    std::vector<std::string> acts;              ///< what would have changed something
    std::string failing;                        ///< an act that begins so fails

  protected:
    Result<Outcome> run(const Command &command) override
    {
        const auto line = fmt::format("{}", fmt::join(command.words, " "));
        if (command.asks) {
            const auto answer = answers.find(line);
            return Outcome{.output = answer == answers.end() ? "" : answer->second};
        }
        acts.push_back(line);
        if (!command.input.empty())
            acts.push_back(command.input);
        return Outcome{.status = !failing.empty() && line.starts_with(failing) ? 1 : 0};
    }

  private:
    std::ostringstream said_;
};

class CliTest : public testing::Test {
  protected:
    CliTest() { service_.pid = getpid(); } // it is asked only in its own network namespace

    struct Outcome {
        int status = 0;
        std::string out;
        std::string err;
    };

    Outcome run(std::vector<std::string> arguments, const std::string &input = "")
    {
        std::istringstream in(input);
        std::ostringstream out;
        std::ostringstream err;
        Environment environment{
            .in = in,
            .out = out,
            .err = err,
            .run_directory = directory_.path(),
            .config_directories = {directory_.path() / "first", directory_.path() / "second"},
            .daemon_directory = directory_.path() / "bin",
            .wall_clock = [] { return WallTime(std::chrono::seconds(1'700'000'063)); },
            .programs = programs_,
            .is_root = is_root_,
        };
        int status = run_cli(environment, std::move(arguments));
        return {status, out.str(), err.str()};
    }

    /// What a command that must fail says, without the program's name.
    std::string complaint(std::vector<std::string> arguments, const std::string &input = "")
    {
        auto outcome = run(std::move(arguments), input);
        EXPECT_EQ(outcome.status, 1);
        EXPECT_EQ(outcome.out, "");
        EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
        EXPECT_EQ(outcome.err.substr(0, 7), "wgxdp: ");
        return outcome.err.substr(7, outcome.err.size() - 8);
    }

    void expect_silent_success(std::vector<std::string> arguments)
    {
        auto outcome = run(std::move(arguments));
        EXPECT_EQ(outcome.status, 0) << outcome.err;
        EXPECT_EQ(outcome.out + outcome.err, "");
    }

    std::string write_file(const std::string &name, const std::string &text)
    {
        auto path = directory_.path() / name;
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path) << text;
        std::filesystem::permissions(path, std::filesystem::perms(0600)); // nobody is warned
        return path;
    }

    std::filesystem::path socket_path() const { return directory_.path() / "default.sock"; }

    TemporaryDirectory directory_;
    FakeService service_;
    FakePrograms programs_;
    bool is_root_ = true;
};

} // namespace wg::test
