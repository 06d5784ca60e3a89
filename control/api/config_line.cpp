// SPDX-License-Identifier: MIT
#include "api/config_line.h"

#include <fmt/format.h>

namespace wg {

unsigned last_line(const std::vector<ConfigLine> &lines, std::string_view key)
{
    unsigned last = 0;
    for (const ConfigLine &line : lines)
        if (line.key == key)
            last = line.number;
    return last;
}

std::string config_place(std::string_view name, unsigned line)
{
    return fmt::format("{}: line {}", name, line);
}

} // namespace wg
