// SPDX-License-Identifier: MIT
#include "tools/top.h"

#include <clocale>
#include <cstdio>
#include <memory>

#include <ncurses.h>
#include <unistd.h>

namespace wg {
namespace {

constexpr auto INTERVAL = std::chrono::seconds(1);

/// The terminal, which is put back as it was. (ncurses does so too when it is interrupted.)
class Screen {
  public:
    static Result<Screen> open()
    {
        std::setlocale(LC_CTYPE, "");
        const bool is_terminal = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
        Terminal terminal(is_terminal ? newterm(nullptr, stdout, stdin) : nullptr);
        if (!terminal)
            return failure(ENOTTY, "there is no terminal to draw on: see wgxdp top --json");
        cbreak();
        noecho();
        curs_set(0);
        keypad(stdscr, TRUE);
        return Screen(std::move(terminal));
    }

    std::size_t width() const { return static_cast<std::size_t>(std::max(COLS, 1)); }
    std::size_t height() const { return static_cast<std::size_t>(std::max(LINES, 1)); }

    void draw(const std::vector<std::string> &lines)
    {
        erase();
        int y = 0;
        for (const std::string &line : lines) {
            attrset(y == 0 || line.starts_with("TUNNEL") || line.starts_with("DROPPED") ? A_BOLD
                                                                                        : A_NORMAL);
            mvaddstr(y++, 0, line.c_str());
        }
        refresh();
    }

    /// ERR when the time is over before a key is pressed.
    int wait_for_key(Duration time)
    {
        timeout(static_cast<int>(
            std::max<std::int64_t>(std::chrono::ceil<std::chrono::milliseconds>(time).count(), 0)));
        return getch();
    }

  private:
    struct Close {
        void operator()(SCREEN *screen) const
        {
            endwin();
            delscreen(screen);
        }
    };
    using Terminal = std::unique_ptr<SCREEN, Close>;

    explicit Screen(Terminal terminal) : terminal_(std::move(terminal)) {}

    Terminal terminal_;
};

SortBy order_of(int key, SortBy present)
{
    switch (key) {
    case 'r':
        return SortBy::received;
    case 't':
        return SortBy::sent;
    case 'h':
        return SortBy::handshake;
    case 'p':
        return SortBy::peer;
    default:
        return present;
    }
}

} // namespace

Result<> run_top(const std::function<Result<Snapshot>()> &look)
{
    Snapshot before, newest = WG_TRY(look()); // what is wrong now is said where it can be read
    auto screen = WG_TRY(Screen::open());
    std::string trouble;
    SortBy order = SortBy::received;
    auto next = now().instant + INTERVAL;
    for (int key = ERR; key != 'q';) {
        auto lines = rates_lines(rates_between(before, newest, order), order, screen.width(),
                                 screen.height());
        if (!trouble.empty())
            lines[1] = trouble;
        screen.draw(lines);
        key = screen.wait_for_key(next - now().instant);
        order = order_of(key, order);
        if (now().instant < next)
            continue;
        next = now().instant + INTERVAL;
        auto seen = look();
        trouble = seen ? "" : seen.error().what;
        if (seen)
            before = std::exchange(newest, *std::move(seen));
    }
    return {};
}

} // namespace wg
