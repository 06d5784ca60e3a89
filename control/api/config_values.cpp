// SPDX-License-Identifier: MIT
#include "api/config_values.h"

#include <algorithm>
#include <cctype>

#include <strings.h>

namespace wg {
namespace {

constexpr std::string_view WHITE_SPACE = " \t\n\v\f\r";
constexpr std::string_view SEPARATORS = ", \t\n\v\f\r";

bool consists_of(std::string_view text, std::string_view more)
{
    return !text.empty() && std::ranges::all_of(text, [&](unsigned char c) {
        return std::isalnum(c) != 0 || more.find(static_cast<char>(c)) != more.npos;
    });
}

bool is(std::string_view text, const char *word)
{
    return strcasecmp(std::string(text).c_str(), word) == 0;
}

} // namespace

std::string_view trimmed(std::string_view text)
{
    const auto begin = text.find_first_not_of(WHITE_SPACE);
    if (begin == text.npos)
        return {};
    return text.substr(begin, text.find_last_not_of(WHITE_SPACE) + 1 - begin);
}

std::vector<std::string_view> words_of(std::string_view value)
{
    std::vector<std::string_view> words;
    for (auto begin = value.find_first_not_of(SEPARATORS); begin != value.npos;
         begin = value.find_first_not_of(SEPARATORS, begin)) {
        const auto end = std::min(value.find_first_of(SEPARATORS, begin), value.size());
        words.push_back(value.substr(begin, end - begin));
        begin = end;
    }
    return words;
}

Result<DnsWord> parse_dns_word(std::string_view text)
{
    const bool is_server = text.find_first_not_of("0123456789.") == text.npos ||
                           text.find(':') != text.npos; // wg-quick's rule
    if (is_server)
        WG_TRY(IpAddress::parse(text.substr(0, text.find('%'))));
    if (!consists_of(text.starts_with('~') ? text.substr(1) : text, ".-_:%")) // "~": resolved's
        return failure(EINVAL, "malformed");
    return DnsWord{std::string(text), is_server};
}

Result<std::string> parse_table(std::string_view text)
{
    if (!consists_of(text, ".-_"))
        return failure(EINVAL, "malformed");
    return text == "auto" ? std::string() : std::string(text);
}

Result<bool> parse_true_or_false(std::string_view text)
{
    if (!is(text, "true") && !is(text, "false"))
        return failure(EINVAL, "malformed");
    return is(text, "true");
}

} // namespace wg
