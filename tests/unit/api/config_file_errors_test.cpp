// SPDX-License-Identifier: MIT
//
// Files that are wrong: each sentence names the line, the field and what was expected, and never a
// key.
#include <gtest/gtest.h>

#include "api/config_file.h"
#include "unit/api/keys.h"

namespace wg {
namespace {

using namespace test;

struct Case {
    std::string line;
    std::string expected;
};

std::string complaint(const std::string &text)
{
    auto config = parse_config(text, "wg0.conf");
    return config ? "no complaint" : config.error().what;
}

const std::string KEY_EXPECTED = "expected a key of 44 base64 characters";
const std::string INTERFACE_FIELDS =
    "PrivateKey, ListenPort, FwMark, Address, DNS, MTU, Table, PreUp, PostUp, PreDown, PostDown, "
    "SaveConfig, Attach";
const std::string PEER_FIELDS =
    "PublicKey, Name, PresharedKey, AllowedIPs, Endpoint, PersistentKeepalive, RateLimit, Quota";

TEST(ConfigFileErrors, name_the_wrong_line_of_the_interface)
{
    const std::string LONG(100, '9');
    const Case CASES[] = {
        {"PrivateKey =", "PrivateKey: " + KEY_EXPECTED + ", got nothing"},
        {"PrivateKey = short", "PrivateKey: " + KEY_EXPECTED},
        {"PrivateKey = cF5mHnPth28nr9jP9ZhJa5LaUxzHg+tsNQFkgkrANXx=",
         "PrivateKey: " + KEY_EXPECTED},
        {"PrivateKey = cF5mHnPth28nr9jP9ZhJa5LaUxzHg+tsNQFkgkrANXw=A",
         "PrivateKey: " + KEY_EXPECTED},
        {"ListenPort =", "ListenPort: expected 0 to 65535, got nothing"},
        {"ListenPort = 65536", "ListenPort: expected 0 to 65535, got \"65536\""},
        {"ListenPort = -1", "ListenPort: expected 0 to 65535, got \"-1\""},
        {"ListenPort = +1", "ListenPort: expected 0 to 65535, got \"+1\""},
        {"ListenPort = 1x", "ListenPort: expected 0 to 65535, got \"1x\""},
        {"ListenPort = http", "ListenPort: expected 0 to 65535, got \"http\""},
        {"ListenPort = " + LONG,
         "ListenPort: expected 0 to 65535, got \"" + LONG.substr(0, 64) + "\"..."},
        {"listenport = \x1b[2J", "ListenPort: expected 0 to 65535, got \"?[2J\""},
        {"FwMark =", "FwMark: expected 0 to 4294967295, 0x hex or off, got nothing"},
        {"FwMark = 0x", "FwMark: expected 0 to 4294967295, 0x hex or off, got \"0x\""},
        {"FwMark = ca6c", "FwMark: expected 0 to 4294967295, 0x hex or off, got \"ca6c\""},
        {"FwMark = 0x100000000",
         "FwMark: expected 0 to 4294967295, 0x hex or off, got \"0x100000000\""},
        {"FwMark = 4294967296",
         "FwMark: expected 0 to 4294967295, 0x hex or off, got \"4294967296\""},
        {"FwMark = on", "FwMark: expected 0 to 4294967295, 0x hex or off, got \"on\""},
        {"Address =", "Address: expected an IP address like 10.0.0.1/24, got nothing"},
        {"Address = 10.0.0.1/33",
         "Address: expected an IP address like 10.0.0.1/24, got \"10.0.0.1/33\""},
        {"Address = fd00::1/129",
         "Address: expected an IP address like 10.0.0.1/24, got \"fd00::1/129\""},
        {"Address = 10.0.0.1/24, host",
         "Address: expected an IP address like 10.0.0.1/24, got \"host\""},
        {"MTU = 67", "MTU: expected 68 to 65455, got \"67\""},
        {"MTU = 65456", "MTU: expected 68 to 65455, got \"65456\""},
        {"MTU = big", "MTU: expected 68 to 65455, got \"big\""},
        {"Attach = yes", "Attach: expected auto or no, got \"yes\""},
        {"DNS = 1.1.1.1, 1.1.1.",
         "DNS: expected an IP address or a search domain like example.org, got \"1.1.1.\""},
        {"DNS = a~b",
         "DNS: expected an IP address or a search domain like example.org, got \"a~b\""},
        {"DNS = $(reboot)", "DNS: expected an IP address or a search domain like example.org, got "
                            "\"$(reboot)\""},
        {"Table = a b",
         "Table: expected auto, off, or a routing table's number or name, got \"a b\""},
        {"Table =", "Table: expected auto, off, or a routing table's number or name, got nothing"},
        {"SaveConfig = yes", "SaveConfig: expected true or false, got \"yes\""},
        {"Endpoint = a:1",
         "Endpoint is unknown in [Interface], expected one of " + INTERFACE_FIELDS},
        {"= 5", "expected one of " + INTERFACE_FIELDS + " in [Interface]"},
        {"ListenPort", "expected KEY = VALUE or a section like [Peer]"},
        {"[Interface", "expected the section [Interface] or [Peer], got \"[Interface\""},
        {"[Peers]", "expected the section [Interface] or [Peer], got \"[Peers]\""},
    };
    const auto start = fmt::format("# wg0\n[Interface]\nPrivateKey = {}\n", PRIVATE_KEY);
    for (const Case &c : CASES)
        EXPECT_EQ(complaint(start + c.line), "wg0.conf: line 4: " + c.expected) << c.line;
}

TEST(ConfigFileErrors, name_the_wrong_line_of_a_peer)
{
    const std::string PREFIX =
        "AllowedIPs: expected an IP prefix like 10.0.0.0/8, or !10.1.0.0/16 to leave one out, got ";
    const std::string PLACE =
        "Endpoint: expected HOST:PORT like vpn.example.org:51820 or [2001:db8::1]:51820, got ";
    const std::string CALLED = "Name: expected a name of up to 64 characters of UTF-8, none of "
                               "them '#' or a control character, and without outer blanks, got ";
    const std::string SECONDS = "PersistentKeepalive: expected 0 to 65535 seconds or off, got ";
    const std::string BYTES =
        "expected bytes up to 8192T like 1500, 64K, 10M, 5G or 1T, or off, got ";
    const Case CASES[] = {
        {"PublicKey = 4YJLQxMgqu5TKOv6Z0w1hHWyrgP8iAMIqfL83lS6u0", "PublicKey: " + KEY_EXPECTED},
        {"PresharedKey = x", "PresharedKey: " + KEY_EXPECTED},
        {"PresharedKey =", "PresharedKey: " + KEY_EXPECTED + ", got nothing"},
        {"AllowedIPs = 10.0.0.0/99", PREFIX + "\"10.0.0.0/99\""},
        {"AllowedIPs = 10.0.0.0/", PREFIX + "\"10.0.0.0/\""},
        {"AllowedIPs = 10.0.0/8", PREFIX + "\"10.0.0/8\""},
        {"AllowedIPs = 10.0.0.0/8, , ::/0", PREFIX + "nothing"},
        {"AllowedIPs = +10.0.0.0/8", PREFIX + "\"+10.0.0.0/8\""},
        {"AllowedIPs = !", PREFIX + "\"!\""},
        {"AllowedIPs = 10.0.0.0/8, !0.0.0.0/0",
         "AllowedIPs: expected a prefix that is not excluded, but nothing remains"},
        {"Endpoint =", PLACE + "nothing"},
        {"Endpoint = host", PLACE + "\"host\""},
        {"Endpoint = host:", PLACE + "\"host:\""},
        {"Endpoint = :51820", PLACE + "\":51820\""},
        {"Endpoint = host:0", PLACE + "\"host:0\""},
        {"Endpoint = host:65536", PLACE + "\"host:65536\""},
        {"Endpoint = 2001:db8::1:51820", PLACE + "\"2001:db8::1:51820\""},
        {"Endpoint = [2001:db8::1:51820", PLACE + "\"[2001:db8::1:51820\""},
        {"Endpoint = []:51820", PLACE + "\"[]:51820\""},
        {"Name = a\x1b[31m", CALLED + "\"a?[31m\""},
        {"Name = \xff", CALLED + "\"?\""},
        {"Name = " + std::string(65, 'x'), CALLED + '"' + std::string(64, 'x') + "\"..."},
        {"PersistentKeepalive = 65536", SECONDS + "\"65536\""},
        {"PersistentKeepalive = -1", SECONDS + "\"-1\""},
        {"PersistentKeepalive = on", SECONDS + "\"on\""},
        {"PersistentKeepalive =", SECONDS + "nothing"},
        {"RateLimit = 10MB", "RateLimit: " + BYTES + "\"10MB\""},
        {"RateLimit = M", "RateLimit: " + BYTES + "\"M\""},
        {"RateLimit =", "RateLimit: " + BYTES + "nothing"},
        {"Quota = 1.5G", "Quota: " + BYTES + "\"1.5G\""},
        {"Quota = -1", "Quota: " + BYTES + "\"-1\""},
        {"Quota = 8193T", "Quota: " + BYTES + "\"8193T\""},
        {"MTU = 1400", "MTU is unknown in [Peer], expected one of " + PEER_FIELDS},
        {"DNS = 1.1.1.1", "DNS is unknown in [Peer], expected one of " + PEER_FIELDS},
    };
    const auto start = fmt::format("[Interface]\nPrivateKey = {}\n\n[Peer]\nPublicKey = {}\n",
                                   PRIVATE_KEY, PEER_A);
    for (const Case &c : CASES)
        EXPECT_EQ(complaint(start + c.line), "wg0.conf: line 6: " + c.expected) << c.line;
}

TEST(ConfigFileErrors, name_what_is_missing)
{
    const auto interface = fmt::format("[Interface]\nPrivateKey = {}\n", PRIVATE_KEY);
    const Case CASES[] = {
        {"", "wg0.conf: [Interface]: the section is missing"},
        {"# nothing\n\n", "wg0.conf: [Interface]: the section is missing"},
        {fmt::format("[Peer]\nPublicKey = {}\n", PEER_A),
         "wg0.conf: [Interface]: the section is missing"},
        {"\n[Interface]\nListenPort = 1\n", "wg0.conf: line 2: PrivateKey: missing in [Interface]"},
        {"[Interface]\nPostDown = true\n", "wg0.conf: line 1: PrivateKey: missing in [Interface]"},
        {"ListenPort = 1\n",
         "wg0.conf: line 1: expected a section, [Interface] or [Peer], before the first key"},
        {interface + "[Peer]\nAllowedIPs = ::/0\n",
         "wg0.conf: line 3: PublicKey: missing in this [Peer]"},
        {interface + "[Peer]\n" + fmt::format("[Peer]\nPublicKey = {}\n", PEER_A),
         "wg0.conf: line 3: PublicKey: missing in this [Peer]"},
        {"[Peer]\n" + interface, "wg0.conf: line 1: PublicKey: missing in this [Peer]"},
    };
    for (const Case &c : CASES)
        EXPECT_EQ(complaint(c.line), c.expected) << c.line;
}

TEST(ConfigFileErrors, never_show_a_key)
{
    const std::string key = PRIVATE_KEY;
    const std::string TEXTS[] = {
        key,
        "PrivateKey " + key,
        "[Interface]\n" + key,
        "[Interface]\nPrivateKey " + key,
        "[Interface]\nPrivateKye = " + key,
        "[Interface]\nPrivateKey = x" + key,
        "[Interface]\nPrivateKey = " + key + key,
        "[Peer]\nPublicKey = x" + key,
        "[Peer]\nPresharedKey = x" + key,
    };
    for (const auto &text : TEXTS) {
        auto what = complaint(text);
        EXPECT_NE(what, "no complaint") << text;
        EXPECT_EQ(what.find(key.substr(0, 8)), std::string::npos) << what;
    }
}

} // namespace
} // namespace wg
