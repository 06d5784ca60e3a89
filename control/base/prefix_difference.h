// SPDX-License-Identifier: MIT
//
// Prefixes with holes: "10.0.0.0/8, !10.1.0.0/16" as the prefixes that cover what is left.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/result.h"

namespace wg {

/// One word of a list of allowed IPs.
struct PrefixTerm {
    Prefix prefix;
    bool excluded = false; ///< written "!10.1.0.0/16"

    static Result<PrefixTerm> parse(std::string_view text);
};

/// More than a list with holes may become: one that is split further is a mistake.
inline constexpr std::size_t MAX_DIFFERENCE = 16384;

/// The fewest prefixes that cover what the list names and does not exclude, in order of address,
/// IPv4 first; where an exclusion stands does not matter. Without one, the list as it is. Refused
/// when nothing remains, or more than MAX_DIFFERENCE.
Result<std::vector<Prefix>> prefix_difference(const std::vector<PrefixTerm> &terms);

} // namespace wg
