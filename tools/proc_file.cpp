// SPDX-License-Identifier: MIT
#include "tools/proc_file.h"

#include <fstream>

namespace wg {

std::optional<std::string> first_line(const std::string &path)
{
    std::ifstream file(path);
    std::string line;
    if (!std::getline(file, line))
        return std::nullopt;
    return line;
}

} // namespace wg
