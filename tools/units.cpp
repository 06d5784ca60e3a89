// SPDX-License-Identifier: MIT
#include "tools/units.h"

#include <array>

#include <fmt/format.h>

namespace wg {

Amount in_units(std::uint64_t bytes)
{
    static constexpr std::array<std::string_view, 4> UNITS{"KiB", "MiB", "GiB", "TiB"};
    if (bytes < 1024)
        return {std::to_string(bytes), "B"};
    auto value = static_cast<double>(bytes) / 1024;
    std::size_t unit = 0;
    for (auto limit = bytes / 1024; limit >= 1024 && unit + 1 < UNITS.size(); limit /= 1024) {
        value /= 1024;
        ++unit;
    }
    return {fmt::format("{:.2f}", value), UNITS[unit]};
}

} // namespace wg
