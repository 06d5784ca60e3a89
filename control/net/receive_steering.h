// SPDX-License-Identifier: MIT
//
// RPS: spreads an interface's received packets over the CPUs by flow. Without it one flow leaves
// wg0 from two CPUs, arrives out of order at wg0x, and loses a third of its speed (design.md).
#pragma once

#include <string>

#include "base/result.h"

namespace wg {

/// Every CPU, for all receive queues of an interface of this netns. Needs CAP_SYS_ADMIN.
Result<> steer_to_all_cpus(const std::string &interface);

/// The first `cpus` CPUs in the form of rps_cpus: 32 bits a group, most significant first: "3",
/// "f,ffffffff".
std::string cpu_mask(unsigned cpus);

} // namespace wg
