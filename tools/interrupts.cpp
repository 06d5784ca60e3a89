// SPDX-License-Identifier: MIT
#include "tools/interrupts.h"

namespace wg {
namespace {

volatile sig_atomic_t noted = 0;

void note(int)
{
    noted = 1;
}

} // namespace

Interrupts::Interrupts()
{
    noted = 0;
    struct sigaction action{};
    action.sa_handler = note;
    action.sa_flags = SA_RESTART;
    for (std::size_t i = 0; i < SIGNALS.size(); ++i)
        sigaction(SIGNALS[i], &action, &before_[i]);
}

Interrupts::~Interrupts()
{
    for (std::size_t i = 0; i < SIGNALS.size(); ++i)
        sigaction(SIGNALS[i], &before_[i], nullptr);
}

bool Interrupts::happened()
{
    return noted != 0;
}

} // namespace wg
