// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "tools/environment.h"

namespace wg {

/// Runs one command line (without the program's name) and returns the exit status: 0, or 1 after
/// one sentence on err.
int run_cli(Environment &environment, std::vector<std::string> arguments);

} // namespace wg
