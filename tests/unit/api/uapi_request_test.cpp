// SPDX-License-Identifier: MIT
//
// What a set of wg(8) becomes, key by key, and how it is refused.
#include <gtest/gtest.h>

#include "api/uapi_request.h"
#include "unit/api/fake_service.h"

namespace wg {
namespace {

using namespace test;

const std::string A = to_hex(public_key(PEER_A));
const std::string B = to_hex(public_key(PEER_B));
const std::string PRIVATE = to_hex(key(PRIVATE_KEY).bytes());
const std::string PRESHARED = to_hex(key(PRESHARED_KEY).bytes());
const std::string ZEROS(64, '0');

DeviceChange parsed(const std::string &lines)
{
    auto change = parse_uapi_set(lines);
    EXPECT_TRUE(change) << lines << change.error().what;
    return change ? *std::move(change) : DeviceChange();
}

PeerChange parsed_peer(const std::string &lines)
{
    auto change = parsed("public_key=" + A + "\n" + lines);
    EXPECT_EQ(change.peers.size(), 1u);
    return std::move(change.peers.at(0));
}

TEST(UapiRequest, nothing_named_is_nothing_changed)
{
    const auto change = parsed("");
    EXPECT_FALSE(change.private_key);
    EXPECT_FALSE(change.listen_port);
    EXPECT_FALSE(change.fwmark);
    EXPECT_FALSE(change.replace_peers);
    EXPECT_TRUE(change.peers.empty());
    const auto peer = parsed_peer("");
    EXPECT_EQ(peer.public_key, public_key(PEER_A));
    EXPECT_FALSE(peer.remove);
    EXPECT_FALSE(peer.update_only);
    EXPECT_FALSE(peer.preshared_key);
    EXPECT_FALSE(peer.endpoint);
    EXPECT_FALSE(peer.persistent_keepalive);
    EXPECT_FALSE(peer.replace_allowed_ips);
    EXPECT_TRUE(peer.allowed_ips.empty());
}

TEST(UapiRequest, keys_of_the_device)
{
    EXPECT_TRUE(
        equal_constant_time(*parsed("private_key=" + PRIVATE).private_key, key(PRIVATE_KEY)));
    EXPECT_TRUE(parsed("private_key=" + ZEROS).private_key->is_zero());
    EXPECT_EQ(parsed("listen_port=0").listen_port, 0);
    EXPECT_EQ(parsed("listen_port=65535\n").listen_port, 65535);
    EXPECT_EQ(parsed("fwmark=0").fwmark, 0u);
    EXPECT_EQ(parsed("fwmark=4294967295").fwmark, 4294967295u);
    EXPECT_TRUE(parsed("replace_peers=true").replace_peers);
    EXPECT_EQ(parsed("listen_port=1\nlisten_port=2").listen_port, 2);
}

TEST(UapiRequest, keys_of_a_peer)
{
    EXPECT_TRUE(parsed_peer("remove=true").remove);
    EXPECT_TRUE(parsed_peer("update_only=true").update_only);
    EXPECT_TRUE(equal_constant_time(*parsed_peer("preshared_key=" + PRESHARED).preshared_key,
                                    key(PRESHARED_KEY)));
    EXPECT_TRUE(parsed_peer("preshared_key=" + ZEROS).preshared_key->is_zero());
    EXPECT_EQ(parsed_peer("persistent_keepalive_interval=0").persistent_keepalive, 0);
    EXPECT_EQ(parsed_peer("persistent_keepalive_interval=65535").persistent_keepalive, 65535);
    EXPECT_TRUE(parsed_peer("replace_allowed_ips=true").replace_allowed_ips);
    parsed_peer("protocol_version=1");
}

TEST(UapiRequest, endpoints_are_numeric)
{
    EXPECT_EQ(parsed_peer("endpoint=192.0.2.1:51820").endpoint->text(), "192.0.2.1:51820");
    EXPECT_EQ(parsed_peer("endpoint=[2001:db8::1]:1").endpoint->text(), "[2001:db8::1]:1");
    EXPECT_EQ(parsed_peer("endpoint=[fe80::1%7]:65535").endpoint->scope_id, 7u);
}

TEST(UapiRequest, allowed_ips_come_and_go_in_order)
{
    const auto ips = parsed_peer("allowed_ip=10.1.2.3/8\nallowed_ip=-fd00::/8\n"
                                 "allowed_ip=0.0.0.0/0\nallowed_ip=::/0\n")
                         .allowed_ips;
    ASSERT_EQ(ips.size(), 4u);
    EXPECT_EQ(ips[0].prefix.text(), "10.0.0.0/8");
    EXPECT_FALSE(ips[0].remove);
    EXPECT_EQ(ips[1].prefix.text(), "fd00::/8");
    EXPECT_TRUE(ips[1].remove);
    EXPECT_EQ(ips[2].prefix.text(), "0.0.0.0/0");
    EXPECT_EQ(ips[3].prefix.text(), "::/0");
}

TEST(UapiRequest, each_public_key_begins_a_peer)
{
    const auto change = parsed("public_key=" + A + "\nallowed_ip=10.0.0.0/8\npublic_key=" + B +
                               "\nremove=true\npublic_key=" + A + "\nallowed_ip=11.0.0.0/8\n");
    ASSERT_EQ(change.peers.size(), 3u);
    EXPECT_EQ(change.peers[0].public_key, public_key(PEER_A));
    EXPECT_FALSE(change.peers[0].remove);
    EXPECT_EQ(change.peers[1].public_key, public_key(PEER_B));
    EXPECT_TRUE(change.peers[1].remove);
    EXPECT_EQ(change.peers[2].public_key, public_key(PEER_A));
    EXPECT_EQ(change.peers[2].allowed_ips.at(0).prefix.text(), "11.0.0.0/8");
}

struct BadCase {
    std::string lines;
    std::string expected; ///< behind "line N: "
    int error = EINVAL;
};

void expect_refused(const std::string &before, unsigned line, const BadCase &c)
{
    const auto change = parse_uapi_set(before + c.lines + "\n");
    ASSERT_FALSE(change) << c.lines;
    EXPECT_EQ(change.error().what, fmt::format("line {}: {}", line, c.expected));
    EXPECT_EQ(change.error().code.value(), c.error) << c.lines;
}

const std::string HEX = "expected 64 hexadecimal digits";

TEST(UapiRequest, what_is_wrong_with_the_device_is_named)
{
    const BadCase CASES[] = {
        {"foo", "expected key=value", EPROTO},
        {"foo=1", "not a key that can be set here"},
        {"=1", "not a key that can be set here"},
        {" listen_port=1", "not a key that can be set here"},
        {"listen_port=65536", "listen_port: expected 0 to 65535, got \"65536\""},
        {"listen_port=", "listen_port: expected 0 to 65535, got nothing"},
        {"listen_port=-1", "listen_port: expected 0 to 65535, got \"-1\""},
        {"listen_port=1 ", "listen_port: expected 0 to 65535, got \"1 \""},
        {"fwmark=4294967296", "fwmark: expected 0 to 4294967295, got \"4294967296\""},
        {"fwmark=0x10", "fwmark: expected 0 to 4294967295, got \"0x10\""},
        {"fwmark=off", "fwmark: expected 0 to 4294967295, got \"off\""},
        {"fwmark=", "fwmark: expected 0 to 4294967295, got nothing"},
        {"private_key=" + PRIVATE.substr(1), "private_key: " + HEX},
        {"private_key=" + PRIVATE + "0", "private_key: " + HEX},
        {"private_key=x" + PRIVATE.substr(1), "private_key: " + HEX},
        {"public_key=" + A.substr(2), "public_key: " + HEX},
        {"replace_peers=1", "replace_peers: expected true, got \"1\""},
        {"replace_peers=false", "replace_peers: expected true, got \"false\""},
        {"remove=true", "not a key that can be set here"},
        {"allowed_ip=10.0.0.0/8", "not a key that can be set here"},
    };
    for (const BadCase &c : CASES)
        expect_refused("fwmark=1\n", 3, c);
}

TEST(UapiRequest, what_is_wrong_with_a_peer_is_named)
{
    const std::string PREFIX =
        "allowed_ip: expected an IP prefix like 10.0.0.0/8, behind a '-' to remove it, got ";
    const std::string ENDPOINT_FORM = "endpoint: expected a numeric address and port like "
                                      "192.0.2.1:51820 or [2001:db8::1]:51820, got ";
    const BadCase CASES[] = {
        {"foo", "expected key=value", EPROTO},
        {"listen_port=1", "not a key that can be set here"},
        {"replace_peers=true", "not a key that can be set here"},
        {"rx_bytes=1", "not a key that can be set here"},
        {"preshared_key=" + PRESHARED.substr(1), "preshared_key: " + HEX},
        {"endpoint=example.org:1", ENDPOINT_FORM + "\"example.org:1\""},
        {"endpoint=192.0.2.1", ENDPOINT_FORM + "\"192.0.2.1\""},
        {"endpoint=192.0.2.1:0", ENDPOINT_FORM + "\"192.0.2.1:0\""},
        {"endpoint=2001:db8::1:1", ENDPOINT_FORM + "\"2001:db8::1:1\""},
        {"endpoint=[fe80::1%nosuch0]:1", ENDPOINT_FORM + "\"[fe80::1%nosuch0]:1\""},
        {"endpoint=", ENDPOINT_FORM + "nothing"},
        {"persistent_keepalive_interval=65536",
         "persistent_keepalive_interval: expected 0 to 65535, got \"65536\""},
        {"persistent_keepalive_interval=off",
         "persistent_keepalive_interval: expected 0 to 65535, got \"off\""},
        {"allowed_ip=10.0.0.0/33", PREFIX + "\"10.0.0.0/33\""},
        {"allowed_ip=10.0.0.1", PREFIX + "\"10.0.0.1\""},
        {"allowed_ip=--10.0.0.0/8", PREFIX + "\"--10.0.0.0/8\""},
        {"allowed_ip=+10.0.0.0/8", PREFIX + "\"+10.0.0.0/8\""},
        {"allowed_ip=-", PREFIX + "\"-\""},
        {"allowed_ip=", PREFIX + "nothing"},
        {"replace_allowed_ips=yes", "replace_allowed_ips: expected true, got \"yes\""},
        {"update_only=", "update_only: expected true, got nothing"},
        {"remove=false", "remove: expected true, got \"false\""},
        {"protocol_version=2", "protocol_version: expected 1, got \"2\""},
        {"protocol_version=01", "protocol_version: expected 1, got \"01\""},
    };
    for (const BadCase &c : CASES)
        expect_refused("public_key=" + A + "\n", 3, c);
}

} // namespace
} // namespace wg
