// SPDX-License-Identifier: MIT
//
// What a client that may only read gets, and what it is refused.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "api/json_rpc.h"
#include "unit/api/fake_service.h"

namespace wg {
namespace {

using namespace test;
using nlohmann::json;

class Guest final : public StreamClient {
    bool may_change() const override { return false; }
    void push(std::string) override {}
};

class JsonRpcGuest : public testing::Test {
  protected:
    FakeService service;
};

TEST_F(JsonRpcGuest, who_may_only_read_is_refused_everything_else)
{
    const auto ask_as_guest = [this](std::string_view method, const json &params) {
        const json request{{"jsonrpc", "2.0"}, {"id", 1}, {"method", method}, {"params", params}};
        return json::parse(
            answer(service, request.dump(), std::make_shared<Guest>()).value_or("{}"));
    };
    const std::pair<const char *, json> REFUSED[] = {
        {"tunnel.add", {{"name", "wg1"}, {"private_key", PRIVATE_KEY}}},
        {"tunnel.set", {{"name", "wg0"}, {"listen_port", 51821}}},
        {"tunnel.remove", {{"name", "wg0"}}},
        {"tunnel.list", {{"include", {"private_key"}}}},
        {"tunnel.list", {{"include", {"preshared_key"}}}},
        {"peer.set", {{"tunnel", "wg0"}, {"public_key", PEER_A}}},
        {"peer.remove", {{"tunnel", "wg0"}, {"public_key", PEER_A}}},
        {"peer.list", {{"tunnel", "wg0"}, {"include", {"preshared_key"}}}},
        {"nic.attach", {{"name", "eth0"}}},
        {"nic.detach", {{"name", "eth0"}}},
    };
    for (const auto &[method, params] : REFUSED) {
        const auto answer = ask_as_guest(method, params);
        EXPECT_EQ(answer.value("error", json()),
                  (json{{"code", -32001},
                        {"message", std::string(method) + ": only root may change something or ask "
                                                          "for secrets"}}));
    }
    EXPECT_TRUE(service.calls.empty());
    const std::pair<const char *, json> ALLOWED[] = {{"tunnel.list", json::object()},
                                                     {"peer.list", {{"tunnel", "wg0"}}},
                                                     {"nic.list", json::object()},
                                                     {"status", json::object()},
                                                     {"events.subscribe", json::object()}};
    for (const auto &[method, params] : ALLOWED)
        EXPECT_TRUE(ask_as_guest(method, params).contains("result")) << method;
}

} // namespace
} // namespace wg
