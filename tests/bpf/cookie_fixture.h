// SPDX-License-Identifier: MIT
//
//   peer  198.51.100.7:40007, 2001:db8:1::7  ──►  nic, wg_cookie, a tunnel under load
//
// Initiators and the judgement of every byte are control/noise's, which has been held against other
// implementations.
#pragma once

#include "bpf/bpf_fixture.h"
#include "noise/handshake.h"

namespace wg::test {

inline constexpr std::uint8_t REPLY_HOP_LIMIT = 64;

inline std::size_t offset_of_message(bool v6)
{
    return ETH_HLEN + (v6 ? 40 : 20) + 8;
}

/// An initiation or a response, of a stranger with these cookies.
struct Message {
    Buffer bytes;
    std::uint32_t sender_index = 0;
};

/// A tunnel under load, and a stranger; the parameter: over IPv6.
class CookieTest : public BpfTest, public testing::WithParamInterface<bool> {
  protected:
    void SetUp() override
    {
        BpfTest::SetUp();
        peer = Endpoint{.address = address(v6() ? "2001:db8:1::7" : "198.51.100.7"), .port = 40007};
        load(1s);
    }

    bool v6() const { return GetParam(); }

    /// Under load for so long; negative: no more.
    void load(Duration how_long)
    {
        datapath->put_cookies(tunnel, checker.secrets(now().instant, random),
                              now().instant + how_long);
    }

    Message initiation()
    {
        Handshake handshake(ours.public_key);
        handshake.set_identity(&theirs);
        auto message =
            handshake.create_initiation(theirs, ++last_index, now().wall, random).value();
        cookies.add_macs(mutable_bytes_of(message), now().instant);
        return {{bytes_of(message).begin(), bytes_of(message).end()}, last_index};
    }

    /// Nobody but its receiver can tell that it answers nothing.
    Message response()
    {
        wg_handshake_response message{};
        message.type = WG_HANDSHAKE_RESPONSE;
        message.sender_index = ++last_index;
        random.fill(message.ephemeral);
        cookies.add_macs(mutable_bytes_of(message), now().instant);
        return {{bytes_of(message).begin(), bytes_of(message).end()}, last_index};
    }

    Buffer
    frame(Bytes message, const Endpoint &from, Udp udp = {}, std::uint16_t to = LISTEN_PORT) const
    {
        udp.source_port = from.port;
        udp.destination_port = to;
        return PacketBuilder()
            .ethernet({.destination = NIC_MAC, .source = GATEWAY_MAC})
            .ip({.source = from.address, .destination = our_address(v6())})
            .udp(udp)
            .payload(message)
            .build();
    }

    Outcome arrive(Bytes message) const { return judge(frame(message, peer)); }
    Outcome judge(Bytes frame) const
    {
        return run_tc(program("wg_cookie"), frame, {.ifindex = nic});
    }

    void expect_drops(const std::map<wg_drop_reason, std::uint64_t> &expected)
    {
        EXPECT_EQ(new_drops(), expected);
    }

    /// The daemon's: as it came, uncounted.
    void expect_passed(Bytes frame)
    {
        const Outcome outcome = judge(frame);
        EXPECT_EQ(outcome.verdict, TC_ACT_UNSPEC);
        EXPECT_TRUE(same_frame(outcome.frame, frame));
        expect_drops({});
    }

    /// The reply in the frame, which must be the whole of it.
    wg_cookie_reply reply_in(const Outcome &outcome) const
    {
        EXPECT_EQ(outcome.verdict, TC_ACT_REDIRECT);
        EXPECT_EQ(outcome.mark, FWMARK);
        wg_cookie_reply reply{};
        const std::size_t at = offset_of_message(v6());
        if (outcome.frame.size() != at + sizeof(reply)) {
            ADD_FAILURE() << outcome.frame.size() << " bytes";
            return reply;
        }
        reply = wg::load<wg_cookie_reply>(Bytes(outcome.frame).subspan(at));
        const Buffer expected =
            PacketBuilder()
                .ethernet({.destination = GATEWAY_MAC, .source = NIC_MAC})
                .ip({.source = our_address(v6()),
                     .destination = peer.address,
                     .hop_limit = REPLY_HOP_LIMIT,
                     .fragment = static_cast<std::uint16_t>(v6() ? 0 : 0x4000)})
                .udp({.source_port = LISTEN_PORT, .destination_port = peer.port})
                .payload(bytes_of(reply))
                .build();
        EXPECT_TRUE(same_frame(outcome.frame, expected));
        return reply;
    }

    /// Sends a message, takes the cookie out of the answer.
    void learn_cookie()
    {
        const auto first = initiation();
        EXPECT_TRUE(cookies.consume_reply(reply_in(arrive(first.bytes)), now().instant));
        expect_drops({{WG_DROP_UNDER_LOAD, 1}});
    }

    wg_cookie_checker checker_element() const
    {
        wg_cookie_checker element{};
        EXPECT_EQ(bpf_map_lookup_elem(map("cookies"), &tunnel, &element), 0);
        return element;
    }

    SystemRandom random;
    StaticIdentity ours = StaticIdentity::from(generate_private_key(random));
    StaticIdentity theirs = StaticIdentity::from(generate_private_key(random));
    CookieChecker checker{ours.public_key};
    CookieGenerator cookies{ours.public_key};
    Endpoint peer;
    std::uint32_t last_index = 100;
};

} // namespace wg::test
