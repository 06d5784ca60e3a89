// SPDX-License-Identifier: MIT
//
// Two devices that know each other, and the steps of a handshake between them.
#pragma once

#include "noise/cookie.h"
#include "noise/handshake.h"
#include "unit/noise/support.h"

namespace wg::test {

constexpr std::uint32_t INITIATOR_INDEX = 0x01020304;
constexpr std::uint32_t RESPONDER_INDEX = 0xa1a2a3a4;

/// One side: its identity and its handshake with the other.
struct Side {
    StaticIdentity identity;
    Handshake handshake;

    Side(StaticIdentity own, const PublicKey &remote) : identity(std::move(own)), handshake(remote)
    {
        handshake.set_identity(&identity);
    }
};

struct HandshakePair {
    SeededRandom random;
    Side initiator;
    Side responder;
    WallTime wall{std::chrono::seconds(1700000000)};
    Instant instant{std::chrono::seconds(1000)};

    explicit HandshakePair(std::uint8_t seed = 1)
        : HandshakePair(
              seed, StaticIdentity::from(key_of(0x11)), StaticIdentity::from(key_of(0x22)))
    {
    }

    void set_preshared_keys(const Key &key)
    {
        initiator.handshake.set_preshared_key(key);
        responder.handshake.set_preshared_key(key);
    }
    void pass(Duration duration)
    {
        wall += duration;
        instant += duration;
    }

    wg_handshake_initiation create_initiation()
    {
        auto message = initiator.handshake.create_initiation(initiator.identity, INITIATOR_INDEX,
                                                             wall, random);
        EXPECT_TRUE(message);
        return message.value();
    }
    /// Both halves of the responder's work.
    HandshakeResult<> consume(const wg_handshake_initiation &message)
    {
        auto initiation = identify_initiator(message, responder.identity);
        if (!initiation)
            return tl::unexpected(initiation.error());
        EXPECT_EQ(initiation->initiator, initiator.identity.public_key);
        return responder.handshake.consume_initiation(std::move(*initiation), instant);
    }
    wg_handshake_response create_response()
    {
        auto message = responder.handshake.create_response(RESPONDER_INDEX, random);
        EXPECT_TRUE(message);
        return message.value();
    }
    HandshakeResult<> consume(const wg_handshake_response &message)
    {
        return initiator.handshake.consume_response(message, initiator.identity);
    }

    /// Ends a handshake of which the response was consumed: both sides must have the same session.
    void expect_common_session()
    {
        const auto ours = initiator.handshake.begin_session();
        const auto theirs = responder.handshake.begin_session();
        ASSERT_TRUE(ours);
        ASSERT_TRUE(theirs);
        EXPECT_TRUE(equal_constant_time(ours->send_key, theirs->receive_key));
        EXPECT_TRUE(equal_constant_time(ours->receive_key, theirs->send_key));
        EXPECT_FALSE(equal_constant_time(ours->send_key, ours->receive_key));
        EXPECT_TRUE(ours->initiator);
        EXPECT_FALSE(theirs->initiator);
        EXPECT_EQ(ours->local_index, INITIATOR_INDEX);
        EXPECT_EQ(ours->remote_index, RESPONDER_INDEX);
        EXPECT_EQ(theirs->local_index, RESPONDER_INDEX);
        EXPECT_EQ(theirs->remote_index, INITIATOR_INDEX);
    }

  private:
    HandshakePair(std::uint8_t seed, StaticIdentity a, StaticIdentity b)
        : random(seed), initiator(std::move(a), b.public_key),
          responder(std::move(b), initiator.identity.public_key)
    {
    }
};

/// What people and the device can see of a handshake: must not change when a message is refused.
struct Visible {
    HandshakeState state;
    std::uint32_t local_index, remote_index;
    Timestamp latest_timestamp;

    explicit Visible(const Handshake &handshake)
        : state(handshake.state()), local_index(handshake.local_index()),
          remote_index(handshake.remote_index()), latest_timestamp(handshake.latest_timestamp())
    {
    }
    bool operator==(const Visible &) const = default;
};

inline void PrintTo(HandshakeError error, std::ostream *stream)
{
    *stream << handshake_error_name(error);
}

/// `error` of a refusal; a success fails the test.
template <typename T>
std::optional<HandshakeError> refusal(const HandshakeResult<T> &result)
{
    if (result)
        return std::nullopt;
    return result.error();
}

} // namespace wg::test
