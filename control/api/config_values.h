// SPDX-License-Identifier: MIT
//
// The values in wg-quick's files that only wg-quick knows.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/text_form.h"

namespace wg {

/// A server's address, or a domain to search in.
struct DnsWord {
    std::string text;
    bool is_server = false;
};

/// A value as wg-quick reads it: no white space around it.
std::string_view trimmed(std::string_view text);
/// What stands between commas and white space, as wg-quick splits lists.
std::vector<std::string_view> words_of(std::string_view value);

Result<DnsWord> parse_dns_word(std::string_view text);
/// "auto" is the same as nothing.
Result<std::string> parse_table(std::string_view text);
Result<bool> parse_true_or_false(std::string_view text);

inline constexpr TextForm<DnsWord> DNS{"an IP address or a search domain like example.org",
                                       parse_dns_word};
inline constexpr TextForm<std::string> TABLE{"auto, off, or a routing table's number or name",
                                             parse_table};
inline constexpr TextForm<bool> TRUE_OR_FALSE{"true or false", parse_true_or_false};

} // namespace wg
