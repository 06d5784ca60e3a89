// SPDX-License-Identifier: MIT
#pragma once

#include "api/text_form.h"
#include "base/address.h"
#include "base/result.h"

namespace wg {

/// The first address the system's resolver gives for the host.
Result<Endpoint> resolve(const HostPort &place);

} // namespace wg
