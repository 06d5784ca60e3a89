// SPDX-License-Identifier: MIT
//
// The published Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s transcript, walked token by token with our
// SymmetricState.
#include "noise/symmetric_state.h"
#include "unit/noise/support.h"

namespace wg::test {
namespace {

constexpr std::string_view PROTOCOL = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";

struct Party {
    Key static_private, ephemeral_private;
    SymmetricState symmetric;

    Party(const nlohmann::json &vector, const std::string &role)
        : static_private(key_from_hex(vector.at(role + "_static").get<std::string>())),
          ephemeral_private(key_from_hex(vector.at(role + "_ephemeral").get<std::string>())),
          symmetric(PROTOCOL, from_hex(vector.at(role + "_prologue").get<std::string>()))
    {
    }

    void mix_ephemeral(const PublicKey &ephemeral)
    {
        symmetric.mix_hash(ephemeral);
        symmetric.mix_key(ephemeral);
    }
    void mix_dh(const Key &private_key, const PublicKey &public_key)
    {
        const auto shared = x25519(private_key, public_key);
        ASSERT_TRUE(shared);
        symmetric.mix_key(shared->bytes());
    }
    void write(Buffer &message, Bytes plaintext)
    {
        Buffer ciphertext(plaintext.size() + WG_TAG_SIZE);
        symmetric.encrypt_and_hash(ciphertext, plaintext);
        message.insert(message.end(), ciphertext.begin(), ciphertext.end());
    }
    Buffer read(Bytes ciphertext)
    {
        Buffer plaintext(ciphertext.size() - WG_TAG_SIZE);
        EXPECT_TRUE(symmetric.decrypt_and_hash(plaintext, ciphertext));
        return plaintext;
    }
};

class IkPsk2 : public testing::Test {
  protected:
    void SetUp() override
    {
        const auto vectors = read_vectors("noise_ikpsk2.json");
        if (!vectors)
            GTEST_SKIP() << "noise_ikpsk2.json is missing: set WGXDP_VECTORS";
        vector_ = vectors->is_array() ? vectors->at(0) : *vectors;
    }
    Buffer field(std::size_t message, const char *name) const
    {
        return from_hex(vector_.at("messages").at(message).at(name).get<std::string>());
    }
    Buffer psk() const { return from_hex(vector_.at("init_psks").at(0).get<std::string>()); }

    nlohmann::json vector_;
};

TEST_F(IkPsk2, initiator_writes_and_reads_the_published_transcript)
{
    Party self(vector_, "init");
    const auto remote =
        array_from_hex<PublicKey>(vector_.at("init_remote_static").get<std::string>());
    const PublicKey ephemeral = derive_public_key(self.ephemeral_private);
    self.symmetric.mix_hash(remote);

    Buffer message(ephemeral.begin(), ephemeral.end());
    self.mix_ephemeral(ephemeral);                               // e
    self.mix_dh(self.ephemeral_private, remote);                 // es
    self.write(message, derive_public_key(self.static_private)); // s
    self.mix_dh(self.static_private, remote);                    // ss
    self.write(message, field(0, "payload"));
    EXPECT_EQ(to_hex(message), to_hex(field(0, "ciphertext")));

    const Buffer response = field(1, "ciphertext");
    const auto remote_ephemeral = load<PublicKey>(Bytes(response).first(32));
    self.mix_ephemeral(remote_ephemeral);                  // e
    self.mix_dh(self.ephemeral_private, remote_ephemeral); // ee
    self.mix_dh(self.static_private, remote_ephemeral);    // se
    self.symmetric.mix_key_and_hash(psk());                // psk
    EXPECT_EQ(self.read(Bytes(response).subspan(32)), field(1, "payload"));
    EXPECT_EQ(to_hex(self.symmetric.hash()), vector_.at("handshake_hash").get<std::string>());
}

TEST_F(IkPsk2, responder_reads_and_writes_the_published_transcript)
{
    Party self(vector_, "resp");
    self.symmetric.mix_hash(derive_public_key(self.static_private));

    const Buffer initiation = field(0, "ciphertext");
    const auto remote_ephemeral = load<PublicKey>(Bytes(initiation).first(32));
    self.mix_ephemeral(remote_ephemeral);                                              // e
    self.mix_dh(self.static_private, remote_ephemeral);                                // es
    const auto remote = load<PublicKey>(self.read(Bytes(initiation).subspan(32, 48))); // s
    self.mix_dh(self.static_private, remote);                                          // ss
    EXPECT_EQ(self.read(Bytes(initiation).subspan(80)), field(0, "payload"));
    EXPECT_EQ(remote,
              derive_public_key(key_from_hex(vector_.at("init_static").get<std::string>())));

    const PublicKey ephemeral = derive_public_key(self.ephemeral_private);
    Buffer message(ephemeral.begin(), ephemeral.end());
    self.mix_ephemeral(ephemeral);                         // e
    self.mix_dh(self.ephemeral_private, remote_ephemeral); // ee
    self.mix_dh(self.ephemeral_private, remote);           // se
    self.symmetric.mix_key_and_hash(psk());                // psk
    self.write(message, field(1, "payload"));
    EXPECT_EQ(to_hex(message), to_hex(field(1, "ciphertext")));
    EXPECT_EQ(to_hex(self.symmetric.hash()), vector_.at("handshake_hash").get<std::string>());

    // Transport: the initiator sends first, the sides take turns, each with a counter of its own.
    const auto keys = self.symmetric.split();
    for (std::size_t i = 2; i < vector_.at("messages").size(); ++i) {
        const Buffer payload = field(i, "payload");
        Buffer ciphertext(payload.size() + WG_TAG_SIZE);
        chacha20poly1305_seal(ciphertext, payload, {}, keys[i % 2], i / 2 - 1);
        EXPECT_EQ(to_hex(ciphertext), to_hex(field(i, "ciphertext"))) << "message " << i;
    }
}

TEST(SymmetricState, stays_as_it_was_when_a_ciphertext_is_not_authentic)
{
    SymmetricState writer(PROTOCOL, {});
    writer.mix_key(key_of(1).bytes());
    SymmetricState reader = writer.clone();
    const Buffer plaintext(20, 0x42);
    Buffer ciphertext(plaintext.size() + WG_TAG_SIZE);
    writer.encrypt_and_hash(ciphertext, plaintext);

    Buffer opened(plaintext.size());
    ciphertext.back() ^= 1;
    EXPECT_FALSE(reader.decrypt_and_hash(opened, ciphertext));
    ciphertext.back() ^= 1;
    EXPECT_TRUE(reader.decrypt_and_hash(opened, ciphertext));
    EXPECT_EQ(opened, plaintext);
    EXPECT_EQ(to_hex(reader.hash()), to_hex(writer.hash()));
}

} // namespace
} // namespace wg::test
