// SPDX-License-Identifier: MIT
//
// The cases of the driver's selftest/allowedips.c. Looking up is the data plane's: here it is done
// in what the data plane was told.
#include <gtest/gtest.h>

#include "device/allowed_ips.h"
#include "unit/device/network.h"

namespace wg::test {

namespace {

Prefix prefix(const std::string &text)
{
    const auto slash = text.find('/');
    const IpAddress address = IpAddress::parse(text.substr(0, slash)).value();
    return {address,
            static_cast<std::uint8_t>(std::stoi(text.substr(slash + 1)))}; // host bits and all
}

class AllowedIpsTest : public ::testing::Test {
  protected:
    AllowedIpsTest()
    {
        for (char name = 'a'; name <= 'h'; ++name)
            peers[name] = datapath.allocate_peer().value();
    }
    void insert(char peer, const std::string &text)
    {
        ASSERT_TRUE(table.insert(prefix(text), peers.at(peer)));
    }
    char lookup(const std::string &text) const
    {
        const auto found = datapath.lookup(IpAddress::parse(text).value());
        for (const auto &[name, id] : peers)
            if (found == id)
                return name;
        return '-';
    }
    std::vector<std::string> list(char peer) const
    {
        std::vector<std::string> texts;
        for (const Prefix &each : table.list(peers.at(peer)))
            texts.push_back(each.text());
        return texts;
    }

    Clock clock;
    FakeDatapath datapath{clock};
    AllowedIps table{datapath};
    std::map<char, PeerId> peers;
};

struct Entry {
    char peer;
    const char *text;
};

// The last of two with the same masked prefix wins.
constexpr Entry INSERTED[] = {
    {'a', "192.168.4.0/24"},
    {'b', "192.168.4.4/32"},
    {'c', "192.168.0.0/16"},
    {'d', "192.95.5.64/27"},
    {'c', "192.95.5.65/27"},
    {'d', "2607:5300:6000:6b00::c05f:543/128"},
    {'c', "2607:5300:6000:6b00::/64"},
    {'e', "0.0.0.0/0"},
    {'e', "::/0"},
    {'f', "::/0"},
    {'g', "2404:6800::/32"},
    {'h', "2404:6800:4004:800:dead:beef:dead:beef/64"},
    {'a', "2404:6800:4004:800:dead:beef:dead:beef/128"},
    {'c', "2444:6800:40e4:800:deae:beef:def:beef/128"},
    {'b', "2444:6800:f0e4:800:eeae:beef::/98"},
    {'g', "64.15.112.0/20"},
    {'h', "64.15.123.211/25"},
    {'a', "10.0.0.0/25"},
    {'b', "10.0.0.128/25"},
    {'a', "10.1.0.0/30"},
    {'b', "10.1.0.4/30"},
    {'c', "10.1.0.8/29"},
    {'d', "10.1.0.16/29"},
};

constexpr Entry LOOKED_UP[] = {
    {'a', "192.168.4.20"},
    {'a', "192.168.4.0"},
    {'b', "192.168.4.4"},
    {'c', "192.168.200.182"},
    {'c', "192.95.5.68"},
    {'e', "192.95.5.96"},
    {'d', "2607:5300:6000:6b00::c05f:543"},
    {'c', "2607:5300:6000:6b00::c02e:1ee"},
    {'f', "2607:5300:6000:6b01::"},
    {'g', "2404:6800:4004:806::1006"},
    {'g', "2404:6800:4004:806:0:1234:0:5678"},
    {'f', "2404:67ff:4004:806:0:1234:0:5678"},
    {'f', "2404:6801:4004:806:0:1234:0:5678"},
    {'h', "2404:6800:4004:800:0:1234:0:5678"},
    {'h', "2404:6800:4004:800::"},
    {'h', "2404:6800:4004:800:1010:1010:1010:1010"},
    {'a', "2404:6800:4004:800:dead:beef:dead:beef"},
    {'g', "64.15.116.26"},
    {'g', "64.15.127.3"},
    {'g', "64.15.123.1"},
    {'h', "64.15.123.128"},
    {'h', "64.15.123.129"},
    {'a', "10.0.0.52"},
    {'b', "10.0.0.220"},
    {'a', "10.1.0.2"},
    {'b', "10.1.0.6"},
    {'c', "10.1.0.10"},
    {'d', "10.1.0.20"},
};

} // namespace

TEST_F(AllowedIpsTest, route_as_the_drivers_table_does)
{
    for (const Entry &each : INSERTED)
        insert(each.peer, each.text);
    for (const Entry &each : LOOKED_UP)
        EXPECT_EQ(lookup(each.text), each.peer) << each.text;
}

TEST_F(AllowedIpsTest, go_with_their_peer)
{
    for (const char *text : {"1.0.0.0", "64.0.0.0", "128.0.0.0", "192.0.0.0", "255.0.0.0"})
        insert('a', std::string(text) + "/32");
    insert('a', "192.168.0.0/16");
    insert('a', "192.168.0.0/24");
    insert('b', "10.0.0.0/8");
    table.remove_by_peer(peers['a']);

    for (const char *text :
         {"1.0.0.0", "64.0.0.0", "128.0.0.0", "192.0.0.0", "255.0.0.0", "192.168.0.1"})
        EXPECT_EQ(lookup(text), '-') << text;
    EXPECT_EQ(lookup("10.1.1.1"), 'b');
    EXPECT_EQ(table.size(), 1U);
}

TEST_F(AllowedIpsTest, hold_the_worst_case_of_128_nested_branches)
{
    for (unsigned bit = 0; bit < 128; ++bit) {
        std::array<std::uint8_t, 16> bytes;
        bytes.fill(0xff);
        bytes[bit / 8] = static_cast<std::uint8_t>(~(1U << (bit % 8)));
        ASSERT_TRUE(table.insert({IpAddress::v6(bytes), 128}, peers['a']));
    }
    EXPECT_EQ(datapath.allowed_ips.size(), 128U);
    table.remove_by_peer(peers['a']);
    EXPECT_TRUE(datapath.allowed_ips.empty());
}

TEST_F(AllowedIpsTest, are_listed_masked)
{
    for (const char *text : {"192.95.5.93/27", "2607:5300:6000:6b00::c05f:543/128", "10.1.0.20/29",
                             "2607:5300:6d8a:6bf8:dab1:f1df:c05f:1523/83",
                             "2607:5300:6d8a:6bf8:dab1:f1df:c05f:1523/21"})
        insert('a', text);
    EXPECT_EQ(list('a'),
              (std::vector<std::string>{"10.1.0.16/29", "192.95.5.64/27", "2607:5000::/21",
                                        "2607:5300:6000:6b00::c05f:543/128",
                                        "2607:5300:6d8a:6bf8:dab1:e000::/83"}));
}

TEST_F(AllowedIpsTest, move_to_a_new_owner_and_are_removed_only_by_it)
{
    insert('a', "10.0.0.0/24");
    insert('b', "10.0.0.7/24");
    EXPECT_TRUE(list('a').empty());
    EXPECT_EQ(list('b'), std::vector<std::string>{"10.0.0.0/24"});
    table.remove(prefix("10.0.0.0/24"), peers['a']);
    EXPECT_EQ(lookup("10.0.0.1"), 'b');
    table.remove(prefix("10.0.0.99/24"), peers['b']);
    EXPECT_EQ(lookup("10.0.0.1"), '-');
}

TEST_F(AllowedIpsTest, agree_with_a_plain_list)
{
    std::mt19937 engine(7);
    std::map<Prefix, PeerId> reference;
    const auto random_prefix = [&engine] {
        std::array<std::uint8_t, 16> bytes{};
        for (auto &byte : bytes)
            byte = static_cast<std::uint8_t>(engine() %
                                             4); // few values, so that prefixes collide and nest
        if (engine() % 2)
            return Prefix{IpAddress::v6(bytes), static_cast<std::uint8_t>(engine() % 129)};
        return Prefix{IpAddress::v4(std::span(bytes).first<4>()),
                      static_cast<std::uint8_t>(engine() % 33)};
    };

    for (int round = 0; round < 20'000; ++round) {
        const Prefix raw = random_prefix();
        const Prefix masked = Prefix::of(raw.address, raw.length);
        const PeerId peer = peers[static_cast<char>('a' + engine() % 8)];
        if (engine() % 4) {
            ASSERT_TRUE(table.insert(raw, peer));
            reference[masked] = peer;
        } else if (engine() % 50) {
            table.remove(raw, peer);
            if (auto found = reference.find(masked);
                found != reference.end() && found->second == peer)
                reference.erase(found);
        } else {
            table.remove_by_peer(peer);
            std::erase_if(reference, [peer](const auto &entry) { return entry.second == peer; });
        }
        ASSERT_EQ(datapath.allowed_ips.size(), reference.size());
    }
    EXPECT_EQ(datapath.allowed_ips, reference);
    for (const auto &[name, id] : peers) {
        std::vector<Prefix> expected;
        for (const auto &[each, owner] : reference)
            if (owner == id)
                expected.push_back(each);
        EXPECT_EQ(table.list(id), expected);
    }
}

} // namespace wg::test
