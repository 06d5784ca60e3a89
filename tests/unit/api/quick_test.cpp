// SPDX-License-Identifier: MIT
//
// What `up`, `down`, `reload` and `save` run and ask, in order; tests/netns/test_up_down.py sees it
// work.
#include <gtest/gtest.h>

#include "unit/api/cli_fixture.h"

namespace wg {
namespace {

using namespace test;

using Acts = std::vector<std::string>;

class Quick : public CliTest {
  protected:
    /// wg0.conf with these lines in [Interface] and one peer. The FakeService has a wg0.
    std::string file(const std::string &interface, const std::string &allowed_ips)
    {
        return write_file("wg0.conf",
                          fmt::format("[Interface]\nPrivateKey={}\n{}\n[Peer]\nPublicKey={}\n"
                                      "Endpoint=192.0.2.1:7\nAllowedIPs={}\n",
                                      PRIVATE_KEY, interface, PEER_A, allowed_ips));
    }
    std::string run_hook(const std::string &line) const
    {
        return "bash -e -o pipefail -O extglob -c " + line;
    }

    FakeDaemon daemon_{service_, socket_path()};
};

TEST_F(Quick, up_goes_wg_quicks_way)
{
    const auto path = file("Address=10.7.0.1/24,fd07::1/64\nDNS=10.7.0.53,example.org\nMTU=1400\n"
                           "PreUp=a %i%i\nPostUp=b %i\nPostUp=c",
                           "10.7.0.2/32,10.8.0.0/16,10.9.0.0/24,fd08::/16");
    expect_silent_success({"up", path});
    EXPECT_EQ(
        programs_.acts,
        (Acts{run_hook("a wg0wg0"), "ip -4 address add 10.7.0.1/24 dev wg0",
              "ip -6 address add fd07::1/64 dev wg0 nodad", "resolvconf -a wg0 -m 0 -x",
              "nameserver 10.7.0.53\nsearch example.org\n",
              "ip -4 route add 10.9.0.0/24 dev wg0 proto 87",
              "ip -4 route add 10.8.0.0/16 dev wg0 proto 87",
              "ip -6 route add fd08::/16 dev wg0 proto 87", run_hook("b wg0"), run_hook("c")}));
    EXPECT_EQ(service_.added.at(0).mtu, 1400U);
    EXPECT_EQ(service_.added.at(0).device.fwmark, 0U);
}

TEST_F(Quick, a_default_route_has_the_first_free_table)
{
    programs_.answers = {{"ip -4 route show table 51820", "default dev wg1\n"},
                         {"ip -6 route show table 51821", "default dev wg2\n"}};
    expect_silent_success({"up", file("MTU=1400", "0.0.0.0/0,10.8.0.0/16")});
    ASSERT_GE(programs_.acts.size(), 5U);
    programs_.acts.resize(6);
    EXPECT_EQ(programs_.acts, (Acts{"ip -4 route add 10.8.0.0/16 dev wg0 proto 87",
                                    "ip -4 route add 0.0.0.0/0 dev wg0 table 51822 proto 87",
                                    "ip -4 rule add not fwmark 51822 table 51822",
                                    "ip -4 rule add table main suppress_prefixlength 0",
                                    "sysctl -q net.ipv4.conf.all.src_valid_mark=1", "nft -f -"}));
    EXPECT_EQ(service_.added.at(0).device.fwmark, 51822U);
}

TEST_F(Quick, table_sends_routes_elsewhere_or_nowhere)
{
    expect_silent_success({"up", file("MTU=1400\nTable=blue", "::/0,10.8.0.0/16")});
    expect_silent_success({"up", file("MTU=1400\nTable=off", "::/0,10.8.0.0/16")});
    EXPECT_EQ(programs_.acts, (Acts{"ip -4 route add 10.8.0.0/16 dev wg0 table blue proto 87",
                                    "ip -6 route add ::/0 dev wg0 table blue proto 87"}));
    EXPECT_EQ(service_.added.at(0).device.fwmark, 0U);
}

TEST_F(Quick, others_rules_for_its_table_are_no_policy_of_ours)
{
    programs_.answers = {{"ip -N -j -4 rule show", R"([{"src":"10.5.0.0","table":"51820"}])"}};
    expect_silent_success({"up", file("MTU=1400", "0.0.0.0/0")});
    EXPECT_EQ(std::ranges::count(programs_.acts, "ip -4 rule add not fwmark 51820 table 51820"), 1);
}

TEST_F(Quick, the_mtu_is_the_routes_or_its_devices_less_the_overhead)
{
    struct Case {
        std::map<std::string, std::string> answers;
        std::uint32_t expected;
    };
    const std::string question = "ip -j route get 192.0.2.1 mark 0";
    const Case CASES[] = {
        {{}, 1420},
        {{{question, R"([{"dev":"e","metrics":[{"mtu":1400}]}])"}}, 1320},
        {{{question, R"([{"dev":"e"}])"}, {"ip -j link show dev e", R"([{"mtu":9000}])"}}, 8920},
        {{{question, R"([{"dev":"lo"}])"}, {"ip -j link show dev lo", R"([{"mtu":65536}])"}},
         65455},
        {{{"ip -j route show default", R"([{"dev":"e"}])"},
          {"ip -j link show dev e", R"([{"mtu":1492}])"}},
         1412},
        {{{question, "what?"}}, 1420},
    };
    for (const Case &c : CASES) {
        programs_.answers = c.answers;
        expect_silent_success({"up", file("", "")});
        EXPECT_EQ(service_.added.back().mtu, c.expected);
    }
}

TEST_F(Quick, systemd_resolved_is_told_where_there_is_no_resolvconf)
{
    programs_.programs = {"resolvectl"};
    expect_silent_success({"up", file("MTU=1400\nDNS=10.7.0.53,example.org,::1", "")});
    EXPECT_EQ(programs_.acts,
              (Acts{"resolvectl dns wg0 10.7.0.53 ::1", "resolvectl domain wg0 ~. example.org"}));
    programs_.programs = {};
    const auto path = file("MTU=1400\nDNS=10.7.0.53", "");
    EXPECT_EQ(complaint({"up", path}),
              path + ": line 4: DNS: neither resolvconf nor resolvectl is in PATH");
    EXPECT_EQ(service_.calls.back(), "remove_tunnel wg0");
}

TEST_F(Quick, a_failed_step_undoes_the_earlier_ones)
{
    programs_.failing = run_hook("b");
    programs_.answers = {
        {"nft list tables", "table ip filter\ntable ip wg-quick-wg0\ntable ip6 wg-quick-wg01\n"},
        {"ip -N -j -4 rule show",
         R"([{"table":"254","suppress_prefixlen":0},{"table":"77","fwmark":"0x4e"},)"
         R"({"priority":9,"not":null,"table":"77","fwmark":"0x4d"}])"}};
    const auto path = file("MTU=1400\nFwMark=77\nDNS=10.7.0.53\nPostUp=b", "0.0.0.0/0");
    EXPECT_EQ(complaint({"up", path}), path + ": line 6: PostUp: `b` failed with status 1");
    const auto failed = std::ranges::find(programs_.acts, run_hook("b"));
    EXPECT_EQ(Acts(failed + 1, programs_.acts.end()),
              (Acts{"resolvconf -d wg0 -f", "nft -f -", "delete table ip wg-quick-wg0\n",
                    "ip -4 rule delete table main suppress_prefixlength 0",
                    "ip -4 rule delete not fwmark 77 table 77 pref 9"}));
    EXPECT_EQ(service_.calls, (Acts{"add_tunnel wg0", "remove_tunnel wg0"}));
}

TEST_F(Quick, a_failed_hook_before_anything_is_made_undoes_nothing)
{
    programs_.failing = run_hook("a");
    const auto path = file("PreUp=c\nPreUp=\nPreUp=a\nPreUp=b", "");
    EXPECT_EQ(complaint({"up", path}), path + ": line 5: PreUp: `a` failed with status 1");
    EXPECT_EQ(programs_.acts, (Acts{run_hook("c"), run_hook("a")}));
    EXPECT_TRUE(service_.calls.empty());
}

TEST_F(Quick, what_the_daemon_refuses_is_told_by_the_files_lines)
{
    const auto path = file("ListenPort=7\nMTU=1400", "10.8.0.0/16");
    const auto refused = [&](const char *command, const std::string &what) {
        service_.refusal = what;
        const auto told = complaint({command, path});
        return told.starts_with(path + ": line ") ? told.substr(path.size() + 7) : told;
    };
    EXPECT_EQ(refused("up", "listen_port: 7/IPv4: Address already in use"),
              "3: ListenPort: 7/IPv4: Address already in use");
    EXPECT_EQ(refused("up", "mtu: no"), "4: MTU: no");
    EXPECT_EQ(refused("up", "peers[0].allowed_ips[1]: no"), "8: AllowedIPs: no");
    EXPECT_EQ(refused("reload", "peers[1].endpoints[1]: no"), "7: Endpoint: no");
    EXPECT_EQ(refused("up", fmt::format("peer {}: name: taken", PEER_A)), "5: [Peer]: name: taken");
    for (const std::string other : {"peers[7].name: no", "fwmark: no", "no: more", "no"})
        EXPECT_EQ(refused("up", other), other);
}

TEST_F(Quick, what_ip_refuses_is_told_by_the_files_lines)
{
    const auto path = file("MTU=1400\nAddress=10.7.0.1/24,fd07::1/64\nAddress=10.9.0.1/24",
                           "10.8.0.0/16\nAllowedIPs=10.9.0.0/16");
    const std::pair<const char *, const char *> CASES[] = {
        {"ip -6 address add", ": line 4: Address: `ip -6 address add"},
        {"ip -4 address add 10.9", ": line 5: Address: `ip -4 address add"},
        {"ip -4 route add", ": line 6: [Peer]: `ip -4 route add"}, // AllowedIPs are on two lines
    };
    for (const auto &[failing, expected] : CASES) {
        programs_.failing = failing;
        for (const char *command : {"up", "reload"})
            EXPECT_EQ(complaint({command, path}).substr(0, (path + expected).size()),
                      path + expected);
    }
}

TEST_F(Quick, down_goes_back_and_leaves_rules_of_others)
{
    programs_.answers = {{"ip -N -j -4 rule show", R"([{"table":"51820","fwmark":"0xca6c"}])"}};
    expect_silent_success({"down", file("DNS=10.7.0.53\nPreDown=a\nPostDown=b", "10.8.0.0/16")});
    EXPECT_EQ(programs_.acts, (Acts{run_hook("a"), "resolvconf -d wg0 -f", run_hook("b")}));
    EXPECT_EQ(service_.calls, Acts{"remove_tunnel wg0"});
    programs_.failing = run_hook("a");
    const auto path = file("PreDown=a", "");
    EXPECT_EQ(complaint({"down", path}), path + ": line 3: PreDown: `a` failed with status 1");
    EXPECT_EQ(service_.calls, Acts{"remove_tunnel wg0"});
}

TEST_F(Quick, down_removes_the_rules_of_its_default_routes_and_no_other_tunnels)
{
    programs_.answers = {
        // FwMark was 77 before a reload that was killed
        {"ip -N -j -4 route show table all dev wg0 proto 87",
         R"([{"dst":"default","table":"77"},{"dst":"10.8.0.0/16"}])"},
        {"ip -N -j -4 rule show", R"([{"table":"254","suppress_prefixlen":0},)"
                                  R"({"priority":8,"not":null,"fwmark":"0x4d","table":"77"},)"
                                  R"({"not":null,"fwmark":"0xca6d","table":"51821"}])"}};
    expect_silent_success({"down", file("", "10.8.0.0/16")});
    EXPECT_EQ(programs_.acts,
              (Acts{"resolvconf -d wg0 -f", "ip -4 rule delete not fwmark 77 table 77 pref 8"}));
}

TEST_F(Quick, down_goes_on_when_a_step_fails)
{
    programs_.failing = "resolvconf";
    const auto path = file("DNS=10.7.0.53\nPostDown=b", "");
    EXPECT_EQ(complaint({"down", path}), "`resolvconf -d wg0 -f` failed with status 1");
    EXPECT_EQ(programs_.acts, (Acts{"resolvconf -d wg0 -f", run_hook("b")}));
    EXPECT_EQ(service_.calls, Acts{"remove_tunnel wg0"});
}

TEST_F(Quick, save_leaves_what_stands_beside_the_file)
{
    const auto path = file("", "");
    const auto other = write_file("wg0.conf.tmp", "another's");
    expect_silent_success({"save", path});
    std::ifstream kept(other);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(kept), {}), "another's");
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory_.path()), {}), 3)
        << "these and the socket";
}

TEST_F(Quick, save_writes_what_is_and_keeps_what_only_the_file_knows)
{
    programs_.answers = {
        {"ip -j address show dev wg0",
         R"([{"addr_info":[{"local":"10.7.0.1","prefixlen":24},{"local":"fd07::1","prefixlen":64}]}])"}};
    const auto path = file("Address=10.9.9.9/8\nMTU=1400\nDNS=10.7.0.53,example.org\nTable=77\n"
                           "PostUp=b # %i\nSaveConfig=true\nAttach=no",
                           "10.8.0.0/16");
    expect_silent_success({"save", path});
    std::ifstream saved(path);
    const std::string text(std::istreambuf_iterator<char>(saved), {});
    EXPECT_EQ(text, fmt::format("[Interface]\nAddress = 10.7.0.1/24\nAddress = fd07::1/64\n"
                                "DNS = 10.7.0.53\nDNS = example.org\nMTU = 1420\nTable = 77\n"
                                "SaveConfig = true\nPostUp = b\nAttach = no\nListenPort = 51820\n"
                                "FwMark = 0xca6c\nPrivateKey = {}\n\n[Peer]\nPublicKey = {}\n\n"
                                "[Peer]\nPublicKey = {}\nName = busy\nPresharedKey = {}\n"
                                "AllowedIPs = 10.0.0.0/8, fd00::/8\n"
                                "Endpoint = [2001:db8::1]:51820\nPersistentKeepalive = 25\n"
                                "RateLimit = 10485760\nQuota = 5368709120\n",
                                PRIVATE_KEY, PEER_A, PEER_B, PRESHARED_KEY));
    expect_silent_success({"up", path});
}

TEST_F(Quick, reload_asks_for_one_change_of_all_peers)
{
    expect_silent_success({"reload", file("MTU=1420\nListenPort=51820", "10.8.0.0/16")});
    ASSERT_EQ(service_.changed.size(), 2U);
    const DeviceChange &change = service_.changed.front();
    EXPECT_FALSE(change.private_key);
    EXPECT_FALSE(change.listen_port || change.fwmark); // as they are
    EXPECT_EQ(service_.interface_change.attach, true);
    ASSERT_EQ(change.peers.size(), 2U);
    EXPECT_EQ(change.peers[0].public_key, public_key(PEER_B));
    EXPECT_EQ(change.peers[0].name, "") << "another may have it";
    EXPECT_FALSE(change.peers[0].remove);
    EXPECT_EQ(change.peers[1].public_key, public_key(PEER_A));
    EXPECT_TRUE(change.peers[1].replace_allowed_ips);
    EXPECT_TRUE(change.peers[1].preshared_key.value().is_zero());
    EXPECT_EQ(change.peers[1].persistent_keepalive, 0);
    EXPECT_EQ(change.peers[1].endpoint.value().text(), "192.0.2.1:7");
    const DeviceChange &last = service_.changed.back();
    ASSERT_EQ(last.peers.size(), 1U);
    EXPECT_EQ(last.peers[0].public_key, public_key(PEER_B));
    EXPECT_TRUE(last.peers[0].remove);
    EXPECT_EQ(programs_.acts,
              (Acts{"ip -4 route add 10.8.0.0/16 dev wg0 proto 87", "resolvconf -d wg0 -f"}));
}

TEST_F(Quick, a_refused_reload_has_removed_nobody)
{
    programs_.failing = "ip -4 route add";
    EXPECT_NE(complaint({"reload", file("MTU=1420", "10.8.0.0/16")}), "");
    ASSERT_EQ(service_.changed.size(), 2U) << "there and back";
    for (const DeviceChange &change : service_.changed) {
        EXPECT_FALSE(change.private_key);
        for (const PeerChange &peer : change.peers)
            EXPECT_FALSE(peer.remove);
    }
    const auto &back = service_.changed.back().peers;
    EXPECT_TRUE(back.front().forget_endpoint) << "it had none";
    EXPECT_EQ(back.back().name, "busy");
    EXPECT_FALSE(back.back().endpoint || back.back().forget_endpoint) << "nobody touched it";
}

TEST_F(Quick, a_refused_reload_leaves_a_name_that_was_not_found_yet)
{
    service_.alter = [](TunnelStatus &tunnel) {
        tunnel.peers.front().places = {"vpn.example:51820"};
    };
    programs_.failing = "ip -4 route add";
    EXPECT_NE(complaint({"reload", file("MTU=1420", "10.8.0.0/16")}), "");
    ASSERT_EQ(service_.changed.size(), 2U) << "there and back";
    EXPECT_EQ(service_.changed.back().peers.front().places,
              std::vector<std::string>{"vpn.example:51820"});
}

TEST_F(Quick, reload_sets_the_firewall_of_the_addresses_that_are_left)
{
    programs_.answers = {
        {"ip -j address show dev wg0", R"([{"addr_info":[{"local":"10.7.0.1","prefixlen":24}]}])"}};
    expect_silent_success({"reload", file("MTU=1420\nAddress=10.7.0.2/32\nDNS=::1", "0.0.0.0/0")});
    const auto removed =
        std::ranges::find(programs_.acts, "ip -4 address delete 10.7.0.1/24 dev wg0");
    ASSERT_NE(removed, programs_.acts.end());
    EXPECT_EQ(std::count(removed, programs_.acts.end(), "nft -f -"), 1);
}

TEST_F(Quick, a_failed_firewall_is_set_back)
{
    programs_.answers = {
        {"ip -N -j -4 rule show", R"([{"not":null,"fwmark":"0xca6c","table":"51820"}])"},
        {"ip -N -j -4 route show table all dev wg0 proto 87",
         R"([{"dst":"default","table":"51820"}])"},
        {"ip -j address show dev wg0", R"([{"addr_info":[{"local":"10.7.0.1","prefixlen":24}]}])"}};
    programs_.failing = "resolvconf -a";
    EXPECT_NE(complaint({"reload", file("MTU=1420\nFwMark=77\nDNS=::1", "0.0.0.0/0")}), "");
    const auto failed = std::ranges::find_if(
        programs_.acts, [](const std::string &act) { return act.starts_with("resolvconf"); });
    const auto back = std::find(failed, programs_.acts.end(), "nft -f -");
    ASSERT_NE(back, programs_.acts.end());
    EXPECT_NE((back + 1)->find("mark 51820"), std::string::npos);
    EXPECT_NE((back + 1)->find("daddr 10.7.0.1 "), std::string::npos);
}

TEST_F(Quick, reload_leaves_the_rules_and_the_mark_of_a_hooks_default_route)
{
    struct Case {
        std::string interface;
        std::string own_routes;
    };
    const Case CASES[] = {
        {"Table=off", "[]"},
        {"Table=off\nFwMark=51820", "[]"},
        {"Table=51820\nFwMark=51820", R"([{"dst":"default","table":"51820"}])"},
    };
    programs_.answers["ip -N -j -4 rule show"] =
        R"([{"not":null,"fwmark":"0xca6c","table":"51820"},{"fwmark":"0xca6c","table":"51820"}])";
    for (const Case &c : CASES) {
        programs_.answers["ip -N -j -4 route show table all dev wg0 proto 87"] = c.own_routes;
        programs_.acts.clear();
        service_.changed.clear();
        expect_silent_success({"reload", file("MTU=1420\n" + c.interface, "0.0.0.0/0")});
        for (const std::string &act : programs_.acts)
            EXPECT_EQ(act.find(" rule "), act.npos) << c.interface;
        EXPECT_FALSE(service_.changed.at(0).fwmark) << c.interface;
    }
}

TEST_F(Quick, reload_goes_round_what_old_addresses_have_taken)
{
    programs_.answers = {
        {"ip -j address show dev wg0",
         R"([{"addr_info":[{"local":"10.7.0.1","prefixlen":24},{"local":"fd07::1","prefixlen":64}]}])"},
        {"ip -N -j -4 route show table all dev wg0", R"([{"dst":"10.7.0.0/24","protocol":"2"}])"}};
    expect_silent_success(
        {"reload", file("MTU=1420\nAddress=10.7.0.1/32,fd07::1/128", "10.7.0.0/24")});
    EXPECT_EQ(
        programs_.acts,
        (Acts{"ip -6 address delete fd07::1/64 dev wg0", "ip -4 address add 10.7.0.1/32 dev wg0",
              "ip -6 address add fd07::1/128 dev wg0 nodad",
              "ip -4 route append 10.7.0.0/24 dev wg0 proto 87",
              "sysctl -q net/ipv4/conf/wg0/promote_secondaries=1",
              "ip -4 address delete 10.7.0.1/24 dev wg0", "resolvconf -d wg0 -f"}));
    programs_.acts.clear();
    programs_.failing = "ip -4 route append";
    EXPECT_NE(complaint({"reload", file("MTU=1420\nAddress=fd07::1/128", "10.7.0.0/24")}), "");
    EXPECT_EQ(programs_.acts.back(), "ip -6 address add fd07::1/64 dev wg0 nodad");
}

TEST_F(Quick, reload_removes_its_own_routes_and_no_hooks)
{
    const std::string all = "ip -N -j -4 route show table all dev wg0";
    programs_.answers = {
        {all, R"([{"dst":"10.0.0.0/8"},{"dst":"10.8.0.0/16","protocol":"87"},)"
              R"({"dst":"default","table":"123"},{"dst":"10.7.0.0/24","protocol":"2"}])"},
        {all + " proto 87", R"([{"dst":"10.8.0.0/16"},{"dst":"10.9.0.0/16","table":"77"}])"}};
    expect_silent_success({"reload", file("MTU=1420", "10.0.0.0/8,10.7.0.0/24")});
    EXPECT_EQ(programs_.acts, (Acts{"ip -4 route add 10.7.0.0/24 dev wg0 proto 87",
                                    "ip -4 route delete 10.8.0.0/16 dev wg0 table main proto 87",
                                    "ip -4 route delete 10.9.0.0/16 dev wg0 table 77 proto 87",
                                    "resolvconf -d wg0 -f"}));
}

TEST_F(Quick, a_world_readable_file_is_warned_of)
{
    const auto path = file("MTU=1400", "");
    std::filesystem::permissions(directory_.path(), std::filesystem::perms(0755));
    std::filesystem::permissions(path, std::filesystem::perms(0644));
    EXPECT_EQ(run({"up", path}).err, fmt::format("Warning: `{}' is world accessible\n", path));
    std::filesystem::permissions(path, std::filesystem::perms(0600));
    EXPECT_EQ(run({"up", path}).err, "");
}

} // namespace
} // namespace wg
