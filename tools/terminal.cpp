// SPDX-License-Identifier: MIT
#include "tools/terminal.h"

#include <ostream>

#include <fmt/format.h>

namespace wg {
namespace {

constexpr char ESCAPE = '\x1b';

std::string styled(int style, std::string_view text)
{
    return fmt::format("\x1b[{}m{}\x1b[0m", style, text);
}

} // namespace

bool wants_colors(const char *wg_color_mode, const char *no_color, bool is_terminal)
{
    const std::string_view mode = wg_color_mode == nullptr ? "" : wg_color_mode;
    if (mode == "always" || mode == "never")
        return mode == "always";
    return is_terminal && (no_color == nullptr || *no_color == '\0');
}

std::string bold(std::string_view text)
{
    return styled(1, text);
}

std::string red(std::string_view text)
{
    return styled(31, text);
}

std::string green(std::string_view text)
{
    return styled(32, text);
}

std::string yellow(std::string_view text)
{
    return styled(33, text);
}

std::string cyan(std::string_view text)
{
    return styled(36, text);
}

std::string without_colors(std::string_view text)
{
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == ESCAPE)
            i = text.find('m', i);
        else
            plain += text[i];
    }
    return plain;
}

Progress::Progress(std::ostream *terminal, std::string_view text) : terminal_(terminal)
{
    if (terminal_ != nullptr)
        *terminal_ << "wgxdp: " << text << " …" << std::flush;
}

Progress::~Progress()
{
    if (terminal_ != nullptr)
        *terminal_ << "\r\x1b[K" << std::flush;
}

} // namespace wg
