// SPDX-License-Identifier: MIT
//
// Commands that work: what the daemon is asked, what is printed, when a daemon is started.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "unit/api/cli_fixture.h"

namespace wg {
namespace {

using namespace test;

class Cli : public CliTest {
  protected:
    FakeDaemon daemon_{service_, socket_path()};
};

std::string config_text()
{
    return fmt::format("[Interface]\nPrivateKey={}\nListenPort=51820\nFwMark=0xca6c\nMTU=1380\n"
                       "Address=10.0.0.1/24\n"
                       "[Peer]\nPublicKey={}\nPresharedKey={}\nEndpoint=localhost:51821\n"
                       "AllowedIPs=10.0.0.0/8,fd00::/8\nPersistentKeepalive=25\n"
                       "[Peer]\nPublicKey={}\nEndpoint=[2001:db8::1]:1\n",
                       PRIVATE_KEY, PEER_A, PRESHARED_KEY, PEER_B);
}

TEST_F(Cli, up_makes_the_tunnel_of_a_file)
{
    expect_silent_success({"up", write_file("wg7.conf", config_text())});
    ASSERT_EQ(service_.added.size(), 1u);
    const TunnelSpec &spec = service_.added.front();
    EXPECT_EQ(spec.name, "wg7");
    EXPECT_FALSE(spec.routes); // they are ip(8)'s work, and so are addresses
    EXPECT_EQ(spec.mtu, 1380u);
    EXPECT_EQ(spec.device.listen_port, 51820);
    EXPECT_EQ(spec.device.fwmark, 0xca6cu);
    EXPECT_TRUE(equal_constant_time(spec.device.private_key.value(), key(PRIVATE_KEY)));
    ASSERT_EQ(spec.device.peers.size(), 2u);
    const PeerChange &a = spec.device.peers[0];
    EXPECT_EQ(a.public_key, public_key(PEER_A));
    EXPECT_TRUE(equal_constant_time(a.preshared_key.value(), key(PRESHARED_KEY)));
    EXPECT_EQ(a.persistent_keepalive, 25);
    ASSERT_TRUE(a.endpoint);
    EXPECT_TRUE(a.endpoint->address.is_loopback());
    EXPECT_EQ(a.endpoint->port, 51821);
    ASSERT_EQ(a.allowed_ips.size(), 2u);
    EXPECT_EQ(a.allowed_ips[1].prefix.text(), "fd00::/8");
    EXPECT_EQ(spec.device.peers[1].endpoint.value().text(), "[2001:db8::1]:1");
    EXPECT_FALSE(spec.device.peers[1].persistent_keepalive);
}

TEST_F(Cli, up_finds_a_name_in_the_first_directory_that_has_it)
{
    write_file("second/wg0.conf", config_text());
    expect_silent_success({"up", "wg0"});
    write_file("first/wg0.conf", fmt::format("[Interface]\nPrivateKey={}\n", OTHER_KEY));
    expect_silent_success({"up", "wg0"});
    ASSERT_EQ(service_.added.size(), 2u);
    EXPECT_TRUE(equal_constant_time(*service_.added[0].device.private_key, key(PRIVATE_KEY)));
    EXPECT_TRUE(equal_constant_time(*service_.added[1].device.private_key, key(OTHER_KEY)));
}

TEST_F(Cli, down_takes_a_name_or_the_file)
{
    expect_silent_success({"down", write_file("wg0.conf", config_text())});
    write_file("first/wg0.conf", config_text());
    expect_silent_success({"down", "wg0"});
    EXPECT_EQ(service_.calls, (std::vector<std::string>{"remove_tunnel wg0", "remove_tunnel wg0"}));
}

TEST_F(Cli, down_says_that_it_has_no_file)
{
    EXPECT_EQ(run({"down", "wg0"}).err,
              "wg0: there was no file: no hooks were run\n");
    EXPECT_EQ(service_.calls, std::vector<std::string>{"remove_tunnel wg0"});
}

TEST_F(Cli, attach_and_detach_name_the_nic_and_the_mode)
{
    expect_silent_success({"attach", "eth0"});
    expect_silent_success({"attach", "eth0", "--mode", "native"});
    expect_silent_success({"attach", "--mode=tc", "lo"});
    expect_silent_success({"detach", "eth0"});
    EXPECT_EQ(service_.calls, (std::vector<std::string>{"attach_nic eth0 0", "attach_nic eth0 1",
                                                        "attach_nic lo 2", "detach_nic eth0"}));
}

TEST_F(Cli, peer_add_sends_only_what_is_named)
{
    expect_silent_success({"peer", "add", "wg0", PEER_A});
    ASSERT_EQ(service_.changed.size(), 1u);
    const PeerChange &peer = service_.changed.front().peers.at(0);
    EXPECT_EQ(peer.public_key, public_key(PEER_A));
    EXPECT_FALSE(peer.endpoint || peer.preshared_key || peer.persistent_keepalive);
    EXPECT_FALSE(peer.rate_limit || peer.quota || peer.quota_used);
    EXPECT_FALSE(peer.replace_allowed_ips);
    EXPECT_FALSE(peer.update_only);
    EXPECT_TRUE(peer.allowed_ips.empty());
}

TEST_F(Cli, peer_add_sends_everything_that_is_named)
{
    auto file = write_file("psk", std::string(PRESHARED_KEY) + "\n");
    expect_silent_success({"peer", "add", "wg0", PEER_A, "--endpoint", "192.0.2.1:9",
                           "--allowed-ips", "10.0.0.0/8,::/0", "--preshared-key", file,
                           "--persistent-keepalive", "off", "--rate-limit", "10M", "--quota", "5g",
                           "--quota-used", "0"});
    ASSERT_EQ(service_.changed.size(), 1u);
    const PeerChange &peer = service_.changed.front().peers.at(0);
    EXPECT_EQ(peer.endpoint.value().text(), "192.0.2.1:9");
    EXPECT_TRUE(equal_constant_time(peer.preshared_key.value(), key(PRESHARED_KEY)));
    EXPECT_EQ(peer.persistent_keepalive, 0);
    EXPECT_EQ(peer.rate_limit, 10 << 20);
    EXPECT_EQ(peer.quota, 5ULL << 30);
    EXPECT_EQ(peer.quota_used, 0);
    EXPECT_TRUE(peer.replace_allowed_ips);
    ASSERT_EQ(peer.allowed_ips.size(), 2u);
    EXPECT_EQ(peer.allowed_ips[1].prefix.text(), "::/0");
}

TEST_F(Cli, peer_add_takes_a_name_and_several_endpoints)
{
    expect_silent_success({"peer", "add", "wg0", PEER_A, "--name", "a laptop", "--endpoint",
                           "[2001:db8::1]:9,192.0.2.1:8", "--endpoint", "localhost:7"});
    const PeerChange &peer = service_.changed.at(0).peers.at(0);
    EXPECT_EQ(peer.name, "a laptop");
    EXPECT_EQ(peer.endpoint.value().text(), "[2001:db8::1]:9");
    EXPECT_EQ(peer.places,
              (std::vector<std::string>{"[2001:db8::1]:9", "192.0.2.1:8", "localhost:7"}));
}

TEST_F(Cli, peer_add_leaves_a_host_name_to_the_daemon_too)
{
    expect_silent_success({"peer", "add", "wg0", PEER_A, "--endpoint", "localhost:7"});
    const PeerChange &peer = service_.changed.at(0).peers.at(0);
    EXPECT_TRUE(peer.endpoint.value().address.is_loopback());
    EXPECT_EQ(peer.places, std::vector<std::string>{"localhost:7"});
}

TEST_F(Cli, peer_add_clears_with_nothing)
{
    auto file = write_file("psk", "");
    expect_silent_success(
        {"peer", "add", "wg0", PEER_A, "--allowed-ips", "", "--preshared-key", file, "--name", ""});
    const PeerChange &peer = service_.changed.at(0).peers.at(0);
    EXPECT_TRUE(peer.replace_allowed_ips);
    EXPECT_TRUE(peer.allowed_ips.empty());
    EXPECT_TRUE(peer.preshared_key.value().is_zero());
    EXPECT_EQ(peer.name, "");
}

TEST_F(Cli, peer_remove_removes)
{
    expect_silent_success({"peer", "remove", "wg0", PEER_A});
    expect_silent_success({"peer", "remove", "wg0", "a laptop"});
    const PeerChange &by_key = service_.changed.at(0).peers.at(0);
    EXPECT_TRUE(by_key.remove && !by_key.by_name);
    EXPECT_EQ(by_key.public_key, public_key(PEER_A));
    const PeerChange &by_name = service_.changed.at(1).peers.at(0);
    EXPECT_TRUE(by_name.remove && by_name.by_name);
    EXPECT_EQ(by_name.name, "a laptop");
}

TEST_F(Cli, what_has_nothing_to_say_says_an_empty_object_as_json)
{
    const auto file = write_file("wg7.conf", config_text());
    const std::vector<std::string> COMMANDS[] = {
        {"up", file},
        {"down", "wg0"},
        {"attach", "eth0"},
        {"detach", "eth0"},
        {"peer", "add", "wg0", PEER_A},
        {"peer", "remove", "wg0", PEER_A},
    };
    for (auto command : COMMANDS) {
        command.emplace_back("--json");
        EXPECT_EQ(run(command).out, "{}\n") << command.front();
    }
    write_file("first/wg0.conf", config_text());
    for (const char *command : {"reload", "save"})
        EXPECT_EQ(run({command, "--json", "wg0"}).out, "{}\n") << command;
}

TEST_F(Cli, show_reads_like_wg)
{
    auto outcome = run({"show"});
    EXPECT_EQ(outcome.status, 0);
    EXPECT_EQ(outcome.out, fmt::format(R"(interface: wg0
  public key: {}
  private key: (hidden)
  listening port: 51820
  fwmark: 0xca6c

peer: {}
  name: busy
  preshared key: (hidden)
  endpoint: [2001:db8::1]:51820
  allowed ips: 10.0.0.0/8, fd00::/8
  latest handshake: 1 minute, 3 seconds ago
  transfer: 1.50 KiB received, 3.00 MiB sent
  persistent keepalive: every 25 seconds
  rate limit: 10.00 MiB/s each way
  quota: 1.50 KiB used of 5.00 GiB
  path: bpf eth0

peer: {}
  allowed ips: (none)

nic: eth0
  mode: native

nic: lo
  mode: tc
  not native: lo has no XDP
)",
                                       PUBLIC_KEY_OF_IT, PEER_B, PEER_A));
}

TEST_F(Cli, show_of_one_tunnel_leaves_the_nics_out)
{
    auto outcome = run({"show", "wg0"});
    EXPECT_EQ(outcome.status, 0);
    EXPECT_EQ(outcome.out.find("nic:"), std::string::npos);
    EXPECT_NE(outcome.out.find("interface: wg0\n"), std::string::npos);
}

TEST_F(Cli, show_tells_keys_only_when_asked)
{
    for (const char *json : {"--json", ""}) {
        std::vector<std::string> arguments{"show", "wg0"};
        if (*json != '\0')
            arguments.emplace_back(json);
        auto hidden = run(arguments);
        EXPECT_EQ(hidden.out.find(PRIVATE_KEY), std::string::npos);
        EXPECT_EQ(hidden.out.find(PRESHARED_KEY), std::string::npos);
        arguments.emplace_back("--show-keys");
        auto shown = run(arguments);
        EXPECT_NE(shown.out.find(PRIVATE_KEY), std::string::npos);
        EXPECT_NE(shown.out.find(PRESHARED_KEY), std::string::npos);
    }
}

TEST_F(Cli, show_as_json_is_what_the_daemon_says)
{
    auto shown = nlohmann::json::parse(run({"show", "--json"}).out);
    EXPECT_EQ(shown.at("tunnels").at(0).at("name"), "wg0");
    EXPECT_EQ(shown.at("tunnels").at(0).at("peers").at(1).at("rx_bytes"), 1536);
    EXPECT_EQ(shown.at("nics").at(0).at("mode"), "native");
}

TEST_F(Cli, show_of_a_field_prints_the_lines_of_wg)
{
    EXPECT_EQ(run({"show", "interfaces"}).out, "wg0\n");
    EXPECT_EQ(run({"show", "wg0", "fwmark"}).out, "0xca6c\n");
    EXPECT_EQ(run({"show", "all", "allowed-ips"}).out,
              fmt::format("wg0\t{}\t(none)\nwg0\t{}\t10.0.0.0/8 fd00::/8\n", PEER_A, PEER_B));
    EXPECT_EQ(run({"show", "wg0", "dump"}).out,
              fmt::format("{}\t{}\t51820\t0xca6c\n"
                          "{}\t(none)\t(none)\t(none)\t0\t0\t0\toff\n"
                          "{}\t{}\t[2001:db8::1]:51820\t10.0.0.0/8,fd00::/8\t1700000000\t1536\t"
                          "3145728\t25\n",
                          PRIVATE_KEY, PUBLIC_KEY_OF_IT, PEER_A, PEER_B, PRESHARED_KEY));
    auto rows = nlohmann::json::parse(run({"show", "wg0", "endpoints", "--json"}).out);
    EXPECT_EQ(rows.at(1),
              (nlohmann::json{
                  {"tunnel", "wg0"}, {"public_key", PEER_B}, {"endpoint", "[2001:db8::1]:51820"}}));
}

TEST_F(Cli, drops_counts_by_reason_and_place)
{
    EXPECT_EQ(run({"drops"}).out, "bad_mac1: 3 (daemon: 3)\n"
                                  "bad_tag: 1 (cpu 1: 1)\n"
                                  "replayed: 14 (cpu 0: 4, cpu 2: 8, daemon: 2)\n");
    auto json = nlohmann::json::parse(run({"drops", "--json"}).out);
    EXPECT_EQ(json.at("drops").at("replayed").at("total"), 12);
    EXPECT_EQ(json.at("daemon_drops").at("bad_mac1"), 3);
}

TEST_F(Cli, instance_chooses_the_socket)
{
    FakeService other;
    FakeDaemon daemon(other, directory_.path() / "blue.sock");
    expect_silent_success({"--instance", "blue", "detach", "eth0"});
    expect_silent_success({"detach", "eth1", "--instance", "blue"});
    EXPECT_EQ(other.calls, (std::vector<std::string>{"detach_nic eth0", "detach_nic eth1"}));
    EXPECT_TRUE(service_.calls.empty());
}

/// Without a daemon; `bin/wgxdpd` is a script that stands in for it.
class CliStart : public CliTest {
  protected:
    void install_daemon(const std::string &script)
    {
        auto path = write_file("bin/wgxdpd", "#!/bin/sh\n" + script);
        std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    }
    /// A daemon that listens once its script gives the socket its name.
    std::string give_socket_its_name() const
    {
        return fmt::format("mv {0}/hidden {0}/default.sock\n", directory_.path().native());
    }

    std::filesystem::path hidden_ = directory_.path() / "hidden";
};

TEST_F(CliStart, attach_and_up_start_the_daemon_of_the_instance)
{
    const std::vector<std::string> COMMANDS[] = {{"attach", "eth0"},
                                                 {"up", write_file("wg0.conf", config_text())}};
    for (const auto &command : COMMANDS) {
        FakeDaemon daemon(service_, hidden_);
        auto log = directory_.path() / "arguments";
        install_daemon(fmt::format("echo \"$@\" > {}\n{}", log.native(), give_socket_its_name()));
        expect_silent_success(command);
        std::string arguments;
        std::getline(std::ifstream(log), arguments);
        EXPECT_EQ(arguments, "--instance default --until-idle");
    }
    EXPECT_EQ(service_.calls, (std::vector<std::string>{"attach_nic eth0 0", "add_tunnel wg0"}));
}

TEST_F(CliStart, an_interface_instead_of_a_command_is_made_bare_as_wireguard_go_does)
{
    FakeDaemon daemon(service_, hidden_);
    install_daemon(give_socket_its_name());
    auto outcome = run({"wg0"});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_EQ(outcome.out, "wg0: made, down and without a key, for wg(8) and ip(8); `ip link "
                           "delete wg0` removes it\n");
    ASSERT_EQ(service_.added.size(), 1u);
    const TunnelSpec &spec = service_.added.front();
    EXPECT_EQ(spec.name, "wg0");
    EXPECT_TRUE(spec.bare);
    EXPECT_FALSE(spec.device.private_key);
    EXPECT_TRUE(spec.addresses.empty());
    service_.refusal = "name: there is an interface wg0 already";
    EXPECT_EQ(complaint({"wg0"}), *service_.refusal);
}

TEST_F(CliStart, a_daemon_that_another_command_started_meanwhile_will_do)
{
    FakeDaemon daemon(service_, hidden_);
    install_daemon(give_socket_its_name() + "exit 1\n"); // as when it finds the lock taken
    expect_silent_success({"attach", "eth0"});
}

} // namespace
} // namespace wg
