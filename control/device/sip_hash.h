// SPDX-License-Identifier: MIT
//
// SipHash-2-4 under a random key: for hash tables whose keys strangers choose.
#pragma once

#include <array>
#include <cstddef>
#include <type_traits>

#include <sodium.h>

#include "base/bytes.h"
#include "base/random.h"

namespace wg {

class SipHash {
  public:
    explicit SipHash(Random &random) { random.fill(key_); }

    template <typename T>
        requires std::has_unique_object_representations_v<T>
    std::size_t operator()(const T &value) const
    {
        std::size_t hash = 0;
        static_assert(sizeof(hash) == crypto_shorthash_BYTES);
        crypto_shorthash(mutable_bytes_of(hash).data(), bytes_of(value).data(), sizeof(value),
                         key_.data());
        return hash;
    }

  private:
    std::array<std::uint8_t, crypto_shorthash_KEYBYTES> key_{};
};

} // namespace wg
