// SPDX-License-Identifier: MIT
//
// Files that are right, and what is understood of them.
#include <gtest/gtest.h>

#include "api/config_file.h"
#include "base/encoding.h"
#include "unit/api/keys.h"

namespace wg {
namespace {

using namespace test;

const std::string INTERFACE = fmt::format("[Interface]\nPrivateKey = {}\n", PRIVATE_KEY);

/// One line a fact, so that tables compare as text.
std::string describe(const ConfigFile &config)
{
    std::string text = "key " + to_base64(config.private_key.bytes()).substr(0, 4);
    if (config.listen_port)
        text += fmt::format("\nport {}", *config.listen_port);
    if (config.fwmark)
        text += fmt::format("\nfwmark {}", *config.fwmark);
    if (config.mtu)
        text += fmt::format("\nmtu {}", *config.mtu);
    if (!config.attach)
        text += "\nattaches nothing";
    for (const auto &address : config.addresses)
        text += "\naddress " + address.text();
    const auto list = [&](std::string_view name, const std::vector<std::string> &values) {
        for (const auto &value : values)
            text += fmt::format("\n{} {}", name, value);
    };
    list("dns", config.dns);
    list("search", config.dns_search);
    if (!config.table.empty())
        text += "\ntable " + config.table;
    list("pre up", config.pre_up);
    list("post up", config.post_up);
    list("pre down", config.pre_down);
    list("post down", config.post_down);
    if (config.save_config)
        text += "\nsaves";
    for (const ConfigPeer &peer : config.peers) {
        text += "\npeer " + to_base64(peer.public_key).substr(0, 4);
        if (peer.name)
            text += fmt::format(" called \"{}\"", *peer.name);
        if (peer.preshared_key)
            text += " psk " + to_base64(peer.preshared_key->bytes()).substr(0, 4);
        for (const HostPort &place : peer.endpoints)
            text += fmt::format(" at {} port {} line {}", place.host, place.port,
                                last_line(peer.lines, "Endpoint"));
        if (peer.persistent_keepalive)
            text += fmt::format(" every {}", *peer.persistent_keepalive);
        if (peer.rate_limit)
            text += fmt::format(" at {} a second", *peer.rate_limit);
        if (peer.quota)
            text += fmt::format(" of {}", *peer.quota);
        for (const Prefix &prefix : peer.allowed_ips)
            text += " " + prefix.text();
    }
    return text;
}

std::string understood(const std::string &text)
{
    auto config = parse_config(text, "wg0.conf");
    return config ? describe(*config) : config.error().what;
}

TEST(ConfigFile, understands_every_field)
{
    auto text = fmt::format(R"(# a comment
[Interface]
PrivateKey = {}
ListenPort = 51820
FwMark = 0xca6c
Address = 10.0.0.1/24, fd00::1/64
MTU = 1380

[Peer] # the office
PublicKey = {}
PresharedKey = {}
AllowedIPs = 10.0.0.0/8, fd00::/8
Endpoint = vpn.example.org:51820
PersistentKeepalive = 25

[Peer]
PublicKey = {}
)",
                            PRIVATE_KEY, PEER_A, PRESHARED_KEY, PEER_B);
    EXPECT_EQ(understood(text), "key cF5m\nport 51820\nfwmark 51820\nmtu 1380\n"
                                "address 10.0.0.1/24\naddress fd00::1/64\n"
                                "peer tz1B psk MGrF at vpn.example.org port 51820 line 13 every 25 "
                                "10.0.0.0/8 fd00::/8\n"
                                "peer 4YJL");
}

TEST(ConfigFile, needs_no_more_than_a_private_key)
{
    EXPECT_EQ(understood(INTERFACE), "key cF5m");
}

TEST(ConfigFile, is_as_lenient_as_wg)
{
    struct Case {
        const char *what;
        std::string line;
        std::string expected;
    };
    const Case CASES[] = {
        {"no spaces", "ListenPort=1", "\nport 1"},
        {"any case", "lIsTeNpOrT = 1", "\nport 1"},
        {"tabs and a carriage return", "\tListenPort\t=\t1\r", "\nport 1"},
        {"comment after the value", "ListenPort = 1# one", "\nport 1"},
        {"the last value wins", "ListenPort = 1\nListenPort = 2", "\nport 2"},
        {"a section again", "[interface]\nListenPort = 1", "\nport 1"},
        {"fwmark off", "FwMark = oFf", "\nfwmark 0"},
        {"fwmark in hex", "FwMark = 0xFFFFFFFF", "\nfwmark 4294967295"},
        {"fwmark in decimal", "FwMark = 51820", "\nfwmark 51820"},
        {"random port", "ListenPort = 0", "\nport 0"},
        {"addresses on several lines", "Address = 10.0.0.1/24\nAddress = fd00::1",
         "\naddress 10.0.0.1/24\naddress fd00::1/128"},
        {"smallest MTU", "MTU = 68", "\nmtu 68"},
        {"largest MTU", "MTU = 65455", "\nmtu 65455"},
        {"NICs attached", "Attach = auto", ""},
        {"NICs left alone", "Attach = no", "\nattaches nothing"},
        {"spaces and commas between addresses", "Address = 10.0.0.1/24 fd00::1/64,\t10.0.0.2,",
         "\naddress 10.0.0.1/24\naddress fd00::1/64\naddress 10.0.0.2/32"},
        {"name servers and domains", "DNS = 1.1.1.1, ::1 example.org\ndns=fe80::1%eth0,a_b,~c.org",
         "\ndns 1.1.1.1\ndns ::1\ndns fe80::1%eth0\nsearch example.org\nsearch a_b\nsearch ~c.org"},
        {"no name server", "DNS =", ""},
        {"no routes", "Table = off", "\ntable off"},
        {"routes as usual", "Table = 7\nTable = auto", ""},
        {"a table", "table = 1000", "\ntable 1000"},
        {"hooks", "PostUp =  ip  link show %i; a = b  # shown\npostup=\nPOSTUP=x\r",
         "\npost up ip  link show %i; a = b\npost up x"},
        {"hooks of all kinds", "PreUp = a\nPreDown = b\nPostDown = c",
         "\npre up a\npre down b\npost down c"},
        {"a file that is written back", "SaveConfig = True", "\nsaves"},
        {"a file that is not", "SaveConfig = true\nSaveConfig = false", ""},
    };
    for (const Case &c : CASES)
        EXPECT_EQ(understood(INTERFACE + c.line), "key cF5m" + c.expected) << c.what;
}

TEST(ConfigFile, is_as_lenient_as_wg_about_peers)
{
    struct Case {
        const char *what;
        std::string line;
        std::string expected;
    };
    const Case CASES[] = {
        {"no allowed IPs", "AllowedIPs =", ""},
        {"a name of some words", " NAME =  Zoë's  phone\t # the new one",
         " called \"Zoë's  phone\""},
        {"no name", "Name =", " called \"\""},
        {"lists and lines", "AllowedIPs = 10.0.0.1,10.0.0.2/32\nAllowedIPs = ::/0",
         " 10.0.0.1/32 10.0.0.2/32 ::/0"},
        {"host bits", "AllowedIPs = 10.1.2.3/8", " 10.0.0.0/8"},
        {"a hole", "AllowedIPs = !10.0.0.0/9\nAllowedIPs = 10.0.0.0/8, !10.192.0.0/10",
         " 10.128.0.0/10"},
        {"keepalive off", "PersistentKeepalive = OFF", " every 0"},
        {"longest keepalive", "PersistentKeepalive = 65535", " every 65535"},
        {"limits", "RateLimit = 10M\nQuota = 5g", " at 10485760 a second of 5368709120"},
        {"the largest", "RateLimit = 1500\nQuota = 8192T", " at 1500 a second of 9007199254740992"},
        {"no limits", "RateLimit = off\nQuota = 0", " at 0 a second of 0"},
        {"IPv6 endpoint", "Endpoint = [2001:db8::1]:1", " at 2001:db8::1 port 1 line 5"},
        {"scoped endpoint", "Endpoint = [fe80::1%eth0]:65535",
         " at fe80::1%eth0 port 65535 line 5"},
        {"several endpoints", "Endpoint = a:1, [2001:db8::1]:2",
         " at a port 1 line 5 at 2001:db8::1 port 2 line 5"},
        {"another endpoint", "Endpoint = a:1\nEndpoint = b:2", " at b port 2 line 6"},
        {"spaces in the endpoint", "Endpoint = host : 9", " at host port 9 line 5"},
    };
    auto start = fmt::format("{}[PEER]\nPublicKey = {}\n", INTERFACE, PEER_A);
    for (const Case &c : CASES)
        EXPECT_EQ(understood(start + c.line), "key cF5m\npeer tz1B" + c.expected) << c.what;
}

TEST(ConfigFile, needs_no_private_key_where_a_hook_may_bring_it)
{
    EXPECT_EQ(understood("[Interface]\nPostUp = wg set %i private-key key"),
              "key AAAA\npost up wg set %i private-key key");
}

TEST(ConfigFile, may_begin_with_peers)
{
    EXPECT_EQ(understood(fmt::format("[Peer]\nPublicKey={}\n{}", PEER_A, INTERFACE)),
              "key cF5m\npeer tz1B");
}

TEST(ConfigFile, a_later_section_updates_the_same_peer)
{
    auto text =
        fmt::format("{0}"
                    "[Peer]\nPublicKey={1}\nEndpoint=a:1\nPresharedKey={3}\n"
                    "PersistentKeepalive=5\nRateLimit=1K\nQuota=2K\nAllowedIPs=10.0.0.0/8\n"
                    "[Peer]\nPublicKey={2}\nAllowedIPs=10.0.0.0/8\n"
                    "[Peer]\nPublicKey={1}\nAllowedIPs=10.9.0.0/16\nPersistentKeepalive=7\n",
                    INTERFACE, PEER_A, PEER_B, PRESHARED_KEY);
    // It comes last: the allowed IPs it claims are won from the sections between, as `wg setconf`
    // would have it.
    EXPECT_EQ(understood(text), "key cF5m\npeer 4YJL 10.0.0.0/8\n"
                                "peer tz1B psk MGrF at a port 1 line 5 every 7 at 1024 a second "
                                "of 2048 10.9.0.0/16");
}

TEST(ConfigFile, a_third_section_updates_the_second)
{
    auto text = fmt::format("{0}[Peer]\nPublicKey={1}\nEndpoint=a:1\n[Peer]\nPublicKey={1}\n"
                            "Endpoint=b:2\n[Peer]\nPublicKey={1}\n",
                            INTERFACE, PEER_A);
    EXPECT_EQ(understood(text), "key cF5m\npeer tz1B at b port 2 line 8");
}

} // namespace
} // namespace wg
