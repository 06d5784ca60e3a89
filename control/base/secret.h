// SPDX-License-Identifier: MIT
//
// Keys. Secret wipes itself, cannot be printed, compared with == or copied by accident.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <sodium.h>

#include "base/bytes.h"

namespace wg {

using PublicKey = std::array<std::uint8_t, 32>;

template <std::size_t N>
class Secret {
  public:
    Secret() = default;
    explicit Secret(std::span<const std::uint8_t, N> bytes)
    {
        std::memcpy(bytes_.data(), bytes.data(), N);
    }
    Secret(Secret &&other) noexcept : bytes_(other.bytes_) { other.wipe(); }
    Secret &operator=(Secret &&other) noexcept
    {
        if (this != &other) {
            bytes_ = other.bytes_;
            other.wipe();
        }
        return *this;
    }
    Secret(const Secret &) = delete;
    Secret &operator=(const Secret &) = delete;
    ~Secret() { wipe(); }

    /// A second copy, asked for by name.
    Secret clone() const { return Secret(bytes()); }
    std::span<const std::uint8_t, N> bytes() const { return bytes_; }
    std::span<std::uint8_t, N> mutable_bytes() { return bytes_; }
    bool is_zero() const { return sodium_is_zero(bytes_.data(), N) == 1; }
    void wipe() { sodium_memzero(bytes_.data(), N); }

  private:
    std::array<std::uint8_t, N> bytes_{};
};

using Key = Secret<32>;

template <std::size_t N>
bool equal_constant_time(const Secret<N> &a, const Secret<N> &b)
{
    return sodium_memcmp(a.bytes().data(), b.bytes().data(), N) == 0;
}

inline bool equal_constant_time(Bytes a, Bytes b)
{
    return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

} // namespace wg
