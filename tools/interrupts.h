// SPDX-License-Identifier: MIT
#pragma once

#include <array>

#include <signal.h>

namespace wg {

/// While it lives, SIGINT, SIGTERM and SIGHUP are noted and end nothing but the programs we run:
/// what was begun can be undone.
class Interrupts {
  public:
    Interrupts();
    ~Interrupts();
    Interrupts(const Interrupts &) = delete;
    Interrupts &operator=(const Interrupts &) = delete;

    static bool happened();

  private:
    static constexpr std::array<int, 3> SIGNALS{SIGINT, SIGTERM, SIGHUP};
    std::array<struct sigaction, SIGNALS.size()> before_{};
};

} // namespace wg
