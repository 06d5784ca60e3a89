// SPDX-License-Identifier: MIT
//
// Making and checking macs and cookies.
#include "noise/cookie.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include <endian.h>

namespace wg {
namespace {

static_assert(sizeof(wg_macs) == 2 * WG_COOKIE_SIZE);

Hash derive_key(std::string_view label, const PublicKey &receiver)
{
    return blake2s(
        {{reinterpret_cast<const std::uint8_t *>(label.data()), label.size()}, receiver});
}

template <typename Span>
Span mac1_of(Span message)
{
    return message.last(sizeof(wg_macs)).first(WG_COOKIE_SIZE);
}

template <typename Span>
Span mac2_of(Span message)
{
    return message.last(WG_COOKIE_SIZE);
}

Mac compute_mac1(const CookieKeys &keys, Bytes message)
{
    return blake2s_mac(keys.mac1_key, {message.first(message.size() - sizeof(wg_macs))});
}

Mac compute_mac2(const Mac &cookie, Bytes message)
{
    return blake2s_mac(cookie, {message.first(message.size() - WG_COOKIE_SIZE)});
}

bool is_younger(const std::optional<Instant> &birthdate, std::uint64_t age, Instant now)
{
    return birthdate && now < *birthdate + ns(age);
}

} // namespace

CookieKeys::CookieKeys(const PublicKey &receiver)
    : mac1_key(derive_key("mac1----", receiver)), cookie_key(derive_key("cookie--", receiver))
{
}

bool CookieChecker::check_mac1(Bytes message) const
{
    return equal_constant_time(mac1_of(message), compute_mac1(keys_, message));
}

bool CookieChecker::check_mac2(Bytes message, const Endpoint &from, Instant now) const
{
    // Without a secret no cookie was given, and the cookie of an empty one could be guessed.
    return secret_is_fresh(now) &&
           equal_constant_time(mac2_of(message), compute_mac2(make_cookie(from), message));
}

wg_cookie_reply CookieChecker::create_reply(
    Bytes message, std::uint32_t receiver_index, const Endpoint &from, Instant now, Random &random)
{
    renew_secret(now, random);
    wg_cookie_reply reply{};
    reply.type = htole32(WG_COOKIE_REPLY);
    reply.receiver_index = htole32(receiver_index);
    random.fill(reply.nonce);
    xchacha20poly1305_seal(reply.encrypted_cookie, make_cookie(from), mac1_of(message),
                           keys_.cookie_key, reply.nonce);
    return reply;
}

CookieSecrets CookieChecker::secrets(Instant now, Random &random)
{
    renew_secret(now, random);
    return {Key(keys_.mac1_key), keys_.cookie_key.clone(), secret_.clone(),
            *secret_birthdate_ + ns(COOKIE_SECRET_MAX_AGE)};
}

void CookieChecker::renew_secret(Instant now, Random &random)
{
    if (secret_is_fresh(now))
        return;
    random.fill(secret_.mutable_bytes());
    secret_birthdate_ = now;
}

bool CookieChecker::secret_is_fresh(Instant now) const
{
    return is_younger(secret_birthdate_, COOKIE_SECRET_MAX_AGE, now);
}

Mac CookieChecker::make_cookie(const Endpoint &from) const
{
    const std::uint16_t port = htobe16(from.port);
    return blake2s_mac(secret_.bytes(),
                       {Bytes(from.address.bytes).first(from.address.size()), bytes_of(port)});
}

void CookieGenerator::add_macs(MutableBytes message, Instant now)
{
    const Mac mac1 = compute_mac1(keys_, message);
    std::copy(mac1.begin(), mac1.end(), mac1_of(message).begin());
    last_mac1_sent_ = mac1;

    // The cookie is dropped a little before the secret behind it, or it would arrive too late.
    Mac mac2{};
    if (is_younger(cookie_birthdate_, COOKIE_SECRET_MAX_AGE - COOKIE_SECRET_LATENCY, now))
        mac2 = compute_mac2(cookie_, message);
    std::copy(mac2.begin(), mac2.end(), mac2_of(message).begin());
}

bool CookieGenerator::consume_reply(const wg_cookie_reply &reply, Instant now)
{
    Mac cookie;
    if (!last_mac1_sent_ ||
        !xchacha20poly1305_open(cookie, reply.encrypted_cookie, *last_mac1_sent_, keys_.cookie_key,
                                reply.nonce))
        return false;
    last_mac1_sent_.reset();
    cookie_ = cookie;
    cookie_birthdate_ = now;
    return true;
}

} // namespace wg
