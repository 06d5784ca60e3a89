// SPDX-License-Identifier: MIT
//
// The screen of `wgxdp top`: what rates.h computes, again every second.
#pragma once

#include <functional>

#include "tools/rates.h"

namespace wg {

/// Until `q` is pressed. A look that fails is told on the screen and tried again: daemons come
/// back.
Result<> run_top(const std::function<Result<Snapshot>()> &look);

} // namespace wg
