// SPDX-License-Identifier: MIT
//
// Poly1305 against RFC 8439 and libsodium, with the values at which limbs and reduction are hardest
// pressed.
#include <gtest/gtest.h>
#include <sodium.h>

#include "unit/crypto/cipher.h"

namespace wg::test {
namespace {

struct MacVector {
    const char *name;
    Buffer key;
    Buffer message;
    const char *tag;
};

Buffer text(std::string_view characters)
{
    return {characters.begin(), characters.end()};
}

/// A vector of appendix A.3 whose key is a small r and s.
MacVector
vector(const char *name, const char *r, const char *s, const char *message, const char *tag)
{
    Buffer key = from_hex(r);
    const Buffer second = from_hex(s);
    key.insert(key.end(), second.begin(), second.end());
    return {name, key, from_hex(message), tag};
}

constexpr const char *ZERO = "00000000000000000000000000000000";
constexpr const char *ONE = "01000000000000000000000000000000";
constexpr const char *TWO = "02000000000000000000000000000000";
constexpr const char *ONES = "ffffffffffffffffffffffffffffffff";
constexpr const char *SECRET = "36e5f6b5c5e06070f0efca96227a863e";
constexpr const char *WIDE = "01000000000000000400000000000000";

const char *const SUBMISSION =
    "Any submission to the IETF intended by the Contributor for publication as all or part of an "
    "IETF Internet-Draft or RFC and any statement made within the context of an IETF activity is "
    "considered an \"IETF Contribution\". Such statements include oral statements in IETF "
    "sessions, "
    "as well as written and electronic communications made at any time or place, which are "
    "addressed to";

const char *const JABBERWOCKY =
    "'Twas brillig, and the slithy toves\nDid gyre and gimble in the wabe:\nAll mimsy were the "
    "borogoves,\nAnd the mome raths outgrabe.";

std::vector<MacVector> texts_of_rfc_8439()
{
    MacVector submission_s = vector("A.3 #2", ZERO, SECRET, "", SECRET);
    MacVector submission_r = vector("A.3 #3", SECRET, ZERO, "", "f3477e7cd95417af89a6b8794c310cf0");
    submission_s.message = submission_r.message = text(SUBMISSION);
    return {
        {"2.5.2", from_hex("85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b"),
         text("Cryptographic Forum Research Group"), "a8061dc1305136c6c22b8baf0c0127a9"},
        {"A.3 #1", Buffer(32), Buffer(64), ZERO},
        submission_s,
        submission_r,
        {"A.3 #4", from_hex("1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0"),
         text(JABBERWOCKY), "4541669a7eaaee61e708dc7cbcc5eb62"},
    };
}

TEST(Poly1305, gives_the_tags_of_rfc_8439)
{
    for (const MacVector &each : texts_of_rfc_8439())
        EXPECT_EQ(poly1305(each.key, each.message), from_hex(each.tag)) << each.name;
}

TEST(Poly1305, reduces_at_the_edges_of_rfc_8439_appendix_a_3)
{
    const MacVector vectors[] = {
        vector("#5 2^130 - 5 wraps", TWO, ZERO, ONES, "03000000000000000000000000000000"),
        vector("#6 s wraps", TWO, ONES, TWO, "03000000000000000000000000000000"),
        vector("#7", ONE, ZERO,
               "ffffffffffffffffffffffffffffffff f0ffffffffffffffffffffffffffffff "
               "11000000000000000000000000000000",
               "05000000000000000000000000000000"),
        vector("#8", ONE, ZERO,
               "ffffffffffffffffffffffffffffffff fbfefefefefefefefefefefefefefefe "
               "01010101010101010101010101010101",
               ZERO),
        vector("#9", TWO, ZERO, "fdffffffffffffffffffffffffffffff",
               "faffffffffffffffffffffffffffffff"),
        vector("#10", WIDE, ZERO,
               "e33594d7505e43b90000000000000000 3394d7505e4379cd0100000000000000 "
               "00000000000000000000000000000000 01000000000000000000000000000000",
               "14000000000000005500000000000000"),
        vector("#11", WIDE, ZERO,
               "e33594d7505e43b90000000000000000 3394d7505e4379cd0100000000000000 "
               "00000000000000000000000000000000",
               "13000000000000000000000000000000"),
    };

    for (const MacVector &each : vectors)
        EXPECT_EQ(poly1305(each.key, each.message), from_hex(each.tag)) << each.name;
}

Buffer reference(const Buffer &key, const Buffer &message)
{
    Buffer tag(WG_TAG_SIZE);
    crypto_onetimeauth_poly1305(tag.data(), message.data(), message.size(), key.data());
    return tag;
}

TEST(Poly1305, agrees_with_libsodium_for_every_length)
{
    for (std::size_t length = 0; length <= 1500; length++) {
        const Buffer key = random_bytes(32);
        const Buffer message = random_bytes(length);
        ASSERT_EQ(poly1305(key, message), reference(key, message)) << length;
    }
}

TEST(Poly1305, agrees_with_libsodium_where_key_and_message_are_as_large_as_they_can_be)
{
    for (const std::uint8_t byte : Buffer{0xff, 0xfe, 0xfc, 0xfb, 0x80, 0x01, 0x00}) {
        for (std::size_t length = 0; length <= 1500; length++) {
            const Buffer key(32, length % 3 == 0 ? byte : std::uint8_t{0xff});
            const Buffer message(length, byte);
            ASSERT_EQ(poly1305(key, message), reference(key, message))
                << int{byte} << " " << length;
        }
    }
}

} // namespace
} // namespace wg::test
