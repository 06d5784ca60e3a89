// SPDX-License-Identifier: MIT
//
// The MSS of TCP through the tunnel: lowered to what its path carries, in SYNs of either direction;
// nothing else is touched. What is expected has a checksum computed anew.
#include "bpf/bpf_fixture.h"

namespace wg::test {

namespace {

constexpr std::uint8_t SYN = 2, ACK = 16, NOP = 1, END = 0;
constexpr std::size_t IPV4_HEADER = 20, IPV6_HEADER = 40, TCP_HEADER = 20;

struct Segment {
    std::uint8_t flags = SYN;
    Buffer options{};
    std::uint16_t fragment = 0;
};

Buffer mss_option(std::size_t mss)
{
    return {2, 4, static_cast<std::uint8_t>(mss >> 8), static_cast<std::uint8_t>(mss)};
}

/// All of them, one after the other.
Buffer options(std::initializer_list<Buffer> parts)
{
    Buffer all;
    for (const Buffer &part : parts)
        all.insert(all.end(), part.begin(), part.end());
    all.resize((all.size() + 3) / 4 * 4);
    return all;
}

std::size_t header_of(bool v6)
{
    return v6 ? IPV6_HEADER : IPV4_HEADER;
}

/// A TCP segment whose checksum is right, and four bytes of data.
Buffer tcp_packet(const IpAddress &from, const IpAddress &to, const Segment &segment)
{
    const std::size_t header = header_of(from.is_v6()), size = TCP_HEADER + segment.options.size();
    Buffer packet = PacketBuilder()
                        .ip({.source = from,
                             .destination = to,
                             .protocol = IPPROTO_TCP,
                             .fragment = segment.fragment})
                        .payload(Buffer(size + 4, 0xa5))
                        .build();
    const auto tcp = packet.begin() + static_cast<std::ptrdiff_t>(header);
    tcp[12] = static_cast<std::uint8_t>(size / 4 << 4);
    tcp[13] = segment.flags;
    tcp[16] = tcp[17] = 0;
    std::ranges::copy(segment.options, tcp + TCP_HEADER);
    const Bytes whole(packet);
    const Bytes addresses = from.is_v6() ? whole.subspan(8, 32) : whole.subspan(12, 8);
    const auto sum = checksum_field(
        add_words(whole.subspan(header),
                  add_words(addresses, IPPROTO_TCP + static_cast<std::uint32_t>(size + 4))));
    tcp[16] = static_cast<std::uint8_t>(sum >> 8);
    tcp[17] = static_cast<std::uint8_t>(sum);
    return packet;
}

/// What becomes of a segment.
struct Case {
    const char *what;
    Segment before, after;
};

std::vector<Case> cases(std::size_t most)
{
    const Buffer large = mss_option(1460), fits = mss_option(most), small = mss_option(most - 1);
    const Buffer window_scale{3, 3, 7}, sack{4, 2}, timestamps{8, 10, 1, 2, 3, 4, 0, 0, 0, 0};
    const Segment changed[] = {{SYN, options({large})},
                               {SYN | ACK, options({large, sack, timestamps, {NOP}, window_scale})},
                               {SYN, options({{NOP}, large})}, // at an odd place
                               {SYN, options({window_scale, large, sack})},
                               {SYN, options({timestamps, timestamps, timestamps, sack, large})},
                               {SYN, options({Buffer(36, NOP), large})}}; // the last place
    const Segment kept[] = {{SYN, options({fits})},
                            {SYN, options({small, timestamps})},
                            {SYN, {}},
                            {SYN, options({sack, timestamps})},
                            {ACK, options({large})},                         // no SYN
                            {SYN, options({{END}, large})},                  // behind the end
                            {SYN, options({{2, 3, 0xff}, large})},           // another length
                            {SYN, options({{30, 0}, large})},                // stands still
                            {SYN, options({{30, 200}, large})},              // leads away
                            {SYN, options({Buffer(37, NOP), {2, 4, 255}})}}; // cut off
    std::vector<Case> all;
    for (Segment before : changed) {
        Segment after = before;
        const auto place = std::ranges::search(after.options, large).begin();
        std::ranges::copy(fits, place);
        all.push_back({"is lowered", before, after});
    }
    for (const Segment &segment : kept)
        all.push_back({"is left alone", segment, segment});
    return all;
}

} // namespace

class Mss : public ReceiveTest {
  protected:
    /// Through the tunnel in this direction, as the data plane leaves it.
    void expect(const TestPeer &peer, bool inner_v6, const Case &example, bool inbound)
    {
        const auto here = our_inner(inner_v6), there = inner_of(peer.number, inner_v6);
        const auto packet = [&](const Segment &segment) {
            return inbound ? tcp_packet(there, here, segment) : tcp_packet(here, there, segment);
        };
        const Buffer before = packet(example.before), after = packet(example.after);
        const auto result = inbound
                                ? same_frame(receive(arriving(peer, padded(before, TUNNEL_MTU),
                                                              {.counter = received_++}))
                                                 .frame,
                                             inner_frame(after, true))
                                : same_frame(send(before).frame, sealed(peer, after, sent_++, 0));
        EXPECT_TRUE(result) << example.what << (inbound ? ", received" : ", sent");
    }

    void expect_all(const TestPeer &peer, bool inner_v6, std::size_t mtu)
    {
        sent_ = received_ = 0;
        for (const Case &example : cases(mtu - header_of(inner_v6) - TCP_HEADER))
            for (const bool inbound : {false, true})
                expect(peer, inner_v6, example, inbound);
    }

  private:
    std::uint64_t sent_ = 0, received_ = 0;
};
INSTANTIATE_TEST_SUITE_P(,
                         Mss,
                         testing::Values(Hook::xdp, Hook::tc),
                         testing::PrintToStringParamName());

TEST_P(Mss, is_lowered_to_the_tunnels_mtu)
{
    for (const auto &[outer_v6, inner_v6] : FAMILIES)
        expect_all(add_peer(outer_v6 ? 6 : 4, outer_v6), inner_v6, TUNNEL_MTU);
}

TEST_P(Mss, is_lowered_to_what_the_route_carries)
{
    for (const auto &[outer_v6, inner_v6] : FAMILIES) {
        TestPeer peer = add_peer(outer_v6 ? 6 : 4, outer_v6);
        peer.route.mtu = 1400;
        publish(peer);
        expect_all(peer, inner_v6, 1400U - (outer_v6 ? 80 : 60));
    }
}

TEST_P(Mss, is_left_alone_in_fragments)
{
    const TestPeer peer = add_peer(2, false);
    const Segment segment{SYN, options({mss_option(1460)}), 1};
    for (const bool inbound : {false, true})
        expect(peer, false, {"a fragment", segment, segment}, inbound);
}

} // namespace wg::test
