// SPDX-License-Identifier: MIT
//
// The guard under load: what it leaves to the daemon, what it drops, and that its replies are those
// of the protocol. Initiators and the judgement of every byte are control/noise's, which has been
// held against other implementations.
#include "bpf/cookie_fixture.h"

namespace wg::test {

class WgCookie : public CookieTest {};

TEST_P(WgCookie, answers_a_message_without_a_cookie_with_one)
{
    for (const Message &message : {initiation(), response()}) {
        cookies = CookieGenerator(ours.public_key);
        Message again = message;
        cookies.add_macs(again.bytes, now().instant);
        const auto reply = reply_in(arrive(again.bytes));
        EXPECT_EQ(reply.type, WG_COOKIE_REPLY);
        EXPECT_EQ(reply.receiver_index, message.sender_index);
        EXPECT_TRUE(cookies.consume_reply(reply, now().instant));
        expect_drops({{WG_DROP_UNDER_LOAD, 1}});
    }
}

TEST_P(WgCookie, lets_through_what_brings_its_cookie)
{
    learn_cookie();
    for (const Message &message : {initiation(), response()}) {
        expect_passed(frame(message.bytes, peer));
        EXPECT_TRUE(checker.check_mac2(message.bytes, peer, now().instant))
            << "the daemon would judge otherwise";
    }
}

TEST_P(WgCookie, takes_the_cookies_that_the_daemon_gave)
{
    const auto message = initiation();
    EXPECT_TRUE(cookies.consume_reply(
        checker.create_reply(message.bytes, message.sender_index, peer, now().instant, random),
        now().instant));
    expect_passed(frame(initiation().bytes, peer));
}

TEST_P(WgCookie, of_another_port_or_address_is_worth_nothing)
{
    learn_cookie();
    const auto message = initiation();
    Endpoint elsewhere = peer;
    elsewhere.port++;
    EXPECT_EQ(judge(frame(message.bytes, elsewhere)).verdict, TC_ACT_REDIRECT);
    for (std::size_t byte = 0; byte < peer.address.size(); byte++) {
        elsewhere = peer;
        elsewhere.address.bytes[byte] ^= byte == 0 ? 1 : 0x40;
        EXPECT_EQ(judge(frame(message.bytes, elsewhere)).verdict, TC_ACT_REDIRECT) << byte;
    }
    expect_drops({{WG_DROP_BAD_MAC2, 1 + peer.address.size()}});
}

TEST_P(WgCookie, gives_a_new_one_for_a_wrong_mac2)
{
    learn_cookie();
    Message message = initiation();
    for (std::size_t bit = 0; bit < 128; bit++) {
        Buffer damaged = message.bytes;
        damaged[damaged.size() - 16 + bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        EXPECT_EQ(arrive(damaged).verdict, TC_ACT_REDIRECT) << bit;
    }
    expect_drops({{WG_DROP_BAD_MAC2, 128}});
    message.bytes.back() ^= 0x80;
    EXPECT_TRUE(cookies.consume_reply(reply_in(arrive(message.bytes)), now().instant));
    expect_drops({{WG_DROP_BAD_MAC2, 1}});
    expect_passed(frame(initiation().bytes, peer));
}

TEST_P(WgCookie, never_uses_a_nonce_twice)
{
    std::set<Buffer> nonces;
    const auto message = initiation();
    for (int i = 0; i < 300; i++) {
        const auto reply = reply_in(arrive(message.bytes));
        nonces.emplace(std::begin(reply.nonce), std::end(reply.nonce));
    }
    EXPECT_EQ(nonces.size(), 300U);
    expect_drops({{WG_DROP_UNDER_LOAD, 300}});
}

/* As a packet has it that was never on a wire (between namespaces, or guests of one host): the
 * reply's must then be of the same kind, since whoever sends it on adds the rest. */
TEST_P(WgCookie, leaves_the_rest_of_a_checksum_to_the_nic_where_the_message_did)
{
    const auto pseudo = [&](std::size_t length) {
        Buffer header;
        for (const auto &end : {peer.address, our_address(v6())})
            header.insert(header.end(), end.bytes.begin(),
                          end.bytes.begin() + static_cast<std::ptrdiff_t>(end.size()));
        header.insert(header.end(), {0, IPPROTO_UDP, static_cast<std::uint8_t>(length >> 8),
                                     static_cast<std::uint8_t>(length)});
        return static_cast<std::uint16_t>(~checksum_field(add_words(header)));
    };
    const auto message = initiation();
    const Outcome outcome =
        judge(frame(message.bytes, peer, {.checksum = pseudo(8 + message.bytes.size())}));
    ASSERT_EQ(outcome.verdict, TC_ACT_REDIRECT);
    const std::size_t field = offset_of_message(v6()) - 2;
    EXPECT_EQ(outcome.frame[field] << 8 | outcome.frame[field + 1],
              pseudo(8 + sizeof(wg_cookie_reply)));
    expect_drops({{WG_DROP_UNDER_LOAD, 1}});
}

TEST_P(WgCookie, keeps_the_load_up_as_long_as_many_are_refused)
{
    const auto refuse = [&, message = initiation()](unsigned times) {
        for (unsigned i = 0; i < times; i++)
            arrive(message.bytes);
    };
    load(60s);
    const auto given = checker_element().load_until;
    refuse(2 * WG_LOAD_MESSAGES - 1);
    EXPECT_EQ(checker_element().load_until, given) << "it is never shortened";

    auto nearly_over = checker_element();
    nearly_over.load_until = to_ns(now().instant + 100ms);
    ASSERT_EQ(bpf_map_update_elem(map("cookies"), &tunnel, &nearly_over, BPF_F_LOCK), 0);
    const auto before = to_ns(now().instant);
    refuse(1);
    EXPECT_GE(checker_element().load_until, before + WG_LOAD_LEFT);
    EXPECT_LE(checker_element().load_until, to_ns(now().instant) + WG_LOAD_LEFT);
    expect_drops({{WG_DROP_UNDER_LOAD, 2 * WG_LOAD_MESSAGES}});
}

TEST_P(WgCookie, forgets_its_secrets_with_load_and_tunnel)
{
    datapath->wipe_cookies(tunnel);
    const auto wiped = checker_element();
    EXPECT_TRUE(sodium_is_zero(reinterpret_cast<const unsigned char *>(&wiped), sizeof(wiped)));
    load(60s);
    datapath->erase_tunnel(tunnel);
    wg_cookie_checker element{};
    EXPECT_NE(bpf_map_lookup_elem(map("cookies"), &tunnel, &element), 0);
}

INSTANTIATE_TEST_SUITE_P(Outer, WgCookie, testing::Bool(), [](const auto &family) {
    return family.param ? "IPv6" : "IPv4";
});

} // namespace wg::test
