// SPDX-License-Identifier: MIT
//
// Views of bytes, and the conversions between them and the wire structs.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <vector>

namespace wg {

using Bytes = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;
using Buffer = std::vector<std::uint8_t>;

/// The bytes of a struct that has no hidden padding.
template <typename T>
    requires std::is_trivially_copyable_v<T>
Bytes bytes_of(const T &object)
{
    return {reinterpret_cast<const std::uint8_t *>(&object), sizeof(T)};
}

template <typename T>
    requires std::is_trivially_copyable_v<T>
MutableBytes mutable_bytes_of(T &object)
{
    return {reinterpret_cast<std::uint8_t *>(&object), sizeof(T)};
}

/// A struct out of bytes that are exactly as long.
template <typename T>
    requires std::is_trivially_copyable_v<T>
T load(Bytes bytes)
{
    T object;
    std::memcpy(&object, bytes.data(), sizeof(T));
    return object;
}

} // namespace wg
