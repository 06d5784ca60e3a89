// SPDX-License-Identifier: MIT
//
// One function a method; docs/api.md lists the same fields in the same order.
#include "api/requests.h"

#include <iterator>

namespace wg {
namespace {

constexpr TextForm<std::string> SECRET_NAME{
    "\"private_key\" or \"preshared_key\"", [](std::string_view text) -> Result<std::string> {
        if (text != "private_key" && text != "preshared_key")
            return failure(EINVAL, "malformed");
        return std::string(text);
    }};
constexpr TextForm<std::string> PRESHARED_KEY_NAME{
    "\"preshared_key\"", [](std::string_view text) -> Result<std::string> {
        if (text != "preshared_key")
            return failure(EINVAL, "malformed");
        return std::string(text);
    }};

Result<Include> read_include(const Fields &fields, const TextForm<std::string> &form)
{
    Include include;
    for (const auto &name : WG_TRY(fields.texts("include", form)))
        (name == "private_key" ? include.private_key : include.preshared_key) = true;
    return include;
}

Result<> read_places(const Fields &fields, PeerChange &peer)
{
    if (!fields.has("endpoints"))
        return {};
    peer.places.emplace();
    for (const HostPort &place : WG_TRY(fields.texts("endpoints", HOST_PORT)))
        peer.places->push_back(place.text());
    if (peer.forget_endpoint && !peer.places->empty())
        return failure(EINVAL, "{}: expected none where endpoint is null",
                       fields.path_of("endpoints"));
    if (peer.places->size() > MAX_PLACES)
        return failure(EINVAL, "{}: expected at most {}", fields.path_of("endpoints"), MAX_PLACES);
    return {};
}

/// Who is meant by a key, or without one by the name that it has.
Result<> read_who(const Fields &fields, PeerChange &peer)
{
    const auto key = WG_TRY(fields.optional("public_key", PUBLIC_KEY));
    if (!key && !peer.name)
        return failure(EINVAL, "public_key: missing, expected {}, or a name", PUBLIC_KEY.expected);
    peer.public_key = key.value_or(PublicKey{});
    peer.by_name = !key;
    return {};
}

/// The fields that a peer has in tunnel.add and in peer.set, but who it is.
Result<PeerChange> read_peer(const Fields &fields)
{
    PeerChange peer;
    peer.name = WG_TRY(fields.optional("name", PEER_NAME));
    peer.preshared_key = WG_TRY(fields.optional("preshared_key", SECRET_KEY));
    peer.forget_endpoint = fields.is_null("endpoint");
    if (!peer.forget_endpoint)
        peer.endpoint = WG_TRY(fields.optional("endpoint", ENDPOINT));
    WG_TRY(read_places(fields, peer));
    peer.persistent_keepalive = WG_TRY(fields.number<std::uint16_t>("persistent_keepalive"));
    peer.rate_limit = WG_TRY(fields.number("rate_limit", std::uint64_t{0}, MAX_BYTES));
    peer.quota = WG_TRY(fields.number("quota", std::uint64_t{0}, MAX_BYTES));
    peer.quota_used = WG_TRY(fields.number("quota_used", std::uint64_t{0}, MAX_BYTES));
    const auto allowed_ips = WG_TRY(fields.texts("allowed_ips", ALLOWED_IP));
    for (const Prefix &prefix :
         WG_TRY(at(fields.path_of("allowed_ips"), prefix_difference(allowed_ips))))
        peer.allowed_ips.push_back({.prefix = prefix});
    return peer;
}

Result<PeerChange> read_new_peer(const Json &value, std::string path)
{
    auto fields = WG_TRY(
        Fields::open(value, std::move(path),
                     {"public_key", "name", "preshared_key", "endpoint", "endpoints",
                      "persistent_keepalive", "rate_limit", "quota", "quota_used", "allowed_ips"}));
    auto peer = WG_TRY(read_peer(fields));
    peer.public_key = WG_TRY(fields.required("public_key", PUBLIC_KEY));
    return peer;
}

Result<Request> tunnel_add(const Json &params)
{
    auto fields = WG_TRY(Fields::open(params, "",
                                      {"name", "private_key", "listen_port", "fwmark", "addresses",
                                       "mtu", "attach", "routes", "bare", "peers"}));
    TunnelSpec spec;
    spec.name = WG_TRY(fields.required("name", INTERFACE_NAME));
    spec.bare = WG_TRY(fields.boolean("bare"));
    if (spec.bare)
        spec.device.private_key = WG_TRY(fields.optional("private_key", SECRET_KEY));
    else
        spec.device.private_key = WG_TRY(fields.required("private_key", SECRET_KEY));
    spec.device.listen_port = WG_TRY(fields.number<std::uint16_t>("listen_port"));
    spec.device.fwmark = WG_TRY(fields.number<std::uint32_t>("fwmark"));
    spec.addresses = WG_TRY(fields.texts("addresses", ADDRESS));
    spec.mtu = WG_TRY(fields.number<std::uint32_t>("mtu", MIN_MTU, MAX_MTU));
    spec.attach = WG_TRY(fields.boolean("attach", true));
    spec.routes = WG_TRY(fields.boolean("routes"));
    spec.device.peers = WG_TRY(fields.list<PeerChange>("peers", read_new_peer));
    return AddTunnel{std::move(spec)};
}

Result<Request> tunnel_remove(const Json &params)
{
    auto fields = WG_TRY(Fields::open(params, "", {"name"}));
    return RemoveTunnel{WG_TRY(fields.required("name", INTERFACE_NAME))};
}

Result<Request> tunnel_list(const Json &params)
{
    auto fields = WG_TRY(Fields::open(params, "", {"name", "include"}));
    ListTunnels request;
    request.name = WG_TRY(fields.optional("name", INTERFACE_NAME));
    request.include = WG_TRY(read_include(fields, SECRET_NAME));
    return request;
}

/// The fields that a peer has where it may be there already.
Result<PeerChange> read_change(const Fields &fields)
{
    auto peer = WG_TRY(read_peer(fields));
    WG_TRY(read_who(fields, peer));
    peer.replace_allowed_ips = WG_TRY(fields.boolean("replace_allowed_ips"));
    peer.update_only = WG_TRY(fields.boolean("update_only"));
    return peer;
}

Result<PeerChange> read_peer_change(const Json &value, std::string path)
{
    auto fields =
        WG_TRY(Fields::open(value, std::move(path),
                            {"public_key", "name", "preshared_key", "endpoint", "endpoints",
                             "persistent_keepalive", "rate_limit", "quota", "quota_used",
                             "allowed_ips", "replace_allowed_ips", "update_only", "remove"}));
    auto peer = WG_TRY(read_change(fields));
    peer.remove = WG_TRY(fields.boolean("remove"));
    return peer;
}

Result<Request> tunnel_set(const Json &params)
{
    auto fields = WG_TRY(Fields::open(
        params, "",
        {"name", "private_key", "listen_port", "fwmark", "addresses", "mtu", "attach", "peers"}));
    ChangeTunnel request;
    DeviceChange &device = request.change.device;
    request.name = WG_TRY(fields.required("name", INTERFACE_NAME));
    device.private_key = WG_TRY(fields.optional("private_key", SECRET_KEY));
    device.listen_port = WG_TRY(fields.number<std::uint16_t>("listen_port"));
    device.fwmark = WG_TRY(fields.number<std::uint32_t>("fwmark"));
    if (fields.has("addresses"))
        request.change.addresses = WG_TRY(fields.texts("addresses", ADDRESS));
    request.change.mtu = WG_TRY(fields.number<std::uint32_t>("mtu", MIN_MTU, MAX_MTU));
    if (fields.has("attach"))
        request.change.attach = WG_TRY(fields.boolean("attach"));
    device.peers = WG_TRY(fields.list<PeerChange>("peers", read_peer_change));
    return request;
}

Result<Request> peer_set(const Json &params)
{
    auto fields =
        WG_TRY(Fields::open(params, "",
                            {"tunnel", "public_key", "name", "preshared_key", "endpoint",
                             "endpoints", "persistent_keepalive", "rate_limit", "quota",
                             "quota_used", "allowed_ips", "replace_allowed_ips", "update_only"}));
    ChangePeer request;
    request.tunnel = WG_TRY(fields.required("tunnel", INTERFACE_NAME));
    request.peer = WG_TRY(read_change(fields));
    return request;
}

Result<Request> peer_remove(const Json &params)
{
    auto fields = WG_TRY(Fields::open(params, "", {"tunnel", "public_key", "name"}));
    ChangePeer request;
    request.tunnel = WG_TRY(fields.required("tunnel", INTERFACE_NAME));
    request.peer.name = WG_TRY(fields.optional("name", PEER_NAME));
    WG_TRY(read_who(fields, request.peer));
    if (request.peer.name && !request.peer.by_name)
        return failure(EINVAL, "name: expected either a public_key or a name");
    request.peer.remove = true;
    return request;
}

Result<Request> peer_list(const Json &params)
{
    auto fields = WG_TRY(Fields::open(params, "", {"tunnel", "include"}));
    ListPeers request;
    request.tunnel = WG_TRY(fields.required("tunnel", INTERFACE_NAME));
    request.include = WG_TRY(read_include(fields, PRESHARED_KEY_NAME));
    return request;
}

Result<Request> nic_attach(const Json &params)
{
    auto fields = WG_TRY(Fields::open(params, "", {"name", "mode"}));
    AttachNic request;
    request.name = WG_TRY(fields.required("name", INTERFACE_NAME));
    request.mode = WG_TRY(fields.optional("mode", ATTACH_MODE)).value_or(AttachMode::automatic);
    return request;
}

Result<Request> nic_detach(const Json &params)
{
    auto fields = WG_TRY(Fields::open(params, "", {"name"}));
    return DetachNic{WG_TRY(fields.required("name", INTERFACE_NAME))};
}

Result<Request> nic_list(const Json &params)
{
    WG_TRY(Fields::open(params, "", {}));
    return ListNics{};
}

Result<Request> status(const Json &params)
{
    WG_TRY(Fields::open(params, "", {}));
    return GetStatus{};
}

Result<Request> events_subscribe(const Json &params)
{
    auto fields = WG_TRY(Fields::open(params, "", {"tunnel", "kinds"}));
    EventFilter filter;
    filter.tunnel = WG_TRY(fields.optional("tunnel", INTERFACE_NAME));
    const auto kinds = WG_TRY(fields.texts("kinds", EVENT_KIND));
    for (const EventKind kind : kinds)
        filter.kinds.set(static_cast<std::size_t>(kind));
    if (kinds.empty())
        filter.kinds.set();
    return SubscribeEvents{std::move(filter)};
}

/// Unless it is named here a request changes something.
struct OnlyReads {
    bool operator()(const ListTunnels &request) const { return tells_no_secret(request.include); }
    bool operator()(const ListPeers &request) const { return tells_no_secret(request.include); }
    bool operator()(const ListNics &) const { return true; }
    bool operator()(const GetStatus &) const { return true; }
    bool operator()(const SubscribeEvents &) const { return true; }
    template <typename Other>
    bool operator()(const Other &) const
    {
        return false;
    }

    static bool tells_no_secret(Include include)
    {
        return !include.private_key && !include.preshared_key;
    }
};

struct Method {
    std::string_view name;
    ParamsParser parse;
};

constexpr Method METHODS[] = {
    {"tunnel.add", tunnel_add},   {"tunnel.remove", tunnel_remove},
    {"tunnel.list", tunnel_list}, {"tunnel.set", tunnel_set},
    {"peer.set", peer_set},       {"peer.remove", peer_remove},
    {"peer.list", peer_list},     {"nic.attach", nic_attach},
    {"nic.detach", nic_detach},   {"nic.list", nic_list},
    {"status", status},           {"events.subscribe", events_subscribe},
};

} // namespace

bool only_reads(const Request &request)
{
    return std::visit(OnlyReads{}, request);
}

ParamsParser find_method(std::string_view name)
{
    for (const Method &method : METHODS) {
        if (method.name == name)
            return method.parse;
    }
    return nullptr;
}

} // namespace wg
