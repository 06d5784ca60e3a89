// SPDX-License-Identifier: MIT
#include "api/json_rpc.h"

#include "api/replies.h"
#include "api/requests.h"

namespace wg {
namespace {

// Far above any real request (100,000 peers are a million values), far below what memory or the
// stack would mind.
constexpr std::size_t MAX_DEPTH = 16;
constexpr std::size_t MAX_VALUES = 4'000'000;
// Of a client that may only read: a short request for a long answer must not be multiplied.
constexpr std::size_t MAX_READERS_BATCH = 16;

struct Refusal {
    RpcError code;
    std::string message;
};

/// Looked at before the parser allocates anything: how deep the brackets nest, how many values
/// there can be.
bool is_within_limits(std::string_view line)
{
    std::size_t depth = 0;
    std::size_t values = 1;
    bool in_string = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        char c = line[i];
        if (in_string) {
            i += c == '\\' ? 1 : 0;
            in_string = c != '"';
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            ++values;
            if (++depth > MAX_DEPTH)
                return false;
        } else if (c == ']' || c == '}') {
            depth -= depth > 0 ? 1 : 0;
        } else if (c == ',') {
            ++values;
        }
    }
    return values <= MAX_VALUES;
}

tl::expected<Json, Refusal> parse_message(std::string_view line)
{
    if (!is_within_limits(line))
        return tl::unexpected(Refusal{
            RpcError::request, fmt::format("request: expected at most {} levels and {} values",
                                           MAX_DEPTH, MAX_VALUES)});
    try {
        return Json::parse(line);
    } catch (const Json::parse_error &error) {
        // Its own words repeat the text, which may be a key.
        return tl::unexpected(
            Refusal{RpcError::parse, fmt::format("request: not JSON at byte {}", error.byte)});
    } catch (const Json::out_of_range &) { // 1e999
        return tl::unexpected(
            Refusal{RpcError::parse, "request: expected numbers that a double can hold"});
    }
}

bool is_id(const Json &value)
{
    return value.is_string() || value.is_number() || value.is_null();
}

/// nullptr: the message is no object, or has no such member.
Json *member(Json &message, const char *name)
{
    auto found = message.find(name);
    return found == message.end() ? nullptr : &*found;
}

Result<> check_envelope(Json &message)
{
    WG_TRY(Fields::open(message, "request", {"jsonrpc", "id", "method", "params"}));
    const Json *version = member(message, "jsonrpc");
    if (version == nullptr || *version != "2.0")
        return failure(EINVAL, "request.jsonrpc: expected \"2.0\"");
    const Json *id = member(message, "id");
    if (id != nullptr && !is_id(*id))
        return unexpected_value("request.id", "a string, a number or null", *id);
    const Json *method = member(message, "method");
    if (method == nullptr || !method->is_string())
        return failure(EINVAL, "request.method: expected the name of a method");
    return {};
}

Result<std::vector<TunnelStatus>> find_tunnels(Service &service,
                                               const std::optional<std::string> &name)
{
    auto tunnels = service.tunnels();
    if (!name)
        return tunnels;
    std::erase_if(tunnels, [&](const TunnelStatus &tunnel) { return tunnel.name != *name; });
    if (tunnels.empty())
        return failure(ENODEV, "there is no tunnel {}", in_quotes(*name));
    return tunnels;
}

/// What each request asks of the service.
struct Executor {
    Service &service;
    const StreamClientPtr &client;

    Result<Json> operator()(AddTunnel &request)
    {
        return done(service.add_tunnel(std::move(request.spec)));
    }
    Result<Json> operator()(RemoveTunnel &request)
    {
        return done(service.remove_tunnel(request.name));
    }
    Result<Json> operator()(ListTunnels &request)
    {
        Json result = Json::array();
        for (const auto &tunnel : WG_TRY(find_tunnels(service, request.name)))
            result.push_back(to_json(tunnel, request.include));
        return result;
    }
    Result<Json> operator()(ChangeTunnel &request)
    {
        return done(service.change_tunnel(request.name, std::move(request.change)));
    }
    Result<Json> operator()(ChangePeer &request)
    {
        TunnelChange change;
        change.device.peers.push_back(std::move(request.peer));
        return done(service.change_tunnel(request.tunnel, std::move(change)));
    }
    Result<Json> operator()(ListPeers &request)
    {
        Json result = Json::array();
        auto tunnels = WG_TRY(find_tunnels(service, request.tunnel));
        for (const auto &peer : tunnels.front().peers)
            result.push_back(to_json(peer, request.include));
        return result;
    }
    Result<Json> operator()(AttachNic &request)
    {
        return done(service.attach_nic(request.name, request.mode));
    }
    Result<Json> operator()(DetachNic &request) { return done(service.detach_nic(request.name)); }
    Result<Json> operator()(ListNics &)
    {
        Json result = Json::array();
        for (const auto &nic : service.nics())
            result.push_back(to_json(nic));
        return result;
    }
    Result<Json> operator()(SubscribeEvents &request)
    {
        if (!client)
            return failure(ENOTCONN, "events need a connection that stays");
        service.subscribe(client, request.filter);
        return Json::object();
    }
    Result<Json> operator()(GetStatus &) { return to_json(service.status()); }

    static Result<Json> done(Result<> result)
    {
        WG_TRY(std::move(result));
        return Json::object();
    }
};

/// Takes the params: what thousands of peers are described with becomes what they are kept in (our
/// memory is locked, so malloc cannot return it from the middle).
tl::expected<Json, Refusal>
call(Service &service, const StreamClientPtr &client, const std::string &method, Json params)
{
    auto refuse = [](RpcError code, Error error) {
        return tl::unexpected(Refusal{code, std::move(error.what)});
    };
    ParamsParser parse = find_method(method);
    if (parse == nullptr)
        return tl::unexpected(
            Refusal{RpcError::method, fmt::format("there is no method {}", in_quotes(method))});
    auto request = parse(params);
    params = Json();
    if (!request)
        return refuse(RpcError::params, std::move(request).error());
    if (client && !client->may_change() && !only_reads(*request))
        return tl::unexpected(
            Refusal{RpcError::forbidden,
                    fmt::format("{}: only root may change something or ask for secrets", method)});
    auto result = std::visit(Executor{service, client}, *request);
    if (!result)
        return refuse(RpcError::refused, std::move(result).error());
    return *std::move(result);
}

std::string error_text(const Json &id, RpcError code, std::string_view message)
{
    return to_line({{"jsonrpc", "2.0"},
                    {"id", id},
                    {"error", {{"code", static_cast<int>(code)}, {"message", message}}}});
}

std::optional<std::string>
answer_one(Service &service, const StreamClientPtr &client, Json &message)
{
    const Json *id = member(message, "id");
    if (auto envelope = check_envelope(message); !envelope)
        return error_text(id != nullptr && is_id(*id) ? *id : Json(), RpcError::request,
                          envelope.error().what);
    Json *params = member(message, "params");
    auto result = call(service, client, message.at("method").get_ref<const std::string &>(),
                       params != nullptr ? std::move(*params) : Json::object());
    if (id == nullptr)
        return std::nullopt;
    if (!result)
        return error_text(*id, result.error().code, result.error().message);
    return to_line({{"jsonrpc", "2.0"}, {"id", *id}, {"result", *std::move(result)}});
}

/// One request after the other, each by itself.
std::optional<std::string>
answer_batch(Service &service, const StreamClientPtr &client, Json &messages)
{
    if (messages.empty())
        return error_response(RpcError::request, "request: expected a batch of at least one");
    if (client && !client->may_change() && messages.size() > MAX_READERS_BATCH)
        return error_response(RpcError::request,
                              fmt::format("request: expected a batch of at most {}, as only root "
                                          "may send longer ones",
                                          MAX_READERS_BATCH));
    std::string answers;
    for (Json &message : messages)
        if (const auto one = answer_one(service, client, message)) {
            answers += answers.empty() ? '[' : ',';
            answers += *one;
        }
    if (answers.empty())
        return std::nullopt;
    return answers + ']';
}

} // namespace

std::optional<std::string>
answer(Service &service, std::string_view line, const StreamClientPtr &client)
{
    auto message = parse_message(line);
    if (!message)
        return error_response(message.error().code, message.error().message);
    if (message->is_array())
        return answer_batch(service, client, *message);
    return answer_one(service, client, *message);
}

std::string error_response(RpcError code, std::string_view message)
{
    return error_text(Json(), code, message);
}

} // namespace wg
