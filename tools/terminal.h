// SPDX-License-Identifier: MIT
//
// What is done only for people at a terminal: colours, and a line that tells what takes long.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>

namespace wg {

/// WG_COLOR_MODE (always, never, or auto) decides as for wg(8), then NO_COLOR, then whether it is a
/// terminal. nullptr: not in the environment.
bool wants_colors(const char *wg_color_mode, const char *no_color, bool is_terminal);

std::string bold(std::string_view text);
std::string red(std::string_view text);
std::string green(std::string_view text);
std::string yellow(std::string_view text);
std::string cyan(std::string_view text);
/// bold() and all its kin undone.
std::string without_colors(std::string_view text);

/// A line that is there as long as this object is.
class Progress {
  public:
    /// nullptr: nobody looks.
    Progress(std::ostream *terminal, std::string_view text);
    ~Progress();
    Progress(const Progress &) = delete;
    Progress &operator=(const Progress &) = delete;

  private:
    std::ostream *terminal_;
};

} // namespace wg
