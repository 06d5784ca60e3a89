// SPDX-License-Identifier: MIT
//
// Rule 5, only what is ours: everything else goes to the IP stack as it came, uncounted.
#include <random>

#include <arpa/inet.h>

#include "bpf/bpf_fixture.h"

namespace wg::test {

namespace {

/* The layers of a good packet, each of which a case may spoil. */
struct Layers {
    Ethernet ethernet;
    Ip ip;
    Udp udp;
    std::uint32_t type, receiver_index;
    Buffer payload;
};

struct Spoiled {
    const char *name;
    std::function<void(Layers &)> spoil;
    bool v4 = true, v6 = true;
};

const Buffer ROUTER_ALERT{0x94, 4, 0, 0}, HOP_BY_HOP{IPPROTO_UDP, 0, 1, 4, 0, 0, 0, 0};

const Spoiled CASES[] = {
    {"handshake_initiation", [](Layers &layers) { layers.type = WG_HANDSHAKE_INITIATION; }},
    {"handshake_response", [](Layers &layers) { layers.type = WG_HANDSHAKE_RESPONSE; }},
    {"cookie_reply", [](Layers &layers) { layers.type = WG_COOKIE_REPLY; }},
    {"type_0", [](Layers &layers) { layers.type = 0; }},
    {"type_5", [](Layers &layers) { layers.type = 5; }},
    {"first_reserved_byte", [](Layers &layers) { layers.type |= 0x100; }},
    {"second_reserved_byte", [](Layers &layers) { layers.type |= 0x10000; }},
    {"third_reserved_byte", [](Layers &layers) { layers.type |= 0x80000000; }},
    {"unknown_index", [](Layers &layers) { layers.receiver_index ^= 0x100; }},
    {"wrong_port", [](Layers &layers) { layers.udp.destination_port++; }},
    {"foreign_destination_address_v4",
     [](Layers &layers) { layers.ip.destination = address("192.0.2.99"); }, true, false},
    {"foreign_destination_address_v6",
     [](Layers &layers) { layers.ip.destination = address("2001:db8::99"); }, false, true},
    {"foreign_mac", [](Layers &layers) { layers.ethernet.destination = {0x02, 0, 0, 0, 0, 0x99}; }},
    {"broadcast_mac", [](Layers &layers) { layers.ethernet.destination.fill(0xff); }},
    {"vlan", [](Layers &layers) { layers.ethernet.type = 0x8100; }},
    {"arp", [](Layers &layers) { layers.ethernet.type = 0x0806; }},
    {"ethertype_of_the_other_family_v4", [](Layers &layers) { layers.ethernet.type = ETH_P_IPV6; },
     true, false},
    {"ethertype_of_the_other_family_v6", [](Layers &layers) { layers.ethernet.type = ETH_P_IP; },
     false, true},
    {"tcp", [](Layers &layers) { layers.ip.protocol = IPPROTO_TCP; }},
    {"first_fragment", [](Layers &layers) { layers.ip.fragment = 0x2000; }, true, false},
    {"last_fragment", [](Layers &layers) { layers.ip.fragment = 1; }, true, false},
    {"ip_options", [](Layers &layers) { layers.ip.options = ROUTER_ALERT; }, true, false},
    {"header_checksum", [](Layers &layers) { layers.ip.checksum = 0x1234; }, true, false},
    {"extension_header",
     [](Layers &layers) {
         layers.ip.options = HOP_BY_HOP;
         layers.ip.protocol = IPPROTO_HOPOPTS;
     },
     false, true},
    {"fragment_header",
     [](Layers &layers) {
         layers.ip.options = HOP_BY_HOP;
         layers.ip.protocol = IPPROTO_FRAGMENT;
     },
     false, true},
    {"ip_length_too_long", [](Layers &layers) { layers.ip.length = 500; }},
    {"ip_length_too_short", [](Layers &layers) { layers.ip.length = 60; }},
    {"ip_length_0", [](Layers &layers) { layers.ip.length = 0; }},
    {"udp_length_too_long", [](Layers &layers) { layers.udp.length = 8 + 32 + 64 + 1; }},
    {"udp_length_too_short", [](Layers &layers) { layers.udp.length = 8 + 31; }},
    {"udp_length_0", [](Layers &layers) { layers.udp.length = 0; }},
    {"longer_than_a_slot", [](Layers &layers) { layers.payload.resize(WG_STANDARD_PAYLOAD + 1); }},
    {"jumbo", [](Layers &layers) { layers.payload.resize(3000); }},
};

} // namespace

class Pass : public ReceiveTest {
  protected:
    Layers good(const TestPeer &peer) const
    {
        const bool v6 = peer.v6();
        return {.ethernet = {.destination = NIC_MAC, .source = GATEWAY_MAC},
                .ip = {.source = peer.state.endpoint->address, .destination = our_address(v6)},
                .udp = {.source_port = peer.state.endpoint->port, .destination_port = LISTEN_PORT},
                .type = WG_TRANSPORT_DATA,
                .receiver_index = peer.current.local_index,
                .payload = from_peer(peer.number, v6, 64)};
    }

    /* The kernel's test run refuses an skb that is shorter than the IP header it announces. */
    std::size_t shortest(bool v6) const
    {
        return GetParam() == Hook::xdp ? ETH_HLEN : ETH_HLEN + (v6 ? 40 : 20);
    }

    static Buffer build(const Layers &layers, const Key &key)
    {
        return PacketBuilder()
            .ethernet(layers.ethernet)
            .ip(layers.ip)
            .udp(layers.udp)
            .transport_data({.receiver_index = layers.receiver_index,
                             .counter = 0,
                             .key = key,
                             .type = layers.type})
            .payload(layers.payload)
            .build();
    }
};
INSTANTIATE_TEST_SUITE_P(,
                         Pass,
                         testing::Values(Hook::xdp, Hook::tc),
                         testing::PrintToStringParamName());

TEST_P(Pass, takes_the_packet_that_the_cases_spoil)
{
    for (const bool v6 : {false, true}) {
        const TestPeer peer = add_peer(2, v6);
        EXPECT_EQ(receive(build(good(peer), peer.current.receive)).verdict, delivered());
    }
}

TEST_P(Pass, leaves_alone_what_is_not_for_bpf)
{
    for (const bool v6 : {false, true}) {
        const TestPeer peer = add_peer(2, v6);
        for (const auto &spoiled : CASES) {
            if (!(v6 ? spoiled.v6 : spoiled.v4))
                continue;
            Layers layers = good(peer);
            spoiled.spoil(layers);
            expect_untouched(build(layers, peer.current.receive),
                             fmt::format("{}, IPv{}", spoiled.name, v6 ? 6 : 4));
        }
        EXPECT_EQ(activity(peer.state.id).rx_bytes, 0);
    }
}

TEST_P(Pass, leaves_alone_what_is_cut_off_at_any_length)
{
    for (const bool v6 : {false, true}) {
        const TestPeer peer = add_peer(2, v6);
        const Buffer frame = build(good(peer), peer.current.receive);
        for (std::size_t size = shortest(v6); size < frame.size(); size++)
            expect_untouched(Bytes(frame).first(size),
                             fmt::format("{} bytes, IPv{}", size, v6 ? 6 : 4));
    }
}

TEST_P(Pass, leaves_alone_an_index_of_another_tunnel)
{
    const TestPeer peer = add_peer(2, false);
    change_keypair(peer.current.id, [&](wg_keypair &keypair) { keypair.tunnel = tunnel + 1; });
    expect_untouched(build(good(peer), peer.current.receive), "index of another tunnel");
}

TEST_P(Pass, leaves_alone_an_index_whose_element_was_given_to_another)
{
    const TestPeer peer = add_peer(2, false);
    change_keypair(peer.current.id, [&](wg_keypair &keypair) { keypair.local_index++; });
    expect_untouched(build(good(peer), peer.current.receive), "an index that is another's");
}

TEST_P(Pass, leaves_alone_a_retired_keypair)
{
    TestPeer peer = add_peer(2, false);
    peer.state.current = 0;
    publish(peer);
    datapath->retire_keypair(peer.current.id);
    expect_untouched(build(good(peer), peer.current.receive), "a retired keypair");
}

TEST_P(Pass, leaves_alone_what_comes_while_the_tunnel_is_down)
{
    const TestPeer peer = add_peer(2, false);
    const Buffer frame = build(good(peer), peer.current.receive);
    must(datapath->set_listeners({}));
    expect_untouched(frame, "no listener");
}

TEST_F(BpfTest, wg_rx_xdp_leaves_a_nic_alone_that_is_not_attached)
{
    const TestPeer peer = add_peer(2, false);
    const Buffer frame = arriving(peer, from_peer(2, false, 64), {});
    datapath->erase_nic(nic);
    const Outcome run = run_xdp(program("wg_rx_xdp"), frame, nic);
    EXPECT_EQ(run.verdict, XDP_PASS);
    EXPECT_TRUE(same_frame(run.frame, frame));
}

TEST_F(BpfTest, wg_rx_tc_leaves_a_super_packet_of_several_datagrams_to_the_socket)
{
    const TestPeer peer = add_peer(2, false);
    const Buffer frame = arriving(peer, from_peer(2, false, 64), {});
    const Outcome run = run_tc(program("wg_rx_tc"), frame, {.ifindex = nic, .gso_size = 50});
    EXPECT_EQ(run.verdict, TC_ACT_UNSPEC);
    EXPECT_TRUE(same_frame(run.frame, frame));
}

/* bpf_skb_adjust_room could not make those inner packets; a sender that pads sends none. */
TEST_F(BpfTest, wg_rx_tc_leaves_short_unpadded_packets_in_ipv6_to_the_socket)
{
    const TestPeer peer = add_peer(2, true);
    for (const std::size_t size : {20U, 21U, 22U, 23U, 24U}) {
        const Buffer frame = arriving(peer, from_peer(2, false, size), {.counter = size});
        const Outcome run = run_tc(program("wg_rx_tc"), frame, {.ifindex = nic});
        EXPECT_EQ(run.verdict, size < 24 ? TC_ACT_UNSPEC : TC_ACT_REDIRECT) << size << " bytes";
        EXPECT_EQ(same_frame(run.frame, frame), size < 24) << size << " bytes";
        EXPECT_TRUE(new_drops().empty()) << size << " bytes";
    }
}

/* 100,000 frames: noise with plausible Ethernet headers, and noise behind good IP headers to our
 * port. */
TEST_P(Pass, leaves_alone_100000_frames_of_junk)
{
    const TestPeer peers[] = {add_peer(4, false), add_peer(6, true)};
    std::mt19937_64 random(20'260'101);
    for (int i = 0; i < 100'000; i++) {
        Buffer noise(shortest(true) + random() % 400);
        for (auto &byte : noise)
            byte = static_cast<std::uint8_t>(random());
        const TestPeer &peer = peers[random() % 2];
        PacketBuilder builder;
        if (i % 2 != 0)
            builder.ethernet({.destination = NIC_MAC, .source = GATEWAY_MAC})
                .ip({.source = peer.state.endpoint->address, .destination = our_address(peer.v6())})
                .udp({.source_port = 1, .destination_port = LISTEN_PORT});
        else
            builder.ethernet(
                {.destination = NIC_MAC,
                 .source = GATEWAY_MAC,
                 .type = static_cast<std::uint16_t>(peer.v6() ? ETH_P_IPV6 : ETH_P_IP)});
        const Buffer frame = builder.payload(noise).build();
        const Outcome run = receive(frame);
        ASSERT_EQ(run.verdict, passed()) << "frame " << i;
        ASSERT_TRUE(same_frame(run.frame, frame)) << "frame " << i;
    }
}

} // namespace wg::test
