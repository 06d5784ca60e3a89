// SPDX-License-Identifier: MIT
//
// Who watches what, and what they are told: the notifications of events.subscribe. While nobody
// watches nothing is made.
#pragma once

#include <bitset>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <wgxdp/drop_reason.h>

#include "api/fields.h"
#include "api/service.h"
#include "api/stream_client.h"
#include "device/peer_event.h"

namespace wg {

/// The peers' come first, in the order of PeerEventKind.
enum class EventKind : std::uint8_t {
    handshake_complete,
    handshake_failed,
    endpoint_moved,
    peer_up,
    peer_down,
    key_rotated,
    nic_attached,
    nic_lost,
    drops,
};
inline constexpr std::size_t EVENT_KINDS = 9;

Result<EventKind> parse_event_kind(std::string_view text);
inline constexpr TextForm<EventKind> EVENT_KIND{
    "handshake_complete, handshake_failed, endpoint_moved, peer_up, peer_down, key_rotated, "
    "nic_attached, nic_lost or drops",
    parse_event_kind};

struct EventFilter {
    std::optional<std::string> tunnel; ///< of the peers' events only this one's
    std::bitset<EVENT_KINDS> kinds;

    bool wants(EventKind kind) const { return kinds.test(static_cast<std::size_t>(kind)); }
};

class EventHub {
  public:
    /// How many failures that anybody may cause, by what he sends, are told in a second.
    static constexpr int MOST_REFUSALS = 20;

    /// In the place of what the client asked for before.
    void subscribe(const std::shared_ptr<StreamClient> &client, const EventFilter &filter);
    bool wants(EventKind kind);

    void peer(const std::string &tunnel, const PeerEvent &event);
    void nic_attached(const NicStatus &nic);
    void nic_lost(std::string_view name, std::string_view reason);
    void drops(const std::map<wg_drop_reason, std::uint64_t> &packets);

    /// What a client is told that did not read fast enough.
    static std::string lost(std::uint64_t events);

  private:
    struct Subscription {
        std::weak_ptr<StreamClient> client;
        EventFilter filter;
    };

    bool may_tell_refusal();
    void tell(EventKind kind, const std::string *tunnel, Json params);

    std::vector<Subscription> subscriptions_;
    Instant second_{}; ///< the one that refusals_ counts in
    int refusals_ = 0;
};

} // namespace wg
