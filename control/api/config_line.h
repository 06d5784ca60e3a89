// SPDX-License-Identifier: MIT
//
// Where something stands in a configuration file, for those who have to change it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wg {

/// Of a value. A list has one for each of its words, a peer's first is its header's.
struct ConfigLine {
    std::string_view key; ///< "PostUp"
    unsigned number = 0;
};

/// Where the key's last value stands; 0: it has none.
unsigned last_line(const std::vector<ConfigLine> &lines, std::string_view key);

/// "wg0.conf: line 3"
std::string config_place(std::string_view name, unsigned line);

} // namespace wg
