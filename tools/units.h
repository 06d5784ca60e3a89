// SPDX-License-Identifier: MIT
//
// Bytes as people read them, in wg(8)'s units.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace wg {

struct Amount {
    std::string number; ///< "1.50"
    std::string_view unit;
};

Amount in_units(std::uint64_t bytes);

} // namespace wg
