// SPDX-License-Identifier: MIT
//
// Host names to addresses.
#pragma once

#include <vector>

#include "api/text_form.h"
#include "base/address.h"
#include "base/result.h"

namespace wg {

/// What the system's resolver says of the host, best first. Takes its time. EAGAIN: ask later.
Result<std::vector<Endpoint>> resolve_all(const HostPort &place);
/// The first.
Result<Endpoint> resolve(const HostPort &place);

} // namespace wg
