// SPDX-License-Identifier: MIT
//
// X25519: RFC 7748, Wycheproof, and keys that must be refused.
#include "noise/crypto.h"
#include "unit/noise/support.h"

namespace wg::test {
namespace {

TEST(X25519, agrees_with_rfc_7748_section_5_2)
{
    const struct {
        const char *scalar, *u, *result;
    } cases[] = {
        {"a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
         "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
         "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"},
        {"4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
         "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
         "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"},
    };
    for (const auto &c : cases) {
        const auto shared = x25519(key_from_hex(c.scalar), array_from_hex<PublicKey>(c.u));
        ASSERT_TRUE(shared);
        EXPECT_EQ(to_hex(shared->bytes()), c.result);
    }
}

TEST(X25519, agrees_with_rfc_7748_after_1000_iterations)
{
    PublicKey u{9};
    Key k(u);
    for (int i = 0; i < 1000; ++i) {
        auto result = x25519(k, u);
        ASSERT_TRUE(result);
        std::copy(k.bytes().begin(), k.bytes().end(), u.begin());
        k = std::move(*result);
        if (i == 0) {
            EXPECT_EQ(to_hex(k.bytes()),
                      "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
        }
    }
    EXPECT_EQ(to_hex(k.bytes()),
              "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
}

TEST(X25519, agrees_with_rfc_7748_section_6_1)
{
    const Key alice =
        key_from_hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
    const Key bob =
        key_from_hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
    const PublicKey alice_public = derive_public_key(alice);
    const PublicKey bob_public = derive_public_key(bob);
    EXPECT_EQ(to_hex(alice_public),
              "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    EXPECT_EQ(to_hex(bob_public),
              "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    for (const auto &shared : {x25519(alice, bob_public), x25519(bob, alice_public)}) {
        ASSERT_TRUE(shared);
        EXPECT_EQ(to_hex(shared->bytes()),
                  "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
    }
}

TEST(X25519, agrees_with_wycheproof_and_refuses_all_zero_results)
{
    const auto vectors = read_vectors("x25519_test.json");
    if (!vectors)
        GTEST_SKIP() << "x25519_test.json is missing: set WGXDP_VECTORS";
    int agreed = 0;
    int refused = 0;
    for (const auto &group : vectors->at("testGroups")) {
        for (const auto &test : group.at("tests")) {
            const auto expected = test.at("shared").get<std::string>();
            const auto shared =
                x25519(key_from_hex(test.at("private").get<std::string>()),
                       array_from_hex<PublicKey>(test.at("public").get<std::string>()));
            if (expected == std::string(64, '0')) {
                EXPECT_FALSE(shared) << "tcId " << test.at("tcId");
                ++refused;
            } else {
                ASSERT_TRUE(shared) << "tcId " << test.at("tcId");
                EXPECT_EQ(to_hex(shared->bytes()), expected) << "tcId " << test.at("tcId");
                ++agreed;
            }
        }
    }
    EXPECT_EQ(agreed, 487);
    EXPECT_EQ(refused, 31);
}

TEST(PrivateKey, is_clamped_when_generated)
{
    FixedRandom random({Buffer(32, 0xff)});
    const Key key = generate_private_key(random);
    EXPECT_EQ(to_hex(key.bytes()),
              "f8ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");
}

TEST(PrivateKey, gets_its_second_highest_bit_set_by_clamping)
{
    Key key = key_of(0x87);
    clamp_private_key(key);
    EXPECT_EQ(to_hex(key.bytes()),
              "8087878787878787878787878787878787878787878787878787878787878747");
}

} // namespace
} // namespace wg::test
