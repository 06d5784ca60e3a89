// SPDX-License-Identifier: MIT
//
// Handshakes that succeed, and the states that they go through.
#include "unit/noise/handshake_pair.h"

namespace wg::test {
namespace {

using namespace std::chrono_literals;

TEST(Handshake, gives_both_sides_the_same_session_without_a_preshared_key)
{
    HandshakePair pair;
    ASSERT_TRUE(pair.consume(pair.create_initiation()));
    ASSERT_TRUE(pair.consume(pair.create_response()));
    pair.expect_common_session();
}

TEST(Handshake, gives_both_sides_the_same_session_with_a_preshared_key)
{
    HandshakePair pair;
    pair.set_preshared_keys(key_of(0x55));
    ASSERT_TRUE(pair.consume(pair.create_initiation()));
    ASSERT_TRUE(pair.consume(pair.create_response()));
    pair.expect_common_session();
}

TEST(Handshake, gives_other_keys_when_the_ephemeral_keys_differ)
{
    HandshakePair one(1);
    HandshakePair two(2);
    for (HandshakePair *pair : {&one, &two}) {
        ASSERT_TRUE(pair->consume(pair->create_initiation()));
        ASSERT_TRUE(pair->consume(pair->create_response()));
    }
    const auto first = one.initiator.handshake.begin_session();
    const auto second = two.initiator.handshake.begin_session();
    EXPECT_FALSE(equal_constant_time(first->send_key, second->send_key));
    EXPECT_FALSE(equal_constant_time(first->receive_key, second->receive_key));
}

TEST(Handshake, goes_through_the_five_states)
{
    HandshakePair pair;
    const Handshake &initiator = pair.initiator.handshake;
    const Handshake &responder = pair.responder.handshake;
    EXPECT_EQ(initiator.state(), HandshakeState::ZEROED);

    const auto initiation = pair.create_initiation();
    EXPECT_EQ(initiator.state(), HandshakeState::CREATED_INITIATION);
    EXPECT_EQ(initiator.local_index(), INITIATOR_INDEX);
    ASSERT_TRUE(pair.consume(initiation));
    EXPECT_EQ(responder.state(), HandshakeState::CONSUMED_INITIATION);
    EXPECT_EQ(responder.remote_index(), INITIATOR_INDEX);
    EXPECT_EQ(responder.latest_timestamp(), tai64n(pair.wall));
    const auto response = pair.create_response();
    EXPECT_EQ(responder.state(), HandshakeState::CREATED_RESPONSE);
    EXPECT_EQ(responder.local_index(), RESPONDER_INDEX);
    ASSERT_TRUE(pair.consume(response));
    EXPECT_EQ(initiator.state(), HandshakeState::CONSUMED_RESPONSE);
    EXPECT_EQ(initiator.remote_index(), RESPONDER_INDEX);

    pair.expect_common_session();
    EXPECT_EQ(initiator.state(), HandshakeState::ZEROED);
    EXPECT_EQ(initiator.local_index(), 0u);
    EXPECT_EQ(responder.state(), HandshakeState::ZEROED);
    EXPECT_EQ(responder.remote_index(), 0u);
    EXPECT_EQ(responder.latest_timestamp(), tai64n(pair.wall)) << "or replays would come through";
}

TEST(Handshake, writes_type_and_indices_little_endian_and_leaves_the_macs_zero)
{
    HandshakePair pair;
    const auto initiation = pair.create_initiation();
    ASSERT_TRUE(pair.consume(initiation));
    const auto response = pair.create_response();
    EXPECT_EQ(to_hex(bytes_of(initiation).first(8)), "0100000004030201");
    EXPECT_EQ(to_hex(bytes_of(initiation).last(32)), std::string(64, '0'));
    EXPECT_EQ(to_hex(bytes_of(response).first(12)), "02000000a4a3a2a104030201");
    EXPECT_EQ(to_hex(bytes_of(response).last(32)), std::string(64, '0'));
}

TEST(Handshake, can_be_run_again_after_a_session)
{
    HandshakePair pair;
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(pair.consume(pair.create_initiation()));
        ASSERT_TRUE(pair.consume(pair.create_response()));
        pair.expect_common_session();
        pair.pass(5s);
    }
}

TEST(Handshake, answers_a_retransmitted_initiation_anew)
{
    HandshakePair pair;
    ASSERT_TRUE(pair.consume(pair.create_initiation()));
    const auto lost = pair.create_response();
    pair.pass(5s);
    ASSERT_TRUE(pair.consume(pair.create_initiation()));
    ASSERT_TRUE(pair.consume(pair.create_response()));
    EXPECT_EQ(refusal(pair.consume(lost)), HandshakeError::unexpected_response);
    pair.expect_common_session();
}

TEST(Handshake, becomes_the_responder_when_both_sides_initiate)
{
    HandshakePair pair;
    const auto crossed = pair.responder.handshake.create_initiation(
        pair.responder.identity, 0x77777777, pair.wall, pair.random);
    ASSERT_TRUE(crossed);
    ASSERT_TRUE(pair.consume(pair.create_initiation()));
    EXPECT_EQ(pair.responder.handshake.state(), HandshakeState::CONSUMED_INITIATION);
    EXPECT_EQ(pair.responder.handshake.local_index(), 0x77777777u) << "until a response is made";
    ASSERT_TRUE(pair.consume(pair.create_response()));
    pair.expect_common_session();
}

TEST(Handshake, uses_a_preshared_key_that_was_set_while_the_initiation_was_under_way)
{
    HandshakePair pair;
    const auto initiation = pair.create_initiation();
    pair.set_preshared_keys(key_of(0x55));
    ASSERT_TRUE(pair.consume(initiation));
    ASSERT_TRUE(pair.consume(pair.create_response()));
    pair.expect_common_session();
}

TEST(Handshake, follows_a_new_identity)
{
    HandshakePair pair;
    pair.initiator.identity = StaticIdentity::from(key_of(0x99));
    pair.initiator.handshake.set_identity(&pair.initiator.identity);
    Handshake renewed(pair.initiator.identity.public_key);
    renewed.set_identity(&pair.responder.identity);
    pair.responder.handshake = std::move(renewed);

    ASSERT_TRUE(pair.consume(pair.create_initiation()));
    ASSERT_TRUE(pair.consume(pair.create_response()));
    pair.expect_common_session();
}

TEST(StaticIdentity, is_clamped)
{
    const StaticIdentity identity = StaticIdentity::from(key_of(0xff));
    EXPECT_EQ(identity.private_key.bytes().front(), 0xf8);
    EXPECT_EQ(identity.private_key.bytes().back(), 0x7f);
    EXPECT_EQ(identity.public_key, derive_public_key(key_of(0xff)));
}

} // namespace
} // namespace wg::test
