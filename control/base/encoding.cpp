// SPDX-License-Identifier: MIT
//
// Text forms of keys. libsodium's decoders take the same time for every valid text, and refuse a
// last base64 character with stray bits, as wg(8) does.
#include "base/encoding.h"

namespace wg {
namespace {

constexpr std::size_t KEY_SIZE = 32;
constexpr std::size_t KEY_BASE64_LENGTH = 44;
constexpr std::size_t KEY_HEX_LENGTH = 2 * KEY_SIZE;

bool decode_base64(std::string_view text, std::span<std::uint8_t, KEY_SIZE> key)
{
    std::size_t length = 0;
    return text.size() == KEY_BASE64_LENGTH &&
           sodium_base642bin(key.data(), key.size(), text.data(), text.size(), nullptr, &length,
                             nullptr, sodium_base64_VARIANT_ORIGINAL) == 0 &&
           length == KEY_SIZE;
}

bool decode_hex(std::string_view text, std::span<std::uint8_t, KEY_SIZE> key)
{
    std::size_t length = 0;
    return text.size() == KEY_HEX_LENGTH &&
           sodium_hex2bin(key.data(), key.size(), text.data(), text.size(), nullptr, &length,
                          nullptr) == 0 &&
           length == KEY_SIZE;
}

} // namespace

Result<Key> parse_key_base64(std::string_view text)
{
    Key key;
    if (!decode_base64(text, key.mutable_bytes()))
        return failure(EINVAL, "key: expected {} characters of base64", KEY_BASE64_LENGTH);
    return key;
}

Result<Key> parse_key_hex(std::string_view text)
{
    Key key;
    if (!decode_hex(text, key.mutable_bytes()))
        return failure(EINVAL, "key: expected {} hexadecimal digits", KEY_HEX_LENGTH);
    return key;
}

Result<PublicKey> parse_public_key_base64(std::string_view text)
{
    PublicKey key;
    if (!decode_base64(text, key))
        return failure(EINVAL, "public key: expected {} characters of base64", KEY_BASE64_LENGTH);
    return key;
}

Result<PublicKey> parse_public_key_hex(std::string_view text)
{
    PublicKey key;
    if (!decode_hex(text, key))
        return failure(EINVAL, "public key: expected {} hexadecimal digits", KEY_HEX_LENGTH);
    return key;
}

std::string to_base64(Bytes bytes)
{
    std::string text(sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
    sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(),
                      sodium_base64_VARIANT_ORIGINAL);
    text.pop_back(); // the terminating zero
    return text;
}

std::string to_hex(Bytes bytes)
{
    std::string text(2 * bytes.size() + 1, '\0');
    sodium_bin2hex(text.data(), text.size(), bytes.data(), bytes.size());
    text.pop_back(); // the terminating zero
    return text;
}

} // namespace wg
