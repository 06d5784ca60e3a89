// SPDX-License-Identifier: MIT
//
// BLAKE2s and what is built on it: RFC 7693, libb2 as the reference, and wireguard-go's vectors for
// the KDF.
#include <blake2.h>

#include "crypto/blake2s.h"
#include "noise/crypto.h"
#include "unit/noise/support.h"

namespace wg::test {
namespace {

Buffer hash_of(std::size_t size, Bytes key, Bytes data)
{
    wg_blake2s state;
    Buffer hash(size);
    wg_blake2s_init(&state, static_cast<__u32>(size), key.data(), static_cast<__u32>(key.size()));
    wg_blake2s_update(&state, data.data(), data.size());
    wg_blake2s_final(&state, hash.data());
    return hash;
}

Buffer reference_hash_of(std::size_t size, Bytes key, Bytes data)
{
    Buffer hash(size);
    EXPECT_EQ(::blake2s(hash.data(), data.data(), key.data(), hash.size(), data.size(), key.size()),
              0);
    return hash;
}

/// RFC 7693, appendix E: selftest_seq
Buffer sequence(std::size_t size, std::uint32_t seed)
{
    Buffer bytes(size);
    std::uint32_t a = 0xdead4bad * seed;
    std::uint32_t b = 1;
    for (auto &byte : bytes) {
        const std::uint32_t sum = a + b;
        a = b;
        b = sum;
        byte = static_cast<std::uint8_t>(sum >> 24);
    }
    return bytes;
}

TEST(Blake2s, agrees_with_rfc_7693_appendix_b)
{
    EXPECT_EQ(to_hex(wg::blake2s({Buffer{'a', 'b', 'c'}})),
              "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982");
}

TEST(Blake2s, agrees_with_rfc_7693_appendix_e)
{
    Buffer hashes;
    for (const std::uint32_t hash_size : {16u, 20u, 28u, 32u}) {
        for (const std::uint32_t size : {0u, 3u, 64u, 65u, 255u, 1024u}) {
            const Buffer data = sequence(size, size);
            for (const Buffer &key : {Buffer(), sequence(hash_size, hash_size)}) {
                const Buffer hash = hash_of(hash_size, key, data);
                hashes.insert(hashes.end(), hash.begin(), hash.end());
            }
        }
    }
    EXPECT_EQ(to_hex(wg::blake2s({hashes})),
              "6a411f08ce25adcdfb02aba641451cec53c598b24f4fc787fbdc88797f4c1dfe");
}

TEST(Blake2s, agrees_with_libb2_at_every_length_with_and_without_a_key)
{
    for (std::uint32_t size = 0; size <= 300; ++size) {
        const Buffer data = sequence(size, size + 1);
        for (const std::size_t key_size : {0u, 1u, 16u, 31u, 32u}) {
            const Buffer key = sequence(key_size, 7);
            for (const std::size_t hash_size : {16u, 32u})
                ASSERT_EQ(hash_of(hash_size, key, data), reference_hash_of(hash_size, key, data))
                    << size << " bytes, key of " << key_size << ", hash of " << hash_size;
        }
    }
}

TEST(Blake2s, does_not_care_how_the_input_is_cut)
{
    const Buffer data = sequence(200, 1);
    const Hash whole = wg::blake2s({data});
    for (std::size_t cut = 0; cut <= data.size(); ++cut)
        EXPECT_EQ(wg::blake2s({Bytes(data).first(cut), {}, Bytes(data).subspan(cut)}), whole);
}

TEST(Blake2sMac, is_keyed_blake2s_with_16_bytes)
{
    const Buffer key = sequence(32, 1);
    const Buffer data = sequence(100, 2);
    const Mac mac = blake2s_mac(key, {data});
    EXPECT_EQ(Buffer(mac.begin(), mac.end()), reference_hash_of(16, key, data));
}

TEST(HmacBlake2s, agrees_with_its_definition_over_libb2)
{
    for (const std::size_t key_size : {0u, 32u, 64u}) {
        const Buffer key = sequence(key_size, 5);
        const Buffer data = sequence(77, 6);
        Buffer inner(64, 0x36);
        Buffer outer(64, 0x5c);
        for (std::size_t i = 0; i < key.size(); ++i) {
            inner[i] ^= key[i];
            outer[i] ^= key[i];
        }
        inner.insert(inner.end(), data.begin(), data.end());
        const Buffer inner_hash = reference_hash_of(32, {}, inner);
        outer.insert(outer.end(), inner_hash.begin(), inner_hash.end());
        EXPECT_EQ(to_hex(hmac_blake2s(key, {data}).bytes()),
                  to_hex(reference_hash_of(32, {}, outer)));
    }
}

// wireguard-go, device/kdf_test.go (golang.zx2c4.com/wireguard v0.0.0-20260522210424-ecfc5a8d5446).
// Its keys are shorter than ours; HMAC pads with zeros anyway.
TEST(Kdf, agrees_with_wireguard_go)
{
    const struct {
        std::string_view key, input, t0, t1, t2;
    } cases[] = {
        {"test-key", "test-input",
         "6f0e5ad38daba1bea8a0d213688736f19763239305e0f58aba697f9ffc41c633",
         "df1194df20802a4fe594cde27e92991c8cae66c366e8106aaa937a55fa371e8a",
         "fac6e2745a325f5dc5d11a5b165aad08b0ada28e7b4e666b7c077934a4d76c24"},
        {"wireguard", "wireguard",
         "491d43bbfdaa8750aaf535e334ecbfe5129967cd64635101c566d4caefda96e8",
         "1e71a379baefd8a79aa4662212fcafe19a23e2b609a3db7d6bcba8f560e3d25f",
         "31e1ae48bddfbe5de38f295e5452b1909a1b4e38e183926af3780b0c1e1f0160"},
        {"", "", "8387b46bf43eccfcf349552a095d8315c4055beb90208fb1be23b894bc2ed5d0",
         "58a0e5f6faefccf4807bff1f05fa8a9217945762040bcec2f4b4a62bdfe0e86e",
         "0ce6ea98ec548f8e281e93e32db65621c45eb18dc6f0a7ad94178610a2f7338e"},
    };
    for (const auto &c : cases) {
        Key key;
        std::copy(c.key.begin(), c.key.end(), key.mutable_bytes().begin());
        const Buffer input(c.input.begin(), c.input.end());

        const auto three = kdf<3>(key, input);
        EXPECT_EQ(to_hex(three[0].bytes()), c.t0);
        EXPECT_EQ(to_hex(three[1].bytes()), c.t1);
        EXPECT_EQ(to_hex(three[2].bytes()), c.t2);
        const auto two = kdf<2>(key, input);
        EXPECT_EQ(to_hex(two[0].bytes()), c.t0);
        EXPECT_EQ(to_hex(two[1].bytes()), c.t1);
        const auto one = kdf<1>(key, input);
        EXPECT_EQ(to_hex(one[0].bytes()), c.t0);
    }
}

} // namespace
} // namespace wg::test
