// SPDX-License-Identifier: MIT
//
// ChaCha20-Poly1305 and XChaCha20-Poly1305: RFC 8439, Wycheproof, damage.
#include "noise/crypto.h"
#include "unit/noise/support.h"

namespace wg::test {
namespace {

// RFC 8439, appendix A.5: of the RFC's AEAD vectors the one whose nonce begins with 32 zero bits,
// as WireGuard's do.
const char *const A5_KEY = "1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0";
constexpr std::uint64_t A5_COUNTER = 0x0807060504030201;
const char *const A5_ASSOCIATED_DATA = "f33388860000000000004e91";
constexpr std::string_view A5_PLAINTEXT =
    "Internet-Drafts are draft documents valid for a maximum of six months and may be updated, "
    "replaced, or obsoleted by other documents at any time. It is inappropriate to use "
    "Internet-Drafts as reference material or to cite them other than as /\xe2\x80\x9cwork in "
    "progress./\xe2\x80\x9d";
const char *const A5_CIPHERTEXT = "64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb2"
                                  "4c6cfc18755d43eea09ee94e382d26b0bdb7b73c321b0100d4f03b7f355894cf"
                                  "332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c855"
                                  "9797a06ef4f0ef61c186324e2b3506383606907b6a7c02b0f9f6157b53c867e4"
                                  "b9166c767b804d46a59b5216cde7a4e99040c5a40433225ee282a1b0a06c523e"
                                  "af4534d7f83fa1155b0047718cbc546a0d072b04b3564eea1b422273f548271a"
                                  "0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a6727627097a10"
                                  "49e617d91d361094fa68f0ff77987130305beaba2eda04df997b714d6c6f2c29"
                                  "a6ad5cb4022b02709b"
                                  "eead9d67890cbb22392336fea1851f38";

Buffer a5_plaintext()
{
    return {A5_PLAINTEXT.begin(), A5_PLAINTEXT.end()};
}

TEST(ChaCha20Poly1305, agrees_with_rfc_8439_appendix_a_5)
{
    const Buffer associated_data = from_hex(A5_ASSOCIATED_DATA);
    Buffer ciphertext(A5_PLAINTEXT.size() + WG_TAG_SIZE);
    chacha20poly1305_seal(ciphertext, a5_plaintext(), associated_data, key_from_hex(A5_KEY),
                          A5_COUNTER);
    EXPECT_EQ(to_hex(ciphertext), A5_CIPHERTEXT);

    Buffer plaintext(A5_PLAINTEXT.size());
    EXPECT_TRUE(chacha20poly1305_open(plaintext, ciphertext, associated_data, key_from_hex(A5_KEY),
                                      A5_COUNTER));
    EXPECT_EQ(plaintext, a5_plaintext());
}

TEST(ChaCha20Poly1305, seals_and_opens_in_place)
{
    Buffer message = a5_plaintext();
    message.resize(A5_PLAINTEXT.size() + WG_TAG_SIZE);
    const Buffer associated_data = from_hex(A5_ASSOCIATED_DATA);
    const auto payload = MutableBytes(message).first(A5_PLAINTEXT.size());
    chacha20poly1305_seal(message, payload, associated_data, key_from_hex(A5_KEY), A5_COUNTER);
    EXPECT_EQ(to_hex(message), A5_CIPHERTEXT);
    EXPECT_TRUE(
        chacha20poly1305_open(payload, message, associated_data, key_from_hex(A5_KEY), A5_COUNTER));
    EXPECT_EQ(Buffer(payload.begin(), payload.end()), a5_plaintext());
}

TEST(ChaCha20Poly1305, refuses_every_flipped_bit_and_leaves_nothing)
{
    const Buffer associated_data = from_hex(A5_ASSOCIATED_DATA);
    Buffer ciphertext = from_hex(A5_CIPHERTEXT);
    Buffer plaintext(A5_PLAINTEXT.size());
    const Buffer nothing(A5_PLAINTEXT.size());
    for (std::size_t bit = 0; bit < 8 * ciphertext.size(); ++bit) {
        const auto mask = static_cast<std::uint8_t>(1 << bit % 8);
        ciphertext[bit / 8] ^= mask;
        EXPECT_FALSE(chacha20poly1305_open(plaintext, ciphertext, associated_data,
                                           key_from_hex(A5_KEY), A5_COUNTER))
            << "bit " << bit;
        EXPECT_EQ(plaintext, nothing);
        ciphertext[bit / 8] ^= mask;
    }
}

struct WycheproofCase {
    Buffer iv, associated_data, plaintext, ciphertext; // tag included
    Key key;
    bool valid;
    int id;

    explicit WycheproofCase(const nlohmann::json &test)
        : iv(field(test, "iv")), associated_data(field(test, "aad")), plaintext(field(test, "msg")),
          ciphertext(field(test, "ct")), key(key_from_hex(test.at("key").get<std::string>())),
          valid(test.at("result") == "valid"), id(test.at("tcId").get<int>())
    {
        const Buffer tag = field(test, "tag");
        ciphertext.insert(ciphertext.end(), tag.begin(), tag.end());
    }

  private:
    static Buffer field(const nlohmann::json &test, const char *name)
    {
        return from_hex(test.at(name).get<std::string>());
    }
};

/// Every case whose nonce has the right size.
std::vector<WycheproofCase> wycheproof_cases(const nlohmann::json &vectors, std::size_t iv_bits)
{
    std::vector<WycheproofCase> cases;
    for (const auto &group : vectors.at("testGroups"))
        if (group.at("ivSize") == iv_bits)
            for (const auto &test : group.at("tests"))
                cases.emplace_back(test);
    return cases;
}

TEST(ChaCha20Poly1305, agrees_with_wycheproof_on_nonces_that_are_counters)
{
    const auto vectors = read_vectors("chacha20_poly1305_test.json");
    if (!vectors)
        GTEST_SKIP() << "chacha20_poly1305_test.json is missing: set WGXDP_VECTORS";
    int tried = 0;
    for (const WycheproofCase &c : wycheproof_cases(*vectors, 96)) {
        if (!std::all_of(c.iv.begin(), c.iv.begin() + 4, [](auto byte) { return byte == 0; }))
            continue;
        const auto counter = load<std::uint64_t>(Bytes(c.iv).subspan(4));
        Buffer plaintext(c.plaintext.size());
        EXPECT_EQ(chacha20poly1305_open(plaintext, c.ciphertext, c.associated_data, c.key, counter),
                  c.valid)
            << "tcId " << c.id;
        Buffer ciphertext(c.ciphertext.size());
        chacha20poly1305_seal(ciphertext, c.plaintext, c.associated_data, c.key, counter);
        EXPECT_EQ(ciphertext == c.ciphertext, c.valid) << "tcId " << c.id;
        ++tried;
    }
    EXPECT_EQ(tried, 10);
}

// Most of the file has nonces that no counter makes: those check the library under us.
TEST(ChaCha20Poly1305, of_libsodium_agrees_with_wycheproof_on_every_96_bit_nonce)
{
    const auto vectors = read_vectors("chacha20_poly1305_test.json");
    if (!vectors)
        GTEST_SKIP() << "chacha20_poly1305_test.json is missing: set WGXDP_VECTORS";
    int tried = 0;
    for (const WycheproofCase &c : wycheproof_cases(*vectors, 96)) {
        Buffer plaintext(c.plaintext.size());
        const bool opened = crypto_aead_chacha20poly1305_ietf_decrypt(
                                plaintext.data(), nullptr, nullptr, c.ciphertext.data(),
                                c.ciphertext.size(), c.associated_data.data(),
                                c.associated_data.size(), c.iv.data(), c.key.bytes().data()) == 0;
        EXPECT_EQ(opened, c.valid) << "tcId " << c.id;
        if (c.valid) {
            EXPECT_EQ(plaintext, c.plaintext) << "tcId " << c.id;
        }
        ++tried;
    }
    EXPECT_EQ(tried, 316);
}

TEST(XChaCha20Poly1305, agrees_with_wycheproof)
{
    const auto vectors = read_vectors("xchacha20_poly1305_test.json");
    if (!vectors)
        GTEST_SKIP() << "xchacha20_poly1305_test.json is missing: set WGXDP_VECTORS";
    int tried = 0;
    for (const WycheproofCase &c : wycheproof_cases(*vectors, 192)) {
        const auto nonce = load<CookieNonce>(c.iv);
        Buffer plaintext(c.plaintext.size());
        EXPECT_EQ(xchacha20poly1305_open(plaintext, c.ciphertext, c.associated_data, c.key, nonce),
                  c.valid)
            << "tcId " << c.id;
        if (c.valid) {
            EXPECT_EQ(plaintext, c.plaintext) << "tcId " << c.id;
            Buffer ciphertext(c.ciphertext.size());
            xchacha20poly1305_seal(ciphertext, c.plaintext, c.associated_data, c.key, nonce);
            EXPECT_EQ(ciphertext, c.ciphertext) << "tcId " << c.id;
        }
        ++tried;
    }
    EXPECT_EQ(tried, 306);
}

} // namespace
} // namespace wg::test
