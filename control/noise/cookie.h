// SPDX-License-Identifier: MIT
//
// mac1, mac2 and cookies (whitepaper, sections 5.3, 5.4.4 and 5.4.7): what makes a flood of
// handshakes cheap to refuse. Messages are whole handshake messages of the exact length, wg_macs
// last.
#pragma once

#include <cstdint>
#include <optional>

#include <wgxdp/protocol.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/secret.h"
#include "noise/crypto.h"

namespace wg {

/// Keys that anybody can derive from the static public key of a message's receiver.
struct CookieKeys {
    Hash mac1_key;
    Key cookie_key;

    explicit CookieKeys(const PublicKey &receiver);
};

/// All that it takes to judge messages and to answer with cookies in a checker's place.
struct CookieSecrets {
    Key mac1_key;
    Key cookie_key;
    Key secret;
    Instant secret_until; ///< the cookies made with it are good until then
};

/// A device's side: judges messages that come in and answers with cookies while under load.
class CookieChecker {
  public:
    /// `own_public_key`: the device's; make a new checker when it changes.
    explicit CookieChecker(const PublicKey &own_public_key) : keys_(own_public_key) {}

    /// Was the message made by somebody who knows our public key? Check this first, always.
    bool check_mac1(Bytes message) const;
    /// Does the message prove that its sender receives at this address and port? Asked only while
    /// under load.
    bool check_mac2(Bytes message, const Endpoint &from, Instant now) const;
    /// The answer to a message with a good mac1 and no good mac2. `receiver_index`: the message's
    /// sender index. Renews the secret when it is older than COOKIE_SECRET_MAX_AGE.
    wg_cookie_reply create_reply(Bytes message,
                                 std::uint32_t receiver_index,
                                 const Endpoint &from,
                                 Instant now,
                                 Random &random);
    /// Renews the secret as create_reply does.
    CookieSecrets secrets(Instant now, Random &random);

  private:
    void renew_secret(Instant now, Random &random);
    bool secret_is_fresh(Instant now) const;
    Mac make_cookie(const Endpoint &from) const;

    CookieKeys keys_;
    Key secret_;
    std::optional<Instant> secret_birthdate_;
};

/// A peer's side: puts the macs on messages to the peer and takes its cookies.
class CookieGenerator {
  public:
    explicit CookieGenerator(const PublicKey &peer_public_key) : keys_(peer_public_key) {}

    /// Writes mac1, and mac2 if there is a fresh cookie (else zeros). The mac1 is the one that a
    /// cookie must answer.
    void add_macs(MutableBytes message, Instant now);
    /// False: not an answer to the last message sent, damaged, or a second answer to the same
    /// message.
    [[nodiscard]] bool consume_reply(const wg_cookie_reply &reply, Instant now);

  private:
    CookieKeys keys_;
    std::optional<Mac> last_mac1_sent_; // none: nothing sent, or answered already
    Mac cookie_{};
    std::optional<Instant> cookie_birthdate_;
};

} // namespace wg
