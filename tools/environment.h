// SPDX-License-Identifier: MIT
//
// What the commands touch outside themselves: the real thing in wgxdp.cpp, tests bring their own.
#pragma once

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <vector>

#include "base/clock.h"
#include "tools/programs.h"

namespace wg {

struct Environment {
    std::istream &in;
    std::ostream &out;
    std::ostream &err;
    std::filesystem::path run_directory;                   ///< of the daemons' sockets
    std::vector<std::filesystem::path> config_directories; ///< where `up NAME` looks, in order
    std::filesystem::path daemon_directory;                ///< looked in before PATH
    std::function<WallTime()> wall_clock;
    Programs &programs;
    bool is_root = false;
    bool colors = false;              ///< in what is printed for people
    bool show_keys = false;           ///< WG_HIDE_KEYS=never, as for wg(8)
    std::ostream *progress = nullptr; ///< a terminal that is told what takes long
};

} // namespace wg
