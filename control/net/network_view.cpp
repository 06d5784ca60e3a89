// SPDX-License-Identifier: MIT
#include "net/network_view.h"

#include <fstream>

namespace wg {
namespace {

constexpr std::size_t MOST_ANSWERS = 4096; // of a kind: peers that share nothing gain nothing

/// The answer that is there, or what `ask` says.
template <typename Answers, typename Ask>
Result<typename Answers::mapped_type>
remembered(Answers &answers, const typename Answers::key_type &question, Ask ask)
{
    if (const auto found = answers.find(question); found != answers.end())
        return found->second;
    auto answer = WG_TRY(ask());
    if (answers.size() == MOST_ANSWERS)
        answers.clear();
    answers.emplace(question, answer);
    return answer;
}

} // namespace

Result<RouteAnswer> NetworkView::route_get(const RouteQuery &query)
{
    return remembered(routes_, query, [&] { return netlink_.route_get(query); });
}

Result<Link> NetworkView::link_by_index(std::uint32_t ifindex)
{
    return remembered(links_, ifindex, [&] { return netlink_.link_by_index(ifindex); });
}

Result<std::optional<Neighbour>> NetworkView::neighbour(std::uint32_t ifindex,
                                                        const IpAddress &address)
{
    return remembered(neighbours_, {ifindex, address},
                      [&] { return netlink_.neighbour(ifindex, address); });
}

Result<std::uint8_t> NetworkView::default_ttl()
{
    if (!default_ttl_) {
        constexpr const char *path = "/proc/sys/net/ipv4/ip_default_ttl";
        int ttl = 0;
        if (!(std::ifstream(path) >> ttl))
            return failure(EIO, "cannot read {}", path);
        default_ttl_ = static_cast<std::uint8_t>(ttl);
    }
    return *default_ttl_;
}

void NetworkView::forget()
{
    routes_.clear();
    links_.clear();
    neighbours_.clear();
    default_ttl_.reset();
}

} // namespace wg
