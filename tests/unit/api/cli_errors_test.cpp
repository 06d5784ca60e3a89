// SPDX-License-Identifier: MIT
//
// Command lines that fail: one sentence, exit status 1, nothing done.
#include <gtest/gtest.h>

#include "unit/api/cli_fixture.h"

namespace wg {
namespace {

using namespace test;

const std::string GOOD = fmt::format("[Interface]\nPrivateKey={}\n", PRIVATE_KEY);

class CliErrors : public CliTest {
  protected:
    ~CliErrors() override { EXPECT_TRUE(service_.calls.empty()); }

    FakeDaemon daemon_{service_, socket_path()};
};

TEST_F(CliErrors, a_wrong_command_line_is_explained)
{
    struct Case {
        std::vector<std::string> arguments;
        std::string expected;
    };
    const Case CASES[] = {
        {{}, "a command or an interface is required (see wgxdp --help)"},
        {{"shwo", "wg0"}, "\"shwo\" is not a command (see wgxdp --help)"},
        {{"shwo", "--show-keys"}, "\"shwo\" is not a command (see wgxdp --help)"},
        {{"peer", "list"}, "\"list\" is not a command (see wgxdp --help)"},
        {{"show", "wg0", "wg1"},
         "FIELD: expected one of public-key, private-key, listen-port, fwmark, peers, "
         "preshared-keys, endpoints, allowed-ips, latest-handshakes, transfer, "
         "persistent-keepalive, dump, got \"wg1\""},
        {{"show", "wg0", "peers", "x"}, "\"x\" was not expected (see wgxdp --help)"},
        {{"wg0", "show"}, "\"wg0\" was not expected (see wgxdp --help)"},
        {{"wg/0"},
         "INTERFACE: expected an interface name of 1 to 15 characters without spaces, '/', ':' or "
         "'%', got \"wg/0\""},
        {{"up"}, "CONFIG is required (see wgxdp --help)"},
        {{"attach"}, "NIC is required (see wgxdp --help)"},
        {{"show", "--all"}, "The following argument was not expected: --all (see wgxdp --help)"},
        {{"attach", "eth0", "--mode", "xdp"}, "--mode: expected auto, native or tc, got \"xdp\""},
        {{"attach", "a/b"},
         "NIC: expected an interface name of 1 to 15 characters without spaces, '/', ':' or '%', "
         "got \"a/b\""},
        {{"--instance", "../x", "show"},
         "--instance: expected 1 to 64 letters, digits, '-', '_' or '.', got \"../x\""},
        {{"peer", "add", "wg0", "key"}, "public_key: expected a key of 44 base64 characters"},
        {{"peer", "add", "wg0", PEER_A, "--allowed-ips", "10.0.0.0/8,x"},
         "allowed_ips[1]: expected an IP prefix like 10.0.0.0/8, or !10.1.0.0/16 to leave one out, "
         "got \"x\""},
        {{"peer", "add", "wg0", PEER_A, "--endpoint", "host"},
         "--endpoint: expected HOST:PORT like vpn.example.org:51820 or [2001:db8::1]:51820, got "
         "\"host\""},
        {{"peer", "add", "wg0", PEER_A, "--endpoint", "192.0.2.1:9,"},
         "--endpoint: expected HOST:PORT like vpn.example.org:51820 or [2001:db8::1]:51820, got "
         "nothing"},
        {{"peer", "add", "wg0", PEER_A, "--endpoint", ""},
         "--endpoint: expected HOST:PORT, got nothing (see wgxdp --help)"},
        {{"peer", "add", "wg0", PEER_A, "--name", "a#b"},
         "--name: expected a name of up to 64 characters of UTF-8, none of them '#' or a control "
         "character, and without outer blanks, got \"a#b\""},
        {{"peer", "add", "wg0", PEER_A, "--persistent-keepalive", "65536"},
         "--persistent-keepalive: expected 0 to 65535 seconds or off, got \"65536\""},
        {{"peer", "add", "wg0", PEER_A, "--preshared-key", "/nonexistent"},
         "--preshared-key: /nonexistent: No such file or directory"},
        {{"peer", "add", "wg0", PEER_A, "--preshared-key", "/"}, // not an empty one, which clears
         "--preshared-key: /: Is a directory"},
        {{"show", "wg9"}, "there is no tunnel \"wg9\""},
        {{"down", "wg9"}, "there is no tunnel \"wg9\""},
    };
    for (const Case &c : CASES)
        EXPECT_EQ(complaint(c.arguments), c.expected);
}

TEST_F(CliErrors, a_wrong_file_is_explained)
{
    auto wrong = write_file("wg0.conf", GOOD + "ListenPort=x\n");
    EXPECT_EQ(complaint({"up", wrong}),
              wrong + ": line 3: ListenPort: expected 0 to 65535, got \"x\"");
    auto unknown_host = write_file(
        "wg1.conf",
        GOOD + fmt::format("[Peer]\nPublicKey={}\nEndpoint=nowhere.invalid:1\n", PEER_A));
    auto what = complaint({"up", unknown_host});
    auto start = unknown_host + ": line 5: Endpoint: cannot resolve \"nowhere.invalid\": ";
    EXPECT_EQ(what.substr(0, start.size()), start);
    EXPECT_EQ(complaint({"up", directory_.path() / "no.conf"}),
              (directory_.path() / "no.conf").native() + ": No such file or directory");
    std::filesystem::create_directory(directory_.path() / "dir.conf");
    EXPECT_EQ(complaint({"up", directory_.path() / "dir.conf"}),
              (directory_.path() / "dir.conf").native() + ": Is a directory");
    EXPECT_EQ(complaint({"up", "wg9"}),
              fmt::format("wg9: there is neither {0}/first/wg9.conf nor {0}/second/wg9.conf",
                          directory_.path().native()));
    for (const char *command : {"reload", "save"})
        EXPECT_EQ(complaint({command, "wg0"}),
                  fmt::format("wg0: there is neither {0}/first/wg0.conf nor {0}/second/wg0.conf",
                              directory_.path().native()));
    EXPECT_EQ(complaint({"down", directory_.path() / "no.conf"}),
              (directory_.path() / "no.conf").native() + ": No such file or directory");
    EXPECT_EQ(complaint({"up", write_file("$(reboot).conf", GOOD)}),
              "name: expected a name of letters, digits, '_', '=', '+', '.' and '-', got "
              "\"$(reboot)\"");
    EXPECT_EQ(complaint({"up", write_file("lo.conf", GOOD)}), "`lo' already exists");
    EXPECT_EQ(complaint({"up", write_file("a-name-that-is-too-long.conf", GOOD)}),
              "name: expected an interface name of 1 to 15 characters without spaces, '/', ':' or "
              "'%', got \"a-name-that-is-too-long\"");
}

TEST_F(CliErrors, what_the_daemon_refuses_is_passed_on)
{
    service_.refusal = "wg0: exists already";
    EXPECT_EQ(complaint({"up", write_file("wg0.conf", GOOD)}), "wg0: exists already");
    EXPECT_EQ(complaint({"down", "wg0"}), "wg0: exists already");
    EXPECT_EQ(complaint({"attach", "eth0"}), "wg0: exists already");
    EXPECT_EQ(complaint({"peer", "remove", "wg0", PEER_A}), "wg0: exists already");
}

TEST_F(CliErrors, are_told_as_json_too)
{
    const std::pair<std::vector<std::string>, std::string> CASES[] = {
        {{"show", "wg9", "--json"}, "there is no tunnel \"wg9\""},
        {{"peer", "add", "--json", "wg0", "key"},
         "public_key: expected a key of 44 base64 characters"},
        {{"up", "--json"}, "CONFIG is required (see wgxdp --help)"},
        {{"shwo", "--json"}, "\"shwo\" is not a command (see wgxdp --help)"},
    };
    for (const auto &[arguments, expected] : CASES) {
        const auto outcome = run(arguments);
        EXPECT_EQ(outcome.status, 1);
        EXPECT_EQ(outcome.out, "");
        EXPECT_EQ(Json::parse(outcome.err), (Json{{"error", expected}}));
    }
}

TEST_F(CliErrors, a_wrong_private_key_on_standard_input_is_not_repeated)
{
    EXPECT_EQ(complaint({"pubkey"}, "secret\n"),
              "standard input: expected a key of 44 base64 characters");
    EXPECT_EQ(complaint({"pubkey"}, ""),
              "standard input: expected a key of 44 base64 characters, got nothing");
    EXPECT_EQ(complaint({"pubkey"}, std::string(PRIVATE_KEY) + " x"),
              "standard input: expected a key of 44 base64 characters");
}

class CliWithoutDaemon : public CliTest {
  protected:
    void install_daemon(const std::string &script)
    {
        auto path = write_file("bin/wgxdpd", "#!/bin/sh\n" + script);
        std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    }
};

TEST_F(CliWithoutDaemon, commands_that_do_not_start_one_say_that_none_runs)
{
    const std::vector<std::string> COMMANDS[] = {
        {"show"},
        {"down", "wg0"},
        {"detach", "eth0"},
        {"drops"},
        {"peer", "add", "wg0", PEER_A},
        {"peer", "remove", "wg0", PEER_A},
    };
    for (const auto &command : COMMANDS)
        EXPECT_EQ(complaint(command), "no daemon runs for instance \"default\": `wgxdp up` and "
                                      "`wgxdp attach` start one");
}

TEST_F(CliWithoutDaemon, only_root_starts_one)
{
    is_root_ = false;
    EXPECT_EQ(complaint({"attach", "eth0"}),
              "no daemon runs, and only root can start one: try sudo");
    EXPECT_EQ(complaint({"up", write_file("wg0.conf", GOOD)}),
              "no daemon runs, and only root can start one: try sudo");
}

TEST_F(CliWithoutDaemon, a_daemon_that_does_not_start_is_reported)
{
    EXPECT_EQ(complaint({"attach", "eth0"}),
              "wgxdpd: found neither in " + (directory_.path() / "bin").native() + " nor in PATH");
    install_daemon("exit 3\n");
    EXPECT_EQ(complaint({"attach", "eth0"}), "wgxdpd did not start: exit status 3");
    install_daemon("kill -9 $$\n");
    EXPECT_EQ(complaint({"attach", "eth0"}), "wgxdpd did not start: killed by signal 9");
}

TEST_F(CliWithoutDaemon, a_wrong_file_starts_no_daemon)
{
    auto trace = directory_.path() / "started";
    install_daemon("touch " + trace.native() + "\n");
    complaint({"up", write_file("wg0.conf", GOOD + "ListenPort=x\n")});
    complaint({"attach", "eth0", "--mode", "xdp"});
    EXPECT_FALSE(std::filesystem::exists(trace));
}

TEST_F(CliWithoutDaemon, a_daemon_that_hangs_up_is_reported)
{
    Fd listener(socket(AF_UNIX, SOCK_STREAM, 0));
    auto address = unix_address(socket_path());
    ASSERT_EQ(bind(listener.get(), reinterpret_cast<const sockaddr *>(&address), sizeof(address)),
              0);
    ASSERT_EQ(listen(listener.get(), 1), 0);
    for (const auto &[reply, expected] :
         {std::pair{"", "the daemon closed the connection without an answer"},
          std::pair{"nonsense\n", "the daemon's answer is not JSON-RPC"},
          std::pair{"{\"result\":[{}]}\n",
                    "the daemon's answer is not understood: is it of another version?"}}) {
        std::thread daemon([&, text = std::string(reply)] {
            Fd client(accept(listener.get(), nullptr, nullptr));
            char request[4096];
            while (recv(client.get(), request, sizeof(request), 0) > 0 && !text.empty())
                send(client.get(), text.data(), text.size(), MSG_NOSIGNAL);
        });
        EXPECT_EQ(complaint({"show"}), expected);
        daemon.join();
    }
}

} // namespace
} // namespace wg
