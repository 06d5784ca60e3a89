// SPDX-License-Identifier: MIT
//
// Cookies: who gets one, how long it counts, and what is no cookie.
#include "noise/cookie.h"
#include "unit/noise/support.h"

namespace wg::test {
namespace {

using namespace std::chrono_literals;

constexpr Instant START{1000s};
constexpr std::uint32_t SENDER_INDEX = 0x01020304;

class Cookies : public testing::Test {
  protected:
    Endpoint from(const char *text) const { return Endpoint::parse(text).value(); }

    /// A message as the generator's side sends it; `content` tells messages apart.
    Buffer send(Instant now, std::uint8_t content = 1)
    {
        Buffer message(sizeof(wg_handshake_initiation), content);
        generator_.add_macs(message, now);
        return message;
    }
    wg_cookie_reply answer(Bytes message, Instant now)
    {
        return checker_.create_reply(message, SENDER_INDEX, source_, now, random_);
    }
    /// The generator gets a cookie at this time.
    void exchange_cookie(Instant now)
    {
        ASSERT_TRUE(generator_.consume_reply(answer(send(now), now), now));
    }

    SeededRandom random_{1};
    PublicKey public_key_ = derive_public_key(key_of(0x22));
    CookieChecker checker_{public_key_};
    CookieGenerator generator_{public_key_};
    Endpoint source_ = from("192.0.2.7:51820");
};

bool has_mac2(Bytes message)
{
    return !sodium_is_zero(message.last(WG_COOKIE_SIZE).data(), WG_COOKIE_SIZE);
}

TEST_F(Cookies, are_not_needed_for_a_good_mac1)
{
    const Buffer message = send(START);
    EXPECT_TRUE(checker_.check_mac1(message));
    EXPECT_FALSE(has_mac2(message));
    EXPECT_FALSE(checker_.check_mac2(message, source_, START));
}

TEST_F(Cookies, do_not_help_a_message_to_another_device)
{
    const CookieChecker other(derive_public_key(key_of(0x23)));
    EXPECT_FALSE(other.check_mac1(send(START)));
}

TEST_F(Cookies, let_the_next_message_from_the_same_source_in)
{
    exchange_cookie(START);
    const Buffer message = send(START + 5s, 2);
    EXPECT_TRUE(checker_.check_mac1(message));
    EXPECT_TRUE(checker_.check_mac2(message, source_, START + 5s));
}

TEST_F(Cookies, do_not_count_for_another_address_or_port)
{
    exchange_cookie(START);
    const Buffer message = send(START, 2);
    for (const char *other : {"192.0.2.8:51820", "192.0.2.7:51821", "[::c000:207]:51820"})
        EXPECT_FALSE(checker_.check_mac2(message, from(other), START)) << other;
}

TEST_F(Cookies, over_ipv6_are_bound_to_all_of_the_address)
{
    source_ = from("[2001:db8::7]:51820");
    exchange_cookie(START);
    const Buffer message = send(START, 2);
    EXPECT_TRUE(checker_.check_mac2(message, source_, START));
    for (const char *other : {"[2001:db8::8]:51820", "[2001:db9::7]:51820", "[2001:db8::7]:51821"})
        EXPECT_FALSE(checker_.check_mac2(message, from(other), START)) << other;
}

TEST_F(Cookies, do_not_save_a_message_that_was_changed)
{
    exchange_cookie(START);
    Buffer message = send(START, 2);
    for (std::size_t i = 0; i < message.size(); ++i) {
        message[i] ^= 1;
        EXPECT_FALSE(checker_.check_mac2(message, source_, START)) << "byte " << i;
        message[i] ^= 1;
    }
}

TEST_F(Cookies, are_used_for_115_seconds)
{
    exchange_cookie(START);
    EXPECT_TRUE(has_mac2(send(START + 115s - 1ns)));
    EXPECT_FALSE(has_mac2(send(START + 115s)));
}

TEST_F(Cookies, are_accepted_until_the_secret_is_120_seconds_old)
{
    exchange_cookie(START);
    const Buffer message = send(START, 2);
    EXPECT_TRUE(checker_.check_mac2(message, source_, START + 120s - 1ns));
    EXPECT_FALSE(checker_.check_mac2(message, source_, START + 120s));
}

TEST_F(Cookies, come_from_a_new_secret_every_120_seconds)
{
    exchange_cookie(START);
    const Buffer old = send(START, 2);
    answer(old, START + 120s - 1ns);
    EXPECT_TRUE(checker_.check_mac2(old, source_, START + 120s - 1ns)) << "still the same secret";
    answer(old, START + 120s);
    EXPECT_FALSE(checker_.check_mac2(old, source_, START + 120s)) << "renewed";

    exchange_cookie(START + 121s);
    EXPECT_TRUE(checker_.check_mac2(send(START + 121s, 2), source_, START + 121s));
}

TEST_F(Cookies, cannot_be_guessed_before_the_first_was_given)
{
    // The cookie of a secret that is all zeros.
    const Key zeros;
    const std::uint8_t port[] = {0xca, 0x6c};
    const Mac cookie = blake2s_mac(zeros.bytes(), {Bytes(source_.address.bytes).first(4), port});
    Buffer message = send(START);
    const Mac mac2 = blake2s_mac(cookie, {Bytes(message).first(message.size() - WG_COOKIE_SIZE)});
    std::copy(mac2.begin(), mac2.end(), message.end() - WG_COOKIE_SIZE);
    EXPECT_FALSE(checker_.check_mac2(message, source_, Instant()));
    EXPECT_FALSE(checker_.check_mac2(message, source_, START));
}

TEST_F(Cookies, are_for_the_index_that_the_message_came_from)
{
    const auto reply = answer(send(START), START);
    EXPECT_EQ(to_hex(bytes_of(reply).first(8)), "0300000004030201");
}

TEST_F(Cookies, are_accepted_once_per_message)
{
    const Buffer message = send(START);
    const auto first = answer(message, START);
    const auto second = answer(message, START);
    EXPECT_NE(to_hex(bytes_of(first)), to_hex(bytes_of(second))) << "a new nonce each time";
    EXPECT_TRUE(generator_.consume_reply(first, START));
    EXPECT_FALSE(generator_.consume_reply(first, START));
    EXPECT_FALSE(generator_.consume_reply(second, START));
}

TEST_F(Cookies, must_answer_the_last_message)
{
    const auto stale = answer(send(START, 1), START);
    const auto fresh = answer(send(START, 2), START);
    EXPECT_FALSE(generator_.consume_reply(stale, START));
    EXPECT_TRUE(generator_.consume_reply(fresh, START));
}

TEST_F(Cookies, are_refused_before_anything_was_sent)
{
    const auto reply = answer(send(START), START);
    CookieGenerator silent(public_key_);
    EXPECT_FALSE(silent.consume_reply(reply, START));
}

TEST_F(Cookies, are_refused_when_any_bit_of_nonce_or_cookie_is_flipped)
{
    auto reply = answer(send(START), START);
    const auto bytes = mutable_bytes_of(reply);
    for (std::size_t bit = 8 * 8; bit < 8 * bytes.size(); ++bit) {
        const auto mask = static_cast<std::uint8_t>(1 << bit % 8);
        bytes[bit / 8] ^= mask;
        EXPECT_FALSE(generator_.consume_reply(reply, START)) << "bit " << bit;
        bytes[bit / 8] ^= mask;
    }
    EXPECT_FALSE(has_mac2(send(START))) << "nothing was learned";
}

TEST_F(Cookies, still_count_after_a_damaged_reply)
{
    const Buffer message = send(START);
    auto damaged = answer(message, START);
    damaged.encrypted_cookie[0] ^= 1;
    EXPECT_FALSE(generator_.consume_reply(damaged, START));
    EXPECT_TRUE(generator_.consume_reply(answer(message, START), START));
}

TEST_F(Cookies, can_be_renewed_by_the_next_message)
{
    exchange_cookie(START);
    exchange_cookie(START + 100s);
    EXPECT_TRUE(has_mac2(send(START + 200s))) << "the second is younger than 115 s";
}

} // namespace
} // namespace wg::test
