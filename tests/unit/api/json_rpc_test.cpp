// SPDX-License-Identifier: MIT
//
// Each method, asked rightly: what the service is asked, and what is answered.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "api/json_rpc.h"
#include "unit/api/fake_service.h"

namespace wg {
namespace {

using namespace test;
using nlohmann::json;

class JsonRpc : public testing::Test {
  protected:
    json ask(std::string_view method, const json &params)
    {
        json request{{"jsonrpc", "2.0"}, {"id", 7}, {"method", method}, {"params", params}};
        auto response = json::parse(answer(service, request.dump()).value_or("null"));
        EXPECT_EQ(response.value("jsonrpc", ""), "2.0") << response;
        EXPECT_EQ(response.value("id", 0), 7) << response;
        EXPECT_TRUE(response.contains("result")) << response;
        return response.value("result", json());
    }

    FakeService service;
};

TEST_F(JsonRpc, tunnel_add_understands_every_field)
{
    auto result = ask("tunnel.add", {{"name", "wg0"},
                                     {"private_key", PRIVATE_KEY},
                                     {"listen_port", 51820},
                                     {"fwmark", 4294967295},
                                     {"addresses", {"10.0.0.1/24", "fd00::1/64"}},
                                     {"mtu", 1380},
                                     {"attach", false},
                                     {"routes", true},
                                     {"peers",
                                      {{{"public_key", PEER_A},
                                        {"preshared_key", PRESHARED_KEY},
                                        {"endpoint", "192.0.2.1:51820"},
                                        {"persistent_keepalive", 25},
                                        {"allowed_ips", {"10.0.0.0/8", "::/0"}}},
                                       {{"public_key", PEER_B}}}}});
    EXPECT_EQ(result, json::object());
    ASSERT_EQ(service.added.size(), 1u);
    const TunnelSpec &spec = service.added.front();
    EXPECT_EQ(spec.name, "wg0");
    EXPECT_TRUE(equal_constant_time(spec.device.private_key.value(), key(PRIVATE_KEY)));
    EXPECT_EQ(spec.device.listen_port, 51820);
    EXPECT_EQ(spec.device.fwmark, 4294967295);
    ASSERT_EQ(spec.addresses.size(), 2u);
    EXPECT_EQ(spec.addresses[0].text(), "10.0.0.1/24");
    EXPECT_EQ(spec.addresses[1].text(), "fd00::1/64");
    EXPECT_EQ(spec.mtu, 1380u);
    EXPECT_FALSE(spec.attach);
    EXPECT_TRUE(spec.routes);
    ASSERT_EQ(spec.device.peers.size(), 2u);
    const PeerChange &peer = spec.device.peers[0];
    EXPECT_EQ(peer.public_key, public_key(PEER_A));
    EXPECT_TRUE(equal_constant_time(peer.preshared_key.value(), key(PRESHARED_KEY)));
    EXPECT_EQ(peer.endpoint.value().text(), "192.0.2.1:51820");
    EXPECT_EQ(peer.persistent_keepalive, 25);
    ASSERT_EQ(peer.allowed_ips.size(), 2u);
    EXPECT_EQ(peer.allowed_ips[0].prefix.text(), "10.0.0.0/8");
    EXPECT_FALSE(peer.allowed_ips[0].remove);
    EXPECT_EQ(peer.allowed_ips[1].prefix.text(), "::/0");
    EXPECT_EQ(service.added.front().device.peers[1].public_key, public_key(PEER_B));
}

TEST_F(JsonRpc, tunnel_add_leaves_out_what_is_not_named)
{
    ask("tunnel.add", {{"name", "wg0"}, {"private_key", PRIVATE_KEY}});
    ASSERT_EQ(service.added.size(), 1u);
    const TunnelSpec &spec = service.added.front();
    EXPECT_FALSE(spec.device.listen_port);
    EXPECT_FALSE(spec.device.fwmark);
    EXPECT_FALSE(spec.mtu);
    EXPECT_TRUE(spec.attach);
    EXPECT_FALSE(spec.routes);
    EXPECT_FALSE(spec.bare);
    EXPECT_TRUE(spec.addresses.empty());
    EXPECT_TRUE(spec.device.peers.empty());
}

TEST_F(JsonRpc, a_bare_tunnel_may_have_a_key_and_needs_none)
{
    ask("tunnel.add", {{"name", "wg0"}, {"bare", true}});
    ask("tunnel.add", {{"name", "wg1"}, {"bare", true}, {"private_key", PRIVATE_KEY}});
    ASSERT_EQ(service.added.size(), 2u);
    EXPECT_TRUE(service.added[0].bare);
    EXPECT_FALSE(service.added[0].device.private_key);
    EXPECT_TRUE(service.added[1].device.private_key);
}

TEST_F(JsonRpc, the_simple_methods_pass_their_names_on)
{
    struct Case {
        const char *method;
        json params;
        const char *call;
    };
    const Case CASES[] = {
        {"tunnel.remove", {{"name", "wg0"}}, "remove_tunnel wg0"},
        {"nic.attach", {{"name", "eth0"}}, "attach_nic eth0 0"},
        {"nic.attach", {{"name", "eth0"}, {"mode", "auto"}}, "attach_nic eth0 0"},
        {"nic.attach", {{"name", "eth0"}, {"mode", "native"}}, "attach_nic eth0 1"},
        {"nic.attach", {{"name", "lo"}, {"mode", "tc"}}, "attach_nic lo 2"},
        {"nic.detach", {{"name", "eth0.5"}}, "detach_nic eth0.5"},
    };
    for (const Case &c : CASES) {
        service.calls.clear();
        EXPECT_EQ(ask(c.method, c.params), json::object());
        EXPECT_EQ(service.calls, std::vector<std::string>{c.call});
    }
}

TEST_F(JsonRpc, tunnel_set_changes_what_is_named)
{
    ask("tunnel.set", {{"name", "wg0"}});
    ask("tunnel.set",
        {{"name", "wg0"},
         {"private_key", OTHER_KEY},
         {"listen_port", 7},
         {"fwmark", 8},
         {"peers",
          {{{"public_key", PEER_A}, {"allowed_ips", {"::/0"}}, {"replace_allowed_ips", true}},
           {{"public_key", PEER_B}, {"remove", true}, {"update_only", true}}}}});
    EXPECT_EQ(service.calls, (std::vector<std::string>{"change_tunnel wg0", "change_tunnel wg0"}));
    const DeviceChange &nothing = service.changed.at(0), &change = service.changed.at(1);
    EXPECT_FALSE(nothing.private_key || nothing.listen_port || nothing.fwmark);
    EXPECT_TRUE(nothing.peers.empty());
    EXPECT_TRUE(equal_constant_time(change.private_key.value(), key(OTHER_KEY)));
    EXPECT_EQ(change.listen_port, 7);
    EXPECT_EQ(change.fwmark, 8U);
    EXPECT_FALSE(change.replace_peers);
    ASSERT_EQ(change.peers.size(), 2U);
    EXPECT_EQ(change.peers[0].allowed_ips.at(0).prefix.text(), "::/0");
    EXPECT_TRUE(change.peers[0].replace_allowed_ips);
    EXPECT_FALSE(change.peers[0].remove || change.peers[0].update_only);
    EXPECT_TRUE(change.peers[1].remove && change.peers[1].update_only);
}

TEST_F(JsonRpc, tunnel_set_changes_the_interface_too)
{
    ask("tunnel.set", {{"name", "wg0"}, {"addresses", json::array()}});
    EXPECT_TRUE(service.interface_change.addresses.value().empty());
    EXPECT_FALSE(service.interface_change.mtu || service.interface_change.attach);
    ask("tunnel.set",
        {{"name", "wg0"}, {"addresses", {"10.0.0.1/24"}}, {"mtu", 1400}, {"attach", false}});
    EXPECT_EQ(service.interface_change.addresses.value().at(0).text(), "10.0.0.1/24");
    EXPECT_EQ(service.interface_change.mtu, 1400U);
    EXPECT_EQ(service.interface_change.attach, false);
    ask("tunnel.set", {{"name", "wg0"}});
    EXPECT_FALSE(service.interface_change.addresses);
}

TEST_F(JsonRpc, allowed_ips_may_have_holes)
{
    ask("peer.set", {{"tunnel", "wg0"},
                     {"public_key", PEER_A},
                     {"allowed_ips", {"!10.128.0.0/9", "10.0.0.0/8", "::/0"}}});
    const auto &allowed_ips = service.changed.at(0).peers.at(0).allowed_ips;
    ASSERT_EQ(allowed_ips.size(), 2u);
    EXPECT_EQ(allowed_ips[0].prefix.text(), "10.0.0.0/9");
    EXPECT_EQ(allowed_ips[1].prefix.text(), "::/0");
}

TEST_F(JsonRpc, peer_set_changes_one_peer)
{
    ask("peer.set", {{"tunnel", "wg0"},
                     {"public_key", PEER_A},
                     {"endpoint", "[2001:db8::1]:1"},
                     {"persistent_keepalive", 0},
                     {"rate_limit", 1},
                     {"quota", 1ULL << 53},
                     {"quota_used", 0},
                     {"allowed_ips", json::array()},
                     {"replace_allowed_ips", true},
                     {"update_only", true}});
    EXPECT_EQ(service.calls, std::vector<std::string>{"change_tunnel wg0"});
    ASSERT_EQ(service.changed.size(), 1u);
    const DeviceChange &change = service.changed.front();
    EXPECT_FALSE(change.private_key);
    EXPECT_FALSE(change.replace_peers);
    ASSERT_EQ(change.peers.size(), 1u);
    const PeerChange &peer = change.peers.front();
    EXPECT_EQ(peer.public_key, public_key(PEER_A));
    EXPECT_FALSE(peer.remove);
    EXPECT_TRUE(peer.update_only);
    EXPECT_TRUE(peer.replace_allowed_ips);
    EXPECT_FALSE(peer.preshared_key);
    EXPECT_EQ(peer.endpoint.value().text(), "[2001:db8::1]:1");
    EXPECT_EQ(peer.persistent_keepalive, 0);
    EXPECT_EQ(peer.rate_limit, 1);
    EXPECT_EQ(peer.quota, 1ULL << 53);
    EXPECT_EQ(peer.quota_used, 0);
    EXPECT_TRUE(peer.allowed_ips.empty());
}

TEST_F(JsonRpc, an_endpoint_that_is_null_is_forgotten)
{
    ask("peer.set", {{"tunnel", "wg0"}, {"public_key", PEER_A}, {"endpoint", nullptr}});
    const PeerChange &peer = service.changed.at(0).peers.front();
    EXPECT_TRUE(peer.forget_endpoint);
    EXPECT_FALSE(peer.endpoint);
}

TEST_F(JsonRpc, a_name_is_given_with_a_key_and_means_a_peer_without_one)
{
    ask("peer.set", {{"tunnel", "wg0"}, {"public_key", PEER_A}, {"name", "Zoë"}});
    ask("peer.set", {{"tunnel", "wg0"}, {"name", "Zoë"}, {"persistent_keepalive", 5}});
    ask("peer.remove", {{"tunnel", "wg0"}, {"name", "Zoë"}});
    ASSERT_EQ(service.changed.size(), 3u);
    for (const bool by_name : {false, true}) {
        const PeerChange &peer = service.changed[by_name ? 1 : 0].peers.front();
        EXPECT_EQ(peer.name, "Zoë");
        EXPECT_EQ(peer.by_name, by_name);
        EXPECT_EQ(peer.public_key, by_name ? PublicKey{} : public_key(PEER_A));
    }
    EXPECT_TRUE(service.changed[2].peers.front().by_name);
    EXPECT_TRUE(service.changed[2].peers.front().remove);
}

TEST_F(JsonRpc, a_peer_may_be_in_several_places)
{
    ask("peer.set", {{"tunnel", "wg0"},
                     {"public_key", PEER_A},
                     {"endpoints", {"vpn.example.org:1", "[2001:db8::1]:2", "192.0.2.1:3"}}});
    ask("peer.set", {{"tunnel", "wg0"}, {"public_key", PEER_A}, {"endpoints", json::array()}});
    ask("peer.set", {{"tunnel", "wg0"}, {"public_key", PEER_A}});
    ASSERT_EQ(service.changed.size(), 3u);
    using Places = std::vector<std::string>;
    EXPECT_EQ(service.changed[0].peers.front().places,
              (Places{"vpn.example.org:1", "[2001:db8::1]:2", "192.0.2.1:3"}));
    EXPECT_EQ(service.changed[1].peers.front().places, Places{});
    EXPECT_EQ(service.changed[2].peers.front().places, std::nullopt);
}

TEST_F(JsonRpc, peer_remove_removes_one_peer)
{
    ask("peer.remove", {{"tunnel", "wg0"}, {"public_key", PEER_A}});
    ASSERT_EQ(service.changed.size(), 1u);
    ASSERT_EQ(service.changed.front().peers.size(), 1u);
    EXPECT_EQ(service.changed.front().peers.front().public_key, public_key(PEER_A));
    EXPECT_TRUE(service.changed.front().peers.front().remove);
}

const json QUIET_PEER{
    {"public_key", PEER_A},      {"endpoint", nullptr}, {"allowed_ips", json::array()},
    {"latest_handshake", 0},     {"rx_bytes", 0},       {"tx_bytes", 0},
    {"persistent_keepalive", 0}, {"path", ""},          {"has_preshared_key", false},
    {"rate_limit", 0},           {"quota", 0},          {"quota_used", 0}};
const json BUSY_PEER{{"public_key", PEER_B},
                     {"name", "busy"},
                     {"endpoint", "[2001:db8::1]:51820"},
                     {"allowed_ips", {"10.0.0.0/8", "fd00::/8"}},
                     {"latest_handshake", 1'700'000'000},
                     {"rx_bytes", 1536},
                     {"tx_bytes", 3145728},
                     {"persistent_keepalive", 25},
                     {"rate_limit", 10 << 20},
                     {"quota", 5ULL << 30},
                     {"quota_used", 1536},
                     {"path", "bpf eth0"},
                     {"has_preshared_key", true}};
const json TUNNEL{{"name", "wg0"},
                  {"public_key", PUBLIC_KEY_OF_IT},
                  {"listen_port", 51820},
                  {"fwmark", 51820},
                  {"mtu", 1420},
                  {"moved", false},
                  {"peers", json::array({QUIET_PEER, BUSY_PEER})}};

TEST_F(JsonRpc, lists_show_everything_but_secrets)
{
    EXPECT_EQ(ask("tunnel.list", json::object()), json::array({TUNNEL}));
    EXPECT_EQ(ask("tunnel.list", {{"name", "wg0"}}), json::array({TUNNEL}));
    EXPECT_EQ(ask("tunnel.list", {{"include", json::array()}}), json::array({TUNNEL}));
    EXPECT_EQ(ask("peer.list", {{"tunnel", "wg0"}}), json::array({QUIET_PEER, BUSY_PEER}));
    service.has_tunnel = false;
    EXPECT_EQ(ask("tunnel.list", json::object()), json::array());
}

TEST_F(JsonRpc, lists_show_only_the_secrets_that_are_named)
{
    auto with_private_key = TUNNEL;
    with_private_key["private_key"] = PRIVATE_KEY;
    auto with_preshared_key = TUNNEL;
    with_preshared_key["peers"][1]["preshared_key"] = PRESHARED_KEY;
    auto with_both = with_preshared_key;
    with_both["private_key"] = PRIVATE_KEY;
    EXPECT_EQ(ask("tunnel.list", {{"include", {"private_key"}}}), json::array({with_private_key}));
    EXPECT_EQ(ask("tunnel.list", {{"include", {"preshared_key"}}}),
              json::array({with_preshared_key}));
    EXPECT_EQ(ask("tunnel.list", {{"include", {"preshared_key", "private_key"}}}),
              json::array({with_both}));
    EXPECT_EQ(ask("peer.list", {{"tunnel", "wg0"}, {"include", {"preshared_key"}}}),
              with_preshared_key["peers"]);
}

TEST_F(JsonRpc, nic_list_and_status_tell_what_the_service_knows)
{
    EXPECT_EQ(ask("nic.list", json::object()), json::array({{{"name", "eth0"},
                                                             {"mode", "native"},
                                                             {"reason", ""},
                                                             {"unasked", false},
                                                             {"present", true}},
                                                            {{"name", "lo"},
                                                             {"mode", "tc"},
                                                             {"reason", "lo has no XDP"},
                                                             {"unasked", false},
                                                             {"present", true}}}));
    const json STATUS{
        {"version", "0.1.0"},
        {"instance", "default"},
        {"abi_version", WG_ABI_VERSION},
        {"pid", 42},
        {"pins", "/sys/fs/bpf/wgxdp/default"},
        {"programs",
         json::array({{{"name", "wg_rx_xdp"}, {"id", 7}, {"runs", 1000}, {"run_time_ns", 88000}}})},
        {"drops",
         {{"replayed", {{"total", 12}, {"per_cpu", {4, 0, 8}}}},
          {"bad_tag", {{"total", 1}, {"per_cpu", {0, 1}}}}}},
        {"daemon_drops", {{"bad_mac1", 3}, {"replayed", 2}}},
        {"keystream",
         {{"producer", "avx2"},
          {"rings", 2},
          {"sealed_ready", 10},
          {"sealed_inline", 1},
          {"opened_ready", 20},
          {"opened_inline", 3}}}};
    EXPECT_EQ(ask("status", json::object()), STATUS);
}

TEST_F(JsonRpc, text_that_is_not_utf8_is_replaced)
{
    service.padding = "\xff";
    EXPECT_EQ(ask("status", json::object()).at("instance"), "\xef\xbf\xbd"
                                                            "default");
}

} // namespace
} // namespace wg
