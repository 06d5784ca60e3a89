// SPDX-License-Identifier: MIT
//
// What JSON-RPC can ask for: one struct a method, made from its params only if every field of them
// is right.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "api/event_hub.h"
#include "api/fields.h"
#include "api/service.h"
#include "base/result.h"
#include "device/change.h"

namespace wg {

/// Secrets are told only to those who ask for them by name.
struct Include {
    bool private_key = false;
    bool preshared_key = false;
};

struct AddTunnel {
    TunnelSpec spec;
};
struct RemoveTunnel {
    std::string name;
};
struct ListTunnels {
    std::optional<std::string> name; ///< only this one
    Include include;
};
struct ChangeTunnel {
    std::string name;
    TunnelChange change;
};
struct ChangePeer { // peer.set and peer.remove
    std::string tunnel;
    PeerChange peer;
};
struct ListPeers {
    std::string tunnel;
    Include include;
};
struct AttachNic {
    std::string name;
    AttachMode mode = AttachMode::automatic;
};
struct DetachNic {
    std::string name;
};
struct ListNics {};
struct GetStatus {};
struct SubscribeEvents {
    EventFilter filter;
};

using Request = std::variant<AddTunnel,
                             RemoveTunnel,
                             ListTunnels,
                             ChangeTunnel,
                             ChangePeer,
                             ListPeers,
                             AttachNic,
                             DetachNic,
                             ListNics,
                             GetStatus,
                             SubscribeEvents>;
/// Changes nothing and tells no secret.
bool only_reads(const Request &request);

using ParamsParser = Result<Request> (*)(const Json &params);

/// The parser of a method's params; nullptr: there is no such method.
ParamsParser find_method(std::string_view name);

} // namespace wg
