// SPDX-License-Identifier: MIT
#include "bpf/bpf_fixture.h"

#include <ostream>

#include <arpa/inet.h>

#include <bpf/libbpf.h>

namespace wg::test {

namespace {

template <std::size_t N>
void copy(const std::array<std::uint8_t, N> &from, std::uint8_t (&to)[N])
{
    std::memcpy(to, from.data(), N);
}

wg_listener_key listener(bool v6)
{
    wg_listener_key key{};
    copy(our_address(v6).bytes, key.address);
    key.port = htons(LISTEN_PORT);
    key.family = v6 ? AF_INET6 : AF_INET;
    return key;
}

wg_route route_to_peer(bool v6)
{
    wg_route route{};
    route.ifindex = Sandbox::get().nic();
    route.mtu = 1500;
    copy(our_address(v6).bytes, route.source);
    copy(NIC_MAC, route.source_mac);
    copy(GATEWAY_MAC, route.next_hop_mac);
    route.kind = WG_ROUTE_DIRECT;
    route.hop_limit = HOP_LIMIT;
    return route;
}

Key random_key()
{
    Key key;
    SystemRandom().fill(key.mutable_bytes());
    return key;
}

int collect_event(void *events, void *data, std::size_t)
{
    static_cast<std::vector<wg_event> *>(events)->push_back(*static_cast<const wg_event *>(data));
    return 0;
}

} // namespace

IpAddress address(std::string_view text)
{
    return must(IpAddress::parse(text));
}

IpAddress our_address(bool v6)
{
    return address(v6 ? "2001:db8::1" : "192.0.2.1");
}

IpAddress our_inner(bool v6)
{
    return inner_of(1, v6);
}

IpAddress inner_of(int peer, bool v6)
{
    return address(fmt::format("{}{}", v6 ? "fd00::" : "10.0.0.", peer));
}

void PrintTo(const Families &families, std::ostream *out)
{
    *out << (families.inner_v6 ? "IPv6" : "IPv4") << "_in_"
         << (families.outer_v6 ? "IPv6" : "IPv4");
}

void BpfTest::SetUp()
{
    auto &sandbox = Sandbox::get();
    sandbox.clear();
    tunnel = sandbox.wg0x();
    nic = sandbox.nic();
    datapath = must(BpfDatapath::create(io, sandbox.programs()));
    put_tunnel([](wg_tunnel &) {});
    wg_nic attached{};
    attached.receiver = nic;
    attached.mode = attached.wanted = WG_NIC_NATIVE;
    copy(NIC_MAC, attached.mac);
    must(datapath->put_nic(nic, attached));
    must(datapath->set_listeners({{listener(false), tunnel}, {listener(true), tunnel}}));
    tell_unreachable_from(~std::uint64_t{0}); // what goes nowhere is dropped, unless a test asks
    ring_ = {ring_buffer__new(map("events"), collect_event, &events_, nullptr), ring_buffer__free};
    std::ignore = new_events(); // an earlier test's
}

void BpfTest::TearDown()
{
    if (!datapath)
        return;
    for (const auto &[reason, packets] : new_drops())
        ADD_FAILURE() << packets << " packets were dropped as " << wg_drop_reason_name(reason)
                      << ", and no test asked for it";
}

TestPeer BpfTest::add_peer(int number, bool outer_v6, KeypairOptions options)
{
    TestPeer peer;
    peer.number = number;
    peer.state.id = must(datapath->allocate_peer());
    peer.state.endpoint = Endpoint{
        .address = address(fmt::format("{}{}", outer_v6 ? "2001:db8:1::" : "198.51.100.", number)),
        .port = static_cast<std::uint16_t>(40000 + number),
        .source = our_address(outer_v6),
        .source_ifindex = nic};
    peer.route = route_to_peer(outer_v6);
    peer.current = add_keypair(peer.state.id, options);
    peer.state.current = peer.current.id;
    for (const bool v6 : {false, true}) {
        const auto inside = inner_of(number, v6);
        must(datapath->set_allowed_ip(
            tunnel, Prefix::of(inside, static_cast<std::uint8_t>(inside.bits())), peer.state.id));
    }
    publish(peer);
    return peer;
}

TestKeypair BpfTest::add_keypair(PeerId peer, KeypairOptions options)
{
    const std::uint32_t number = next_index_++;
    TestKeypair keypair{datapath->allocate_keypair(), 0x4c000000 + number, 0x52000000 + number,
                        random_key(), random_key()};
    must(datapath->install_keypair(tunnel, {.id = keypair.id,
                                            .peer = peer,
                                            .local_index = keypair.local_index,
                                            .remote_index = keypair.remote_index,
                                            .initiator = options.initiator,
                                            .created_at = now().instant - options.age,
                                            .send_key = keypair.send.clone(),
                                            .receive_key = keypair.receive.clone()}));
    return keypair;
}

void BpfTest::publish(const TestPeer &peer)
{
    must(datapath->publish_peer(tunnel, peer.state));
    must(datapath->set_route(peer.state.id, peer.route));
}

void BpfTest::put_tunnel(const std::function<void(wg_tunnel &)> &change)
{
    wg_tunnel element{};
    std::strcpy(element.name, "wg0");
    element.wg0_ifindex = Sandbox::get().wg0();
    element.mtu = TUNNEL_MTU;
    element.fwmark = FWMARK;
    element.listen_port = htons(LISTEN_PORT);
    copy(WG0_MAC, element.wg0_mac);
    copy(WG0X_MAC, element.wg0x_mac);
    change(element);
    must(datapath->put_tunnel(tunnel, element));
}

wg_keypair BpfTest::keypair(KeypairId id) const
{
    const auto keypairs = must(BpfMap<std::uint64_t, wg_keypair>::of(map("keypairs"), "keypairs"));
    return keypairs.find(id, BPF_F_LOCK).value();
}

void BpfTest::change_keypair(KeypairId id, const std::function<void(wg_keypair &)> &change)
{
    auto keypairs = must(BpfMap<std::uint64_t, wg_keypair>::of(map("keypairs"), "keypairs"));
    auto element = keypairs.find(id, BPF_F_LOCK).value();
    change(element);
    must(keypairs.overwrite(id, element));
}

wg_peer_activity BpfTest::activity(PeerId peer) const
{
    return must(BpfMap<std::uint32_t, wg_peer_activity>::of(map("peer_activity"), "peer_activity"))
        .find(peer)
        .value();
}

void BpfTest::claim_all_slots()
{
    wg_cpu_slots claimed{};
    std::fill_n(claimed.claimed, static_cast<std::size_t>(WG_SLOTS_PER_CPU), 1);
    const std::vector<wg_cpu_slots> all(Sandbox::get().cpus(), claimed);
    const std::uint32_t zero = 0;
    ASSERT_EQ(bpf_map_update_elem(map("slots_claimed"), &zero, all.data(), BPF_ANY), 0);
}

Buffer BpfTest::to_peer(int number, bool v6, std::size_t size, std::uint8_t ds) const
{
    return inner_packet({.source = our_inner(v6), .destination = inner_of(number, v6), .ds = ds},
                        size);
}

Buffer BpfTest::from_peer(int number, bool v6, std::size_t size, std::uint8_t ds) const
{
    return inner_packet({.source = inner_of(number, v6), .destination = our_inner(v6), .ds = ds},
                        size);
}

Buffer BpfTest::inner_frame(Bytes packet, bool inbound) const
{
    const bool v6 = !packet.empty() && packet[0] >> 4 == 6;
    return PacketBuilder()
        .ethernet({.destination = inbound ? WG0_MAC : WG0X_MAC,
                   .source = inbound ? WG0X_MAC : WG0_MAC,
                   .type = static_cast<std::uint16_t>(v6 ? ETH_P_IPV6 : ETH_P_IP)})
        .payload(packet)
        .build();
}

Buffer BpfTest::arriving(const TestPeer &peer, Bytes payload, const Arrival &arrival) const
{
    const Endpoint from = arrival.from.value_or(*peer.state.endpoint);
    const TestKeypair &used = arrival.keypair != nullptr ? *arrival.keypair : peer.current;
    return PacketBuilder()
        .ethernet({.destination = NIC_MAC, .source = GATEWAY_MAC})
        .ip({.source = from.address,
             .destination = our_address(from.address.is_v6()),
             .ds = arrival.ds})
        .udp({.source_port = from.port, .destination_port = LISTEN_PORT})
        .transport_data(
            {.receiver_index = used.local_index, .counter = arrival.counter, .key = used.receive})
        .payload(payload)
        .build();
}

Buffer BpfTest::sealed(const TestPeer &peer,
                       Bytes inner,
                       std::uint64_t counter,
                       std::uint8_t ds,
                       std::uint32_t padding_limit) const
{
    return PacketBuilder()
        .ethernet({.destination = GATEWAY_MAC, .source = NIC_MAC})
        .ip({.source = our_address(peer.v6()),
             .destination = peer.state.endpoint->address,
             .ds = ds,
             .hop_limit = HOP_LIMIT,
             .id = static_cast<std::uint16_t>(counter)})
        .udp({.source_port = LISTEN_PORT, .destination_port = peer.state.endpoint->port})
        .transport_data({.receiver_index = peer.current.remote_index,
                         .counter = counter,
                         .key = peer.current.send})
        .payload(padded(inner, padding_limit))
        .build();
}

void BpfTest::tell_unreachable_from(std::uint64_t boottime_ns) const
{
    const std::uint32_t key = 0;
    const std::vector<std::uint64_t> by_cpu(static_cast<std::size_t>(libbpf_num_possible_cpus()),
                                            boottime_ns);
    ASSERT_EQ(bpf_map_update_elem(map("unreachable_told"), &key, by_cpu.data(), BPF_ANY), 0);
}

Outcome BpfTest::send(Bytes inner) const
{
    return run_tc(program("wg_tx"), inner_frame(inner, false), {.ifindex = tunnel});
}

std::map<wg_drop_reason, std::uint64_t> BpfTest::new_drops()
{
    std::map<wg_drop_reason, std::uint64_t> fresh;
    for (const auto &[reason, by_cpu] : datapath->drops()) {
        std::uint64_t total = 0;
        for (const auto packets : by_cpu)
            total += packets;
        if (total != drops_seen_[reason])
            fresh[reason] = total - std::exchange(drops_seen_[reason], total);
    }
    return fresh;
}

std::vector<wg_event> BpfTest::new_events()
{
    ring_buffer__consume(ring_.get());
    return std::exchange(events_, {});
}

void PrintTo(Hook hook, std::ostream *out)
{
    *out << (hook == Hook::xdp ? "wg_rx_xdp" : "wg_rx_tc");
}

Outcome ReceiveTest::receive(Bytes frame) const
{
    if (GetParam() == Hook::xdp)
        return run_xdp(program("wg_rx_xdp"), frame, nic);
    return run_tc(program("wg_rx_tc"), frame, {.ifindex = nic});
}

void ReceiveTest::expect_untouched(Bytes frame, const std::string &what)
{
    const Outcome run = receive(frame);
    EXPECT_EQ(run.verdict, passed()) << what;
    EXPECT_TRUE(run.metadata.empty()) << what;
    EXPECT_TRUE(same_frame(run.frame, frame)) << what;
    EXPECT_EQ(new_drops(), (std::map<wg_drop_reason, std::uint64_t>{})) << what;
}

} // namespace wg::test
