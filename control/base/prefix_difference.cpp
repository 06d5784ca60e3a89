// SPDX-License-Identifier: MIT
#include "base/prefix_difference.h"

#include <algorithm>
#include <array>
#include <span>

namespace wg {
namespace {

Prefix half(const Prefix &whole, bool upper)
{
    Prefix result{whole.address, static_cast<std::uint8_t>(whole.length + 1)};
    if (upper)
        result.address.bytes[whole.length / 8] |=
            static_cast<std::uint8_t>(0x80 >> whole.length % 8);
    return result;
}

bool covers(const Prefix &outer, const Prefix &inner)
{
    return outer.length <= inner.length && outer.contains(inner.address);
}

/// Goes down the tree of prefixes of one family, as far as the list's words reach.
class Cover {
  public:
    /// The terms are in order, so what lies under a prefix stands side by side.
    using Terms = std::span<const PrefixTerm>;

    Result<> add(const Prefix &root, Terms terms)
    {
        WG_TRY(visit(root, terms, false));
        return {};
    }
    std::vector<Prefix> take() { return std::move(result_); }

  private:
    /// Whether all of `here` is left: then it is one prefix. `named`: a shorter prefix is in the
    /// list.
    Result<bool> visit(const Prefix &here, Terms terms, bool named);
    Result<bool> found(const Prefix &prefix);

    std::vector<Prefix> result_;
};

Result<bool> Cover::found(const Prefix &prefix)
{
    if (result_.size() == MAX_DIFFERENCE)
        return failure(E2BIG, "expected exclusions that leave at most {} prefixes, got more",
                       MAX_DIFFERENCE);
    result_.push_back(prefix);
    return true;
}

Result<bool> Cover::visit(const Prefix &here, Terms terms, bool named)
{
    const auto is_here = [&](const PrefixTerm &term) { return term.prefix == here; };
    for (; !terms.empty() && is_here(terms.front()); terms = terms.subspan(1)) {
        if (terms.front().excluded)
            return false;
        named = true;
    }
    const bool cut =
        std::ranges::any_of(terms, [](const PrefixTerm &term) { return term.excluded; });
    if (named && !cut)
        return found(here);
    if (terms.empty())
        return false;
    const auto upper = half(here, true);
    const auto middle = std::ranges::partition_point(
        terms, [&](const PrefixTerm &term) { return !covers(upper, term.prefix); });
    const auto split = static_cast<std::size_t>(middle - terms.begin());
    const bool low = WG_TRY(visit(half(here, false), terms.first(split), named));
    const bool high = WG_TRY(visit(upper, terms.subspan(split), named));
    if (!low || !high)
        return false;
    result_.resize(result_.size() - 2); // both halves are one
    return found(here);
}

} // namespace

Result<PrefixTerm> PrefixTerm::parse(std::string_view text)
{
    const bool excluded = text.starts_with('!');
    return PrefixTerm{WG_TRY(Prefix::parse(text.substr(excluded ? 1 : 0))), excluded};
}

Result<std::vector<Prefix>> prefix_difference(const std::vector<PrefixTerm> &terms)
{
    std::vector<Prefix> prefixes;
    for (const PrefixTerm &term : terms)
        prefixes.push_back(term.prefix);
    if (std::ranges::none_of(terms, [](const PrefixTerm &term) { return term.excluded; }))
        return prefixes;
    auto sorted = terms;
    std::ranges::sort(
        sorted, {}, [](const PrefixTerm &term) { return std::pair(term.prefix, !term.excluded); });
    const auto v6 = std::ranges::find_if(
        sorted, [](const PrefixTerm &term) { return term.prefix.address.is_v6(); });
    Cover cover;
    WG_TRY(
        cover.add(Prefix{IpAddress::v4(std::array<std::uint8_t, 4>{}), 0}, {sorted.begin(), v6}));
    WG_TRY(cover.add(Prefix{IpAddress::v6(std::array<std::uint8_t, 16>{}), 0}, {v6, sorted.end()}));
    auto rest = cover.take();
    if (rest.empty())
        return failure(EINVAL, "expected a prefix that is not excluded, but nothing remains");
    return rest;
}

} // namespace wg
