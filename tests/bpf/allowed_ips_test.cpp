// SPDX-License-Identifier: MIT
//
// Prefixes in the tries that the programs look into, a million of them, against a plain list.
#include <random>
#include <unordered_map>

#include <linux/pkt_cls.h>

#include "bpf_fixture.h"

namespace wg::test {
namespace {

constexpr std::size_t PREFIXES = 1'000'000;
constexpr int LOOKUPS = 20'000;
constexpr PeerId OWNERS = 1000; // any number will do: the tries do not know peers

class Generator {
  public:
    IpAddress address(bool v6)
    {
        std::array<std::uint8_t, 16> bytes{};
        for (auto &byte : bytes)
            byte = static_cast<std::uint8_t>(engine_());
        bytes[0] = static_cast<std::uint8_t>(v6 ? 0x20 | (bytes[0] & 1) : bytes[0]);
        return v6 ? IpAddress::v6(bytes) : IpAddress::v4(std::span(bytes).first<4>());
    }
    Prefix prefix()
    {
        const bool v6 = engine_() % 2 == 0;
        return Prefix::of(address(v6),
                          static_cast<std::uint8_t>(v6 ? engine_() % 65 + 64 : engine_() % 25 + 8));
    }
    PeerId owner() { return static_cast<PeerId>(engine_() % OWNERS + 1); }
    std::size_t below(std::size_t limit) { return engine_() % limit; }

  private:
    std::mt19937 engine_{11};
};

/// The longest prefix of the list that contains the address, by trying every length.
std::optional<PeerId> expected(const std::map<Prefix, PeerId> &list, const IpAddress &address)
{
    for (int length = static_cast<int>(address.bits()); length >= 0; length--)
        if (const auto found = list.find(Prefix::of(address, static_cast<std::uint8_t>(length)));
            found != list.end())
            return found->second;
    return std::nullopt;
}

TEST_F(BpfTest, a_million_allowed_ips_are_looked_up_rightly)
{
    Generator random;
    std::map<Prefix, PeerId> list;
    std::vector<Prefix> all;
    while (list.size() < PREFIXES) {
        const Prefix prefix = random.prefix();
        const PeerId owner = random.owner(); // of a prefix that is there already: it moves
        must(datapath->set_allowed_ip(tunnel, prefix, owner));
        if (list.insert_or_assign(prefix, owner).second)
            all.push_back(prefix);
    }
    for (std::size_t i = 0; i < PREFIXES / 10; i++) {
        const Prefix &prefix = all[random.below(all.size())];
        datapath->remove_allowed_ip(tunnel, prefix);
        list.erase(prefix);
    }
    for (int i = 0; i < LOOKUPS; i++) {
        // where something is, and anywhere
        const Prefix &near = all[random.below(all.size())];
        for (const IpAddress &address : {near.address, random.address(i % 2 == 0)})
            ASSERT_EQ(datapath->lookup_allowed_ip(tunnel, address), expected(list, address))
                << address.text();
    }
    // and so does the program: a peer among them all
    const TestPeer peer = add_peer(2, false);
    EXPECT_EQ(send(to_peer(2, false, 100)).verdict, TC_ACT_REDIRECT);
    EXPECT_EQ(datapath->lookup_allowed_ip(tunnel + 1, all.back().address), std::nullopt);
}

/* The cache before the tries has 512 elements a CPU: 700 addresses come and go in it. */
TEST_F(BpfTest, a_program_follows_every_change_of_the_allowed_ips_at_once)
{
    const TestPeer peers[] = {add_peer(2, false), add_peer(3, false)};
    Generator random;
    std::vector<IpAddress> addresses;
    for (int i = 0; i < 700; i++)
        addresses.push_back(random.address(i % 2 == 0));
    std::map<Prefix, PeerId> list;
    const auto check = [&](const IpAddress &address) {
        const auto owner = expected(list, address);
        const Outcome run =
            send(inner_packet({.source = our_inner(address.is_v6()), .destination = address}, 100));
        if (!owner)
            return run.verdict == TC_ACT_SHOT;
        const TestPeer &peer = peers[0].state.id == *owner ? peers[0] : peers[1];
        return run.verdict == TC_ACT_REDIRECT &&
               load<std::uint32_t>(Bytes(run.frame).subspan(46, 4)) == peer.current.remote_index;
    };
    for (int i = 0; i < 20000; i++) {
        const IpAddress &address = addresses[random.below(addresses.size())];
        const auto length = static_cast<std::uint8_t>(address.bits() - random.below(3) * 8);
        const Prefix prefix = Prefix::of(address, length);
        const PeerId owner = peers[random.below(2)].state.id;
        switch (random.below(20)) {
        case 0:
            must(datapath->set_allowed_ip(tunnel, prefix, owner));
            list.insert_or_assign(prefix, owner);
            break;
        case 1:
            datapath->remove_allowed_ip(tunnel, prefix);
            list.erase(prefix);
            break;
        default:
            break;
        }
        ASSERT_TRUE(check(address)) << "step " << i << ", " << address.text();
    }
    EXPECT_GT(new_drops()[WG_DROP_NO_PEER], 100);
}

} // namespace
} // namespace wg::test
