// SPDX-License-Identifier: MIT
#include "api/event_hub.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "api/replies.h"
#include "base/encoding.h"

namespace wg {
namespace {

constexpr std::array<std::string_view, EVENT_KINDS> NAMES{
    "handshake_complete", "handshake_failed", "endpoint_moved", "peer_up", "peer_down",
    "key_rotated",        "nic_attached",     "nic_lost",       "drops"};

EventKind kind_of(PeerEventKind kind)
{
    return static_cast<EventKind>(kind);
}
static_assert(static_cast<EventKind>(PeerEventKind::key_rotated) == EventKind::key_rotated);

std::string notification(std::string_view kind, Json params)
{
    params["kind"] = kind;
    params["time_ms"] =
        std::chrono::floor<std::chrono::milliseconds>(now().wall).time_since_epoch().count();
    return to_line({{"jsonrpc", "2.0"}, {"method", "event"}, {"params", std::move(params)}}) + '\n';
}

Json to_json(const std::optional<Endpoint> &endpoint)
{
    return endpoint ? Json(endpoint->text()) : Json();
}

Json params_of(const PeerEvent &event)
{
    Json params{{"public_key", nullptr}, {"endpoint", to_json(event.endpoint)}};
    if (event.peer != nullptr)
        params["public_key"] = to_base64(*event.peer);
    if (!event.name.empty())
        params["name"] = event.name;
    if (event.kind == PeerEventKind::endpoint_moved)
        params["previous"] = to_json(event.previous);
    if (!event.reason.empty())
        params["reason"] = event.reason;
    if (event.kind == PeerEventKind::handshake_failed)
        params["direction"] = event.received ? "received" : "sent";
    if (event.attempts != 0)
        params["attempts"] = event.attempts;
    if (event.error != 0)
        params["error"] = std::strerror(event.error);
    return params;
}

} // namespace

Result<EventKind> parse_event_kind(std::string_view text)
{
    const auto *found = std::ranges::find(NAMES, text);
    if (found == NAMES.end())
        return failure(EINVAL, "malformed");
    return static_cast<EventKind>(found - NAMES.begin());
}

void EventHub::subscribe(const std::shared_ptr<StreamClient> &client, const EventFilter &filter)
{
    std::erase_if(subscriptions_, [&](const Subscription &each) {
        const auto other = each.client.lock();
        return !other || other == client;
    });
    subscriptions_.push_back({client, filter});
}

bool EventHub::wants(EventKind kind)
{
    std::erase_if(subscriptions_, [](const Subscription &each) { return each.client.expired(); });
    return std::ranges::any_of(
        subscriptions_, [kind](const Subscription &each) { return each.filter.wants(kind); });
}

void EventHub::peer(const std::string &tunnel, const PeerEvent &event)
{
    if (!wants(kind_of(event.kind)) || (event.received && !may_tell_refusal()))
        return;
    Json params = params_of(event);
    params["tunnel"] = tunnel;
    tell(kind_of(event.kind), &tunnel, std::move(params));
}

bool EventHub::may_tell_refusal()
{
    const Instant second = std::chrono::floor<std::chrono::seconds>(now().instant);
    if (std::exchange(second_, second) != second)
        refusals_ = 0;
    return ++refusals_ <= MOST_REFUSALS;
}

void EventHub::nic_attached(const NicStatus &nic)
{
    if (wants(EventKind::nic_attached))
        tell(EventKind::nic_attached, nullptr,
             {{"name", nic.name}, {"mode", attach_mode_name(nic.mode)}, {"reason", nic.reason}});
}

void EventHub::nic_lost(std::string_view name, std::string_view reason)
{
    if (wants(EventKind::nic_lost))
        tell(EventKind::nic_lost, nullptr, {{"name", name}, {"reason", reason}});
}

void EventHub::drops(const std::map<wg_drop_reason, std::uint64_t> &packets)
{
    Json counts = Json::object();
    for (const auto &[reason, number] : packets)
        counts[wg_drop_reason_name(reason)] = number;
    tell(EventKind::drops, nullptr, {{"packets", std::move(counts)}});
}

void EventHub::tell(EventKind kind, const std::string *tunnel, Json params)
{
    const auto line = notification(NAMES[static_cast<std::size_t>(kind)], std::move(params));
    for (const Subscription &each : subscriptions_) {
        const EventFilter &filter = each.filter;
        if (!filter.wants(kind) || (tunnel && filter.tunnel && *filter.tunnel != *tunnel))
            continue;
        if (const auto client = each.client.lock())
            client->push(line);
    }
}

std::string EventHub::lost(std::uint64_t events)
{
    return notification("lost", {{"events", events}});
}

} // namespace wg
