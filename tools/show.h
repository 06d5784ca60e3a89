// SPDX-License-Identifier: MIT
//
// What the daemon answers, as text for people: the words and the layout of wg(8).
#pragma once

#include <string>

#include "api/fields.h"
#include "base/clock.h"

namespace wg {

/// {"tunnels": what tunnel.list answers, "nics": what nic.list answers}; nics may be missing. Keys
/// are shown where they are included.
std::string show_text(const Json &shown, WallTime now, bool colors = false);

/// `status` as the method of that name answers: one line a drop reason that has happened.
std::string drops_text(const Json &status);

} // namespace wg
