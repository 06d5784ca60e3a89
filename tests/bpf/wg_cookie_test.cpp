// SPDX-License-Identifier: MIT
//
// The guard under load: what it leaves to the daemon, what it drops, and that its replies are those
// of the protocol. Initiators and the judgement of every byte are control/noise's, which has been
// held against other implementations.
#include <arpa/inet.h>

#include "bpf/bpf_fixture.h"
#include "noise/handshake.h"

namespace wg::test {

namespace {

constexpr std::uint8_t REPLY_HOP_LIMIT = 64;

std::size_t offset_of_message(bool v6)
{
    return ETH_HLEN + (v6 ? 40 : 20) + 8;
}

/// An initiation or a response, of a stranger with these cookies.
struct Message {
    Buffer bytes;
    std::uint32_t sender_index = 0;
};

} // namespace

class WgCookie : public BpfTest, public testing::WithParamInterface<bool> {
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

TEST_P(WgCookie, leaves_everything_to_the_daemon_without_load)
{
    load(-1s);
    Message message = initiation();
    expect_passed(frame(message.bytes, peer));
    message.bytes.back() ^= 1;
    message.bytes[message.bytes.size() - 20] ^= 1; // even a wrong mac1: the daemon counts it
    expect_passed(frame(message.bytes, peer));
    datapath->wipe_cookies(tunnel);
    expect_passed(frame(initiation().bytes, peer));
}

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

/* It may be for somebody behind our NAT whose port is the same. */
TEST_P(WgCookie, leaves_a_wrong_mac1_to_whoever_it_is_for)
{
    for (const Message &message : {initiation(), response()})
        for (std::size_t byte = 4; byte < message.bytes.size() - 16; byte++) { // before: its type
            Buffer damaged = message.bytes;
            damaged[byte] ^= static_cast<std::uint8_t>(1U << byte % 8);
            expect_passed(frame(damaged, peer));
        }
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

TEST_P(WgCookie, leaves_it_to_the_daemon_when_its_secret_is_too_old)
{
    const auto at = [this](Duration age) {
        CookieChecker old(ours.public_key);
        datapath->put_cookies(tunnel, old.secrets(now().instant - age, random), now().instant + 9s);
    };
    at(ns(COOKIE_SECRET_MAX_AGE) - 9s);
    learn_cookie();
    at(ns(COOKIE_SECRET_MAX_AGE));
    expect_passed(frame(initiation().bytes, peer));
}

TEST_P(WgCookie, leaves_alone_what_is_no_handshake_for_us)
{
    const Buffer message = initiation().bytes;
    expect_passed(frame(message, peer, {}, LISTEN_PORT + 1));
    for (const std::uint8_t type :
         {std::uint8_t{0}, std::uint8_t{3}, std::uint8_t{4}, std::uint8_t{5}}) {
        Buffer other = message;
        other[0] = type;
        expect_passed(frame(other, peer));
    }
    for (std::size_t reserved = 1; reserved < 4; reserved++) {
        Buffer other = message;
        other[reserved] = 1;
        expect_passed(frame(other, peer));
    }
    for (const std::size_t size : {0, 1, 4, 60, 91, 93, 147, 149, 1000}) {
        Buffer other = message;
        other.resize(size);
        expect_passed(frame(other, peer));
    }
    Buffer response_sized = message;
    response_sized.resize(sizeof(wg_handshake_response));
    expect_passed(frame(response_sized, peer)); // an initiation of a response's length
}

TEST_P(WgCookie, leaves_alone_what_is_not_plainly_a_datagram)
{
    const Buffer message = initiation().bytes, plain = frame(message, peer);
    for (const std::size_t byte : {0U, 12U}) { // somebody else's MAC, another protocol
        Buffer other = plain;
        other[byte] ^= 0x40;
        expect_passed(other);
    }
    const Outcome super_packet =
        run_tc(program("wg_cookie"), plain, {.ifindex = nic, .gso_size = 60});
    EXPECT_EQ(super_packet.verdict, TC_ACT_UNSPEC);
    Ip ip{.source = peer.address, .destination = our_address(v6())};
    ip.options = v6() ? Buffer{IPPROTO_UDP, 0, 1, 4, 0, 0, 0, 0} : Buffer{0x94, 4, 0, 0};
    if (v6())
        ip.protocol = 0; // hop-by-hop options
    const Udp udp{.source_port = peer.port, .destination_port = LISTEN_PORT};
    const Ethernet ethernet{.destination = NIC_MAC, .source = GATEWAY_MAC};
    expect_passed(PacketBuilder().ethernet(ethernet).ip(ip).udp(udp).payload(message).build());
    if (v6())
        return;
    for (const std::uint16_t fragment : {std::uint16_t{0x2000}, std::uint16_t{1}}) {
        ip = {.source = peer.address, .destination = our_address(false), .fragment = fragment};
        expect_passed(PacketBuilder().ethernet(ethernet).ip(ip).udp(udp).payload(message).build());
    }
}

TEST_P(WgCookie, goes_only_to_where_a_peer_could_be)
{
    Endpoint nowhere = peer;
    for (const char *text : {"224.0.0.1", "127.0.0.1", "0.0.0.0", "255.255.255.255"}) {
        nowhere.address = address(v6() ? "ff02::1" : text);
        expect_passed(frame(initiation().bytes, nowhere));
    }
    nowhere = peer;
    nowhere.port = 0;
    expect_passed(frame(initiation().bytes, nowhere));
}

TEST_P(WgCookie, leaves_a_wrong_udp_checksum_to_the_stack)
{
    expect_passed(frame(initiation().bytes, peer, {.checksum = std::uint16_t{0x1234}}));
    const auto unsummed = frame(initiation().bytes, peer, {.checksum = std::uint16_t{0}});
    if (v6())
        return expect_passed(unsummed);
    EXPECT_TRUE(cookies.consume_reply(reply_in(judge(unsummed)), now().instant)); // IPv4 may
    expect_drops({{WG_DROP_UNDER_LOAD, 1}});
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

TEST_P(WgCookie, leaves_it_to_the_daemon_while_another_packet_is_being_judged)
{
    std::uint32_t zero = 0;
    const auto cpus = static_cast<std::size_t>(libbpf_num_possible_cpus());
    bpf_map_info info{};
    std::uint32_t size = sizeof(info);
    ASSERT_EQ(bpf_obj_get_info_by_fd(map("cookie_work"), &info, &size), 0);
    Buffer works((info.value_size + 7) / 8 * 8 * cpus);
    for (std::size_t cpu = 0; cpu < cpus; cpu++)
        works[cpu * works.size() / cpus] = 1; // claimed
    ASSERT_EQ(bpf_map_update_elem(map("cookie_work"), &zero, works.data(), BPF_ANY), 0);
    expect_passed(frame(initiation().bytes, peer));
    std::fill(works.begin(), works.end(), 0);
    ASSERT_EQ(bpf_map_update_elem(map("cookie_work"), &zero, works.data(), BPF_ANY), 0);
    learn_cookie();
}

INSTANTIATE_TEST_SUITE_P(Outer, WgCookie, testing::Bool(), [](const auto &family) {
    return family.param ? "IPv6" : "IPv4";
});

} // namespace wg::test
