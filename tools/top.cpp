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

/// The peer at the top after a key, of `last` that may be there.
std::size_t first_after(int key, std::size_t first, std::size_t page, std::size_t last)
{
    switch (key) {
    case 'j':
    case KEY_DOWN:
        return std::min(first + 1, last);
    case KEY_NPAGE:
        return std::min(first + page, last);
    case 'k':
    case KEY_UP:
        return first - std::min<std::size_t>(first, 1);
    case KEY_PPAGE:
        return first - std::min(first, page);
    case KEY_HOME:
        return 0;
    case KEY_END:
        return last;
    default:
        return std::min(first, last);
    }
}

} // namespace

Result<> run_top(const std::function<Result<Snapshot>()> &look)
{
    Snapshot before, newest = WG_TRY(look()); // what is wrong now is said where it can be read
    auto screen = WG_TRY(Screen::open());
    std::string trouble;
    View view;
    auto next = now().instant + INTERVAL;
    for (int key = ERR; key != 'q';) {
        view.width = screen.width();
        view.height = screen.height();
        const auto rates = rates_between(before, newest, view.order);
        auto lines = rates_lines(rates, view);
        if (!trouble.empty())
            lines[1] = trouble;
        screen.draw(lines);
        key = screen.wait_for_key(next - now().instant);
        view.order = order_of(key, view.order);
        const auto page = peers_shown(rates, view.height);
        view.first = first_after(key, view.first, page, rates.peers.size() - page);
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
