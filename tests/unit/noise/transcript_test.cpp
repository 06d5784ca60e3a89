// SPDX-License-Identifier: MIT
//
// Handshakes byte by byte as wireguard-go does them, with fixed keys, ephemerals, indices, time,
// cookie secret and nonce.
//
// The constants were recorded from golang.zx2c4.com/wireguard v0.0.0-20260522210424-ecfc5a8d5446,
// package device, with Go 1.26.8: CreateMessageInitiation, CreateMessageResponse,
// CookieGenerator.AddMacs and CookieChecker.CreateReply of an otherwise unchanged copy whose random
// draws and tai64n.Now() were replaced by the inputs below (every byte of a key the same); the same
// run consumed each message with wireguard-go's own other side. Keys: KDF2 of its chain key.
#include "unit/noise/handshake_pair.h"

namespace wg::test {
namespace {

constexpr std::uint8_t INITIATOR_STATIC = 0x11;
constexpr std::uint8_t RESPONDER_STATIC = 0x22;
constexpr std::uint8_t INITIATOR_EPHEMERAL = 0x33;
constexpr std::uint8_t RESPONDER_EPHEMERAL = 0x44;
constexpr std::uint8_t PRESHARED_KEY = 0x55;
constexpr std::uint8_t COOKIE_SECRET = 0x66;
constexpr std::uint8_t COOKIE_NONCE = 0x77;
constexpr WallTime TIME{std::chrono::seconds(1700000000) + Duration(123456789)};
constexpr Instant SOME_INSTANT{std::chrono::seconds(1000)};

const std::string INITIATION = // mac1 filled in, no cookie yet
    "01000000040302017b0d47d93427f8311160781c7c733fd89f88970aef490d8a"
    "a0ee19a4cb8a1b1481e498317da959fba46669572516a5e6c021bfa620bb6c56"
    "ca0082e1feae14988c2c64d024c617734a263f76a008df04d0f94bad8ee75ec8"
    "e6c2695569183cc7dc1e27ce0c1b8436de667e2793bcc82f5db3b8466ea6d8fb"
    "567bf96b00000000000000000000000000000000";
const std::string COOKIE_REPLY_V4 = // to 192.0.2.7:51820
    "0300000004030201777777777777777777777777777777777777777777777777"
    "c1ba8ff1d8d7dad7807dcdba133cd1c00f1ec322689580e6080c91f84180957e";
const std::string COOKIE_REPLY_V6 = // to [2001:db8::7]:51820
    "0300000004030201777777777777777777777777777777777777777777777777"
    "4416dcb77d0f435fb9e075df7b17ed1449713412ef16729ffc89003f9d067794";
const std::string INITIATION_MAC2 = // the same initiation once the IPv4 cookie has come
    "d9caedcf37b0173c1df555812c359237";

struct Outcome {
    std::uint8_t preshared_key;
    std::string response; // with mac1
    std::string initiator_key, responder_key;
};
const Outcome OUTCOMES[] = {
    {PRESHARED_KEY,
     "02000000a4a3a2a104030201ff2ee45601ec1b67310c7790404585ae697331ee"
     "e1c1f8cf2419731c1fff3e6bf3c8d3f436c557547df21dab91e910435452cb06"
     "ec361c055fbc69d7bd68490600000000000000000000000000000000",
     "a007faf842d83f5bd3be20a14e0ffcec34c84867b78b051980602713205922de",
     "d982d5cd10d34a7802b6c19fa441cd9164d70e4f4d62007ab416879ee8bd1b99"},
    {0,
     "02000000a4a3a2a104030201ff2ee45601ec1b67310c7790404585ae697331ee"
     "e1c1f8cf2419731c1fff3e6bcac3911a43d93d79c9d0728ffc42d5aaa14002d1"
     "53e74cdfa926efc64cd5b5a900000000000000000000000000000000",
     "e07b709efbfd0361a08a9de658ceb3847d648c207ed71d4dbdfe248bef23a651",
     "f76ba55a113d83abf16240859ca361a9017ae9fbac0b4aa43179112c40e0163f"},
};

Side make_side(std::uint8_t own, std::uint8_t other)
{
    return {StaticIdentity::from(key_of(own)), StaticIdentity::from(key_of(other)).public_key};
}

/// The initiator after its initiation, which must be the recorded one.
void create_recorded_initiation(Side &initiator)
{
    FixedRandom random({Buffer(32, INITIATOR_EPHEMERAL)});
    auto message =
        initiator.handshake.create_initiation(initiator.identity, INITIATOR_INDEX, TIME, random);
    ASSERT_TRUE(message);
    CookieGenerator(initiator.handshake.remote_static())
        .add_macs(mutable_bytes_of(*message), SOME_INSTANT);
    EXPECT_EQ(to_hex(bytes_of(*message)), INITIATION);
}

TEST(Transcript, of_an_initiator_is_wireguard_go_s)
{
    for (const Outcome &outcome : OUTCOMES) {
        Side initiator = make_side(INITIATOR_STATIC, RESPONDER_STATIC);
        initiator.handshake.set_preshared_key(key_of(outcome.preshared_key));
        create_recorded_initiation(initiator);

        const auto response = load<wg_handshake_response>(from_hex(outcome.response));
        ASSERT_TRUE(CookieChecker(initiator.identity.public_key).check_mac1(bytes_of(response)));
        ASSERT_TRUE(initiator.handshake.consume_response(response, initiator.identity));
        const auto keys = initiator.handshake.begin_session();
        ASSERT_TRUE(keys);
        EXPECT_EQ(to_hex(keys->send_key.bytes()), outcome.initiator_key);
        EXPECT_EQ(to_hex(keys->receive_key.bytes()), outcome.responder_key);
        EXPECT_EQ(keys->remote_index, RESPONDER_INDEX);
    }
}

TEST(Transcript, of_a_responder_is_wireguard_go_s)
{
    for (const Outcome &outcome : OUTCOMES) {
        Side responder = make_side(RESPONDER_STATIC, INITIATOR_STATIC);
        responder.handshake.set_preshared_key(key_of(outcome.preshared_key));
        const auto initiation = load<wg_handshake_initiation>(from_hex(INITIATION));
        ASSERT_TRUE(CookieChecker(responder.identity.public_key).check_mac1(bytes_of(initiation)));
        auto identified = identify_initiator(initiation, responder.identity);
        ASSERT_TRUE(identified);
        EXPECT_EQ(identified->initiator, responder.handshake.remote_static());
        ASSERT_TRUE(responder.handshake.consume_initiation(std::move(*identified), SOME_INSTANT));
        EXPECT_EQ(responder.handshake.latest_timestamp(), tai64n(TIME));

        FixedRandom random({Buffer(32, RESPONDER_EPHEMERAL)});
        auto response = responder.handshake.create_response(RESPONDER_INDEX, random);
        ASSERT_TRUE(response);
        CookieGenerator(responder.handshake.remote_static())
            .add_macs(mutable_bytes_of(*response), SOME_INSTANT);
        EXPECT_EQ(to_hex(bytes_of(*response)), outcome.response);
        const auto keys = responder.handshake.begin_session();
        ASSERT_TRUE(keys);
        EXPECT_EQ(to_hex(keys->send_key.bytes()), outcome.responder_key);
        EXPECT_EQ(to_hex(keys->receive_key.bytes()), outcome.initiator_key);
    }
}

TEST(Transcript, of_cookie_replies_is_wireguard_go_s)
{
    const struct {
        const char *source;
        const std::string &reply;
    } cases[] = {{"192.0.2.7:51820", COOKIE_REPLY_V4}, {"[2001:db8::7]:51820", COOKIE_REPLY_V6}};
    for (const auto &c : cases) {
        CookieChecker checker(StaticIdentity::from(key_of(RESPONDER_STATIC)).public_key);
        FixedRandom random({Buffer(32, COOKIE_SECRET), Buffer(24, COOKIE_NONCE)});
        const auto reply =
            checker.create_reply(from_hex(INITIATION), INITIATOR_INDEX,
                                 Endpoint::parse(c.source).value(), SOME_INSTANT, random);
        EXPECT_EQ(to_hex(bytes_of(reply)), c.reply);
    }
}

TEST(Transcript, of_a_message_with_a_cookie_is_wireguard_go_s)
{
    CookieGenerator generator(StaticIdentity::from(key_of(RESPONDER_STATIC)).public_key);
    Buffer message = from_hex(INITIATION);
    generator.add_macs(message, SOME_INSTANT);
    ASSERT_TRUE(
        generator.consume_reply(load<wg_cookie_reply>(from_hex(COOKIE_REPLY_V4)), SOME_INSTANT));
    generator.add_macs(message, SOME_INSTANT);
    EXPECT_EQ(to_hex(Bytes(message).last(WG_COOKIE_SIZE)), INITIATION_MAC2);
}

} // namespace
} // namespace wg::test
