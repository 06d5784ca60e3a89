// SPDX-License-Identifier: MIT
//
// What the tests of control/noise share: hex, vector files, and two kinds of randomness that is
// none.
#pragma once

#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sodium.h>

#include "base/encoding.h"
#include "base/random.h"
#include "base/secret.h"

namespace wg::test {

inline Buffer from_hex(std::string_view text)
{
    if (text.empty())
        return {};
    Buffer bytes(text.size() / 2);
    std::size_t length = 0;
    if (sodium_hex2bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr, &length,
                       nullptr) != 0 ||
        2 * length != text.size())
        ADD_FAILURE() << "not hexadecimal: " << text;
    return bytes;
}

template <typename Array>
Array array_from_hex(std::string_view text)
{
    Array array{};
    const Buffer bytes = from_hex(text);
    if (bytes.size() == array.size())
        std::copy(bytes.begin(), bytes.end(), array.begin());
    else
        ADD_FAILURE() << "expected " << array.size() << " bytes: " << text;
    return array;
}

inline Key key_from_hex(std::string_view text)
{
    return Key(array_from_hex<std::array<std::uint8_t, 32>>(text));
}

inline Key key_of(std::uint8_t byte)
{
    std::array<std::uint8_t, 32> bytes;
    bytes.fill(byte);
    return Key(bytes);
}

/// Gives out exactly what it was given; a draw of another size, or one too many, fails the test.
class FixedRandom final : public Random {
  public:
    explicit FixedRandom(std::vector<Buffer> draws) : draws_(std::move(draws)) {}

    void fill(MutableBytes bytes) override
    {
        if (next_ == draws_.size() || draws_[next_].size() != bytes.size()) {
            ADD_FAILURE() << "unexpected draw of " << bytes.size() << " bytes";
            return;
        }
        std::copy(draws_[next_].begin(), draws_[next_].end(), bytes.begin());
        ++next_;
    }
    bool exhausted() const { return next_ == draws_.size(); }

  private:
    std::vector<Buffer> draws_;
    std::size_t next_ = 0;
};

/// The same stream for the same seed.
class SeededRandom final : public Random {
  public:
    explicit SeededRandom(std::uint8_t seed) { seed_[0] = seed; }

    void fill(MutableBytes bytes) override
    {
        randombytes_buf_deterministic(bytes.data(), bytes.size(), seed_.data());
        ++seed_[1]; // another stream for the next draw
    }

  private:
    std::array<std::uint8_t, randombytes_SEEDBYTES> seed_{};
};

/// A file of published vectors, which are not ours to commit; nothing if it is missing.
inline std::optional<nlohmann::json> read_vectors(const std::string &name)
{
    const char *vectors = std::getenv("WGXDP_VECTORS");
    const char *source = std::getenv("WGXDP_SOURCE");
    const std::string directory =
        vectors ? vectors : std::string(source ? source : ".") + "/../shared/vectors";
    std::ifstream file(directory + "/" + name);
    if (!file)
        return std::nullopt;
    return nlohmann::json::parse(file);
}

} // namespace wg::test
