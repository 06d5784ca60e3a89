// SPDX-License-Identifier: MIT
//
// What wg_cookie leaves as it came, uncounted: to the daemon, or to whoever it is for.
#include <bpf/libbpf.h>

#include "bpf/cookie_fixture.h"

namespace wg::test {

class WgCookiePass : public CookieTest {};

TEST_P(WgCookiePass, leaves_everything_to_the_daemon_without_load)
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

/* It may be for somebody behind our NAT whose port is the same. */
TEST_P(WgCookiePass, leaves_a_wrong_mac1_to_whoever_it_is_for)
{
    for (const Message &message : {initiation(), response()})
        for (std::size_t byte = 4; byte < message.bytes.size() - 16; byte++) { // before: its type
            Buffer damaged = message.bytes;
            damaged[byte] ^= static_cast<std::uint8_t>(1U << byte % 8);
            expect_passed(frame(damaged, peer));
        }
}

TEST_P(WgCookiePass, leaves_it_to_the_daemon_when_its_secret_is_too_old)
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

TEST_P(WgCookiePass, leaves_alone_what_is_no_handshake_for_us)
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

TEST_P(WgCookiePass, leaves_alone_what_is_not_plainly_a_datagram)
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

TEST_P(WgCookiePass, goes_only_to_where_a_peer_could_be)
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

TEST_P(WgCookiePass, leaves_a_wrong_udp_checksum_to_the_stack)
{
    expect_passed(frame(initiation().bytes, peer, {.checksum = std::uint16_t{0x1234}}));
    const auto unsummed = frame(initiation().bytes, peer, {.checksum = std::uint16_t{0}});
    if (v6())
        return expect_passed(unsummed);
    EXPECT_TRUE(cookies.consume_reply(reply_in(judge(unsummed)), now().instant)); // IPv4 may
    expect_drops({{WG_DROP_UNDER_LOAD, 1}});
}

TEST_P(WgCookiePass, leaves_it_to_the_daemon_while_another_packet_is_being_judged)
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

INSTANTIATE_TEST_SUITE_P(Outer, WgCookiePass, testing::Bool(), [](const auto &family) {
    return family.param ? "IPv6" : "IPv4";
});

} // namespace wg::test
