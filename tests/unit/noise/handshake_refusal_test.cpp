// SPDX-License-Identifier: MIT
//
// What a handshake refuses, with which error, and that a refusal changes nothing: the genuine
// message still works.
#include <cstddef>

#include "unit/noise/handshake_pair.h"

namespace wg::test {
namespace {

using namespace std::chrono_literals;

/// Points of order 1, 2, 4 and 8 and their encodings above p (as in libsodium's and Wycheproof's
/// lists).
const char *const LOW_ORDER_KEYS[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", // bit 255 is ignored
};

struct Field {
    const char *name;
    std::size_t offset, size;
    HandshakeError error;
};

/// Flips each bit of the field, one at a time.
template <typename Message>
void expect_every_flip_refused(HandshakePair &pair,
                               const Handshake &receiver,
                               Message message,
                               const Field &field)
{
    const Visible before(receiver);
    for (std::size_t bit = 0; bit < 8 * field.size; ++bit) {
        auto &byte = mutable_bytes_of(message)[field.offset + bit / 8];
        const auto mask = static_cast<std::uint8_t>(1 << bit % 8);
        byte ^= mask;
        ASSERT_EQ(refusal(pair.consume(message)), field.error) << field.name << ", bit " << bit;
        ASSERT_EQ(Visible(receiver), before);
        byte ^= mask;
    }
}

TEST(Initiation, is_refused_when_any_bit_is_flipped)
{
    HandshakePair pair;
    const auto message = pair.create_initiation();
    const Field fields[] = {
        {"ephemeral", offsetof(wg_handshake_initiation, ephemeral), sizeof(message.ephemeral),
         HandshakeError::bad_static},
        {"static", offsetof(wg_handshake_initiation, encrypted_static),
         sizeof(message.encrypted_static), HandshakeError::bad_static},
        {"timestamp", offsetof(wg_handshake_initiation, encrypted_timestamp),
         sizeof(message.encrypted_timestamp), HandshakeError::bad_timestamp},
    };
    for (const Field &field : fields)
        expect_every_flip_refused(pair, pair.responder.handshake, message, field);

    ASSERT_TRUE(pair.consume(message));
    ASSERT_TRUE(pair.consume(pair.create_response()));
    pair.expect_common_session();
}

TEST(Response, is_refused_when_any_bit_is_flipped)
{
    HandshakePair pair;
    ASSERT_TRUE(pair.consume(pair.create_initiation()));
    const auto message = pair.create_response();
    const Field fields[] = {
        {"receiver index", offsetof(wg_handshake_response, receiver_index),
         sizeof(message.receiver_index), HandshakeError::unexpected_response},
        {"ephemeral", offsetof(wg_handshake_response, ephemeral), sizeof(message.ephemeral),
         HandshakeError::bad_response},
        {"nothing", offsetof(wg_handshake_response, encrypted_nothing),
         sizeof(message.encrypted_nothing), HandshakeError::bad_response},
    };
    for (const Field &field : fields)
        expect_every_flip_refused(pair, pair.initiator.handshake, message, field);

    ASSERT_TRUE(pair.consume(message));
    pair.expect_common_session();
}

// Type, sender index and the macs are not Noise's: mac1 guards them.
TEST(Mac1, refuses_a_flip_of_any_bit_before_mac2)
{
    HandshakePair pair;
    auto message = pair.create_initiation();
    CookieGenerator(pair.responder.identity.public_key)
        .add_macs(mutable_bytes_of(message), pair.instant);
    const CookieChecker checker(pair.responder.identity.public_key);
    const auto bytes = mutable_bytes_of(message);
    ASSERT_TRUE(checker.check_mac1(bytes));
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
        const auto mask = static_cast<std::uint8_t>(1 << bit % 8);
        bytes[bit / 8] ^= mask;
        const bool in_mac2 = bit / 8 >= bytes.size() - WG_COOKIE_SIZE;
        EXPECT_EQ(checker.check_mac1(bytes), in_mac2) << "bit " << bit;
        bytes[bit / 8] ^= mask;
    }
}

TEST(Initiation, is_refused_by_a_device_that_it_is_not_meant_for)
{
    HandshakePair pair;
    const auto other = StaticIdentity::from(key_of(0x99));
    EXPECT_EQ(refusal(identify_initiator(pair.create_initiation(), other)),
              HandshakeError::bad_static);
}

TEST(Initiation, is_refused_when_the_sender_does_not_own_the_static_key_it_claims)
{
    // An impostor can seal anybody's public key, but not compute static-static.
    HandshakePair pair;
    pair.initiator.handshake.set_identity(&pair.responder.identity); // a wrong static-static
    const Visible before(pair.responder.handshake);
    EXPECT_EQ(refusal(pair.consume(pair.create_initiation())), HandshakeError::bad_timestamp);
    EXPECT_EQ(Visible(pair.responder.handshake), before);
}

TEST(Initiation, is_refused_when_replayed)
{
    HandshakePair pair;
    const auto message = pair.create_initiation();
    ASSERT_TRUE(pair.consume(message));
    pair.pass(1s);
    EXPECT_EQ(refusal(pair.consume(message)), HandshakeError::replayed_timestamp);

    ASSERT_TRUE(pair.consume(pair.create_response())) << "the replay must not have broken this";
    pair.expect_common_session();
    pair.pass(1s);
    EXPECT_EQ(refusal(pair.consume(message)), HandshakeError::replayed_timestamp)
        << "after a session";
    pair.responder.handshake.clear();
    EXPECT_EQ(refusal(pair.consume(message)), HandshakeError::replayed_timestamp) << "after clear";
}

TEST(Initiation, is_refused_when_older_than_the_latest)
{
    HandshakePair pair;
    const auto older = pair.create_initiation();
    pair.pass(1s);
    ASSERT_TRUE(pair.consume(pair.create_initiation()));
    pair.pass(1s);
    EXPECT_EQ(refusal(pair.consume(older)), HandshakeError::replayed_timestamp);
}

TEST(Initiation, is_refused_when_replayed_to_a_daemon_that_took_over)
{
    HandshakePair pair;
    const auto message = pair.create_initiation();
    pair.responder.handshake.set_latest_timestamp(tai64n(pair.wall));
    EXPECT_EQ(refusal(pair.consume(message)), HandshakeError::replayed_timestamp);
    pair.pass(1s);
    EXPECT_TRUE(pair.consume(pair.create_initiation()));
}

TEST(Initiation, is_refused_within_20_ms_of_the_last)
{
    HandshakePair pair;
    ASSERT_TRUE(pair.consume(pair.create_initiation()));
    const Visible before(pair.responder.handshake);
    pair.wall += 1s; // the sender's clock may say what it likes
    const auto message = pair.create_initiation();
    pair.instant += 20ms - 1ns;
    EXPECT_EQ(refusal(pair.consume(message)), HandshakeError::initiation_flood);
    EXPECT_EQ(Visible(pair.responder.handshake), before);
    pair.instant += 1ns;
    EXPECT_TRUE(pair.consume(message));
}

TEST(Initiation, is_refused_when_its_ephemeral_key_is_of_low_order)
{
    HandshakePair pair;
    auto message = pair.create_initiation();
    for (const char *key : LOW_ORDER_KEYS) {
        const auto bytes = from_hex(key);
        std::copy(bytes.begin(), bytes.end(), message.ephemeral);
        EXPECT_EQ(refusal(pair.consume(message)), HandshakeError::zero_shared_secret) << key;
    }
}

TEST(Response, is_refused_when_its_ephemeral_key_is_of_low_order)
{
    HandshakePair pair;
    ASSERT_TRUE(pair.consume(pair.create_initiation()));
    const auto genuine = pair.create_response();
    auto message = genuine;
    const Visible before(pair.initiator.handshake);
    for (const char *key : LOW_ORDER_KEYS) {
        const auto bytes = from_hex(key);
        std::copy(bytes.begin(), bytes.end(), message.ephemeral);
        EXPECT_EQ(refusal(pair.consume(message)), HandshakeError::zero_shared_secret) << key;
        EXPECT_EQ(Visible(pair.initiator.handshake), before);
    }
    EXPECT_TRUE(pair.consume(genuine));
}

TEST(Handshake, fails_both_ways_with_a_peer_whose_static_key_is_of_low_order)
{
    HandshakePair pair;
    for (const char *key : LOW_ORDER_KEYS) {
        const StaticIdentity &identity = pair.initiator.identity;
        Handshake handshake(array_from_hex<PublicKey>(key));
        handshake.set_identity(&identity);
        EXPECT_EQ(refusal(handshake.create_initiation(identity, 1, pair.wall, pair.random)),
                  HandshakeError::zero_shared_secret);
        EXPECT_EQ(refusal(handshake.consume_initiation(IdentifiedInitiation(), pair.instant)),
                  HandshakeError::zero_shared_secret);
        EXPECT_EQ(handshake.state(), HandshakeState::ZEROED);
    }
}

TEST(Handshake, fails_when_we_have_no_private_key)
{
    HandshakePair pair;
    const auto message = pair.create_initiation();
    pair.responder.handshake.set_identity(nullptr);
    EXPECT_EQ(refusal(pair.consume(message)), HandshakeError::zero_shared_secret);
    EXPECT_EQ(pair.responder.handshake.state(), HandshakeState::ZEROED);
}

TEST(Response, is_refused_under_another_preshared_key)
{
    HandshakePair pair;
    pair.set_preshared_keys(key_of(0x55));
    ASSERT_TRUE(pair.consume(pair.create_initiation()));
    const auto message = pair.create_response();
    const Visible before(pair.initiator.handshake);
    for (const std::uint8_t wrong : std::to_array<std::uint8_t>({0x00, 0x54})) {
        pair.initiator.handshake.set_preshared_key(key_of(wrong));
        EXPECT_EQ(refusal(pair.consume(message)), HandshakeError::bad_response);
        EXPECT_EQ(Visible(pair.initiator.handshake), before);
    }
    pair.initiator.handshake.set_preshared_key(key_of(0x55));
    EXPECT_TRUE(pair.consume(message));
}

TEST(Response, is_refused_when_replayed)
{
    HandshakePair pair;
    ASSERT_TRUE(pair.consume(pair.create_initiation()));
    const auto message = pair.create_response();
    ASSERT_TRUE(pair.consume(message));
    EXPECT_EQ(refusal(pair.consume(message)), HandshakeError::unexpected_response);
    pair.expect_common_session();
    EXPECT_EQ(refusal(pair.consume(message)), HandshakeError::unexpected_response);
}

TEST(Response, is_refused_when_it_answers_an_earlier_initiation)
{
    HandshakePair pair;
    ASSERT_TRUE(pair.consume(pair.create_initiation()));
    const auto late = pair.create_response();
    pair.pass(5s);
    pair.create_initiation(); // the same index, new keys
    EXPECT_EQ(refusal(pair.consume(late)), HandshakeError::bad_response);
}

TEST(Handshake, refuses_steps_out_of_order)
{
    HandshakePair pair;
    Handshake &initiator = pair.initiator.handshake;
    Handshake &responder = pair.responder.handshake;
    const auto wrong_state = HandshakeError::wrong_state;

    EXPECT_EQ(refusal(responder.create_response(1, pair.random)), wrong_state) << "ZEROED";
    EXPECT_EQ(refusal(responder.begin_session()), wrong_state) << "ZEROED";
    const auto initiation = pair.create_initiation();
    EXPECT_EQ(refusal(initiator.create_response(1, pair.random)), wrong_state)
        << "CREATED_INITIATION";
    EXPECT_EQ(refusal(initiator.begin_session()), wrong_state) << "CREATED_INITIATION";
    ASSERT_TRUE(pair.consume(initiation));
    EXPECT_EQ(refusal(responder.begin_session()), wrong_state) << "CONSUMED_INITIATION";
    ASSERT_TRUE(pair.consume(pair.create_response()));
    EXPECT_EQ(refusal(responder.create_response(1, pair.random)), wrong_state)
        << "CREATED_RESPONSE";
    EXPECT_EQ(refusal(initiator.create_response(1, pair.random)), wrong_state)
        << "CONSUMED_RESPONSE";
    pair.expect_common_session();
    EXPECT_EQ(refusal(initiator.begin_session()), wrong_state) << "a session begins once";
}

TEST(HandshakeError, has_a_name_for_each_value)
{
    EXPECT_STREQ(handshake_error_name(HandshakeError::zero_shared_secret), "zero_shared_secret");
    EXPECT_STREQ(handshake_error_name(HandshakeError::bad_static), "bad_static");
    EXPECT_STREQ(handshake_error_name(HandshakeError::bad_timestamp), "bad_timestamp");
    EXPECT_STREQ(handshake_error_name(HandshakeError::replayed_timestamp), "replayed_timestamp");
    EXPECT_STREQ(handshake_error_name(HandshakeError::initiation_flood), "initiation_flood");
    EXPECT_STREQ(handshake_error_name(HandshakeError::unexpected_response), "unexpected_response");
    EXPECT_STREQ(handshake_error_name(HandshakeError::bad_response), "bad_response");
    EXPECT_STREQ(handshake_error_name(HandshakeError::wrong_state), "wrong_state");
}

} // namespace
} // namespace wg::test
