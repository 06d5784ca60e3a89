// SPDX-License-Identifier: MIT
//
// Wycheproof's ChaCha20-Poly1305 cases. WireGuard has no associated data: cases without it run
// through the AEAD over packets, the others through its pieces. They stand outside the repository
// ($WGXDP_VECTORS).
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "unit/crypto/cipher.h"

namespace wg::test {
namespace {

using Json = nlohmann::json;

std::filesystem::path vectors()
{
    if (const char *directory = std::getenv("WGXDP_VECTORS"))
        return directory;
    const char *source = std::getenv("WGXDP_SOURCE");
    return std::filesystem::path(source ? source : ".") / ".." / "shared" / "vectors";
}

std::optional<Json> load_vectors(const char *name)
{
    std::ifstream file(vectors() / name);
    if (!file)
        return std::nullopt;
    return Json::parse(file);
}

struct Case {
    explicit Case(const Json &json)
        : number(json.at("tcId")), data(from_hex(json.at("aad").get<std::string>())),
          plaintext(from_hex(json.at("msg").get<std::string>())),
          ciphertext(from_hex(json.at("ct").get<std::string>())),
          tag(from_hex(json.at("tag").get<std::string>())), valid(json.at("result") == "valid")
    {
        CipherKey key;
        CipherNonce nonce;
        std::ranges::copy(from_hex(json.at("key").get<std::string>()), key.begin());
        std::ranges::copy(from_hex(json.at("iv").get<std::string>()), nonce.begin());
        slot = slot_of(state_of(key, nonce));
    }

    int number;
    Buffer data;
    Buffer plaintext;
    Buffer ciphertext;
    Buffer tag;
    bool valid;
    wg_slot slot;
};

Buffer joined(const Buffer &first, const Buffer &second)
{
    Buffer both = first;
    both.insert(both.end(), second.begin(), second.end());
    return both;
}

/// Every case is with a tag that is right or forged; the AEAD must tell which.
void check_packet(const Case &each)
{
    const aead_result expected = each.valid ? AEAD_OK : AEAD_BAD_TAG;
    const auto length = static_cast<__u32>(each.plaintext.size());
    Buffer packet = joined(each.ciphertext, each.tag);
    __u8 *payload = packet.data();
    const __u8 *end = payload + packet.size();

    EXPECT_EQ(aead_verify(payload, end, length, &each.slot), expected) << each.number;
    EXPECT_EQ(aead_open(payload, end, length, &each.slot), expected) << each.number;
    EXPECT_EQ(packet, joined(each.plaintext, each.tag)) << each.number;
    EXPECT_EQ(aead_seal(payload, end, length, &each.slot), AEAD_OK) << each.number;
    EXPECT_EQ(packet == joined(each.ciphertext, each.tag), each.valid) << each.number;
}

void check_pieces(const Case &each)
{
    Buffer packet = joined(each.ciphertext, each.tag);
    const auto length = static_cast<__u32>(each.plaintext.size());

    EXPECT_EQ(tag_with_data(each.slot, each.data, each.ciphertext) == each.tag, each.valid)
        << each.number;
    EXPECT_EQ(aead_decrypt(packet.data(), packet.data() + packet.size(), length, &each.slot),
              AEAD_OK);
    EXPECT_EQ(packet, joined(each.plaintext, each.tag)) << each.number;
}

TEST(Wycheproof, every_case_with_a_nonce_of_96_bits_is_judged_rightly)
{
    const std::optional<Json> json = load_vectors("chacha20_poly1305_test.json");
    if (!json)
        GTEST_SKIP() << "no chacha20_poly1305_test.json in " << vectors();

    int packets = 0;
    int pieces = 0;
    for (const Json &group : json->at("testGroups")) {
        if (group.at("ivSize") != 96) // the format of another protocol
            continue;
        for (const Json &test : group.at("tests")) {
            const Case each(test);
            check_pieces(each);
            pieces++;
            if (each.data.empty()) {
                check_packet(each);
                packets++;
            }
        }
    }
    EXPECT_EQ(pieces, 316);
    EXPECT_EQ(packets, 45);
}

} // namespace
} // namespace wg::test
