// SPDX-License-Identifier: MIT
//
// What JSON-RPC 2.0 says of any request, whatever its method: ids, notifications, batches.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "api/json_rpc.h"
#include "unit/api/fake_service.h"

namespace wg {
namespace {

using namespace test;
using nlohmann::json;

class JsonRpcEnvelope : public testing::Test {
  protected:
    FakeService service;
};

TEST_F(JsonRpcEnvelope, params_may_be_left_out)
{
    EXPECT_EQ(json::parse(*answer(service, R"({"jsonrpc":"2.0","id":"a","method":"nic.list"})"))
                  .at("result")
                  .size(),
              2u);
}

TEST_F(JsonRpcEnvelope, an_id_comes_back_as_it_was)
{
    for (const char *id : {"1", "\"x\"", "null", "-5", "1.5"}) {
        auto line = fmt::format(R"({{"jsonrpc":"2.0","id":{},"method":"nic.list"}})", id);
        EXPECT_EQ(json::parse(*answer(service, line)).at("id"), json::parse(id));
    }
}

TEST_F(JsonRpcEnvelope, a_notification_is_done_and_not_answered)
{
    EXPECT_EQ(
        answer(service, R"({"jsonrpc":"2.0","method":"nic.detach","params":{"name":"eth0"}})"),
        std::nullopt);
    EXPECT_EQ(service.calls, std::vector<std::string>{"detach_nic eth0"});
    EXPECT_EQ(answer(service, R"({"jsonrpc":"2.0","method":"nic.detach","params":{"name":5}})"),
              std::nullopt);
    EXPECT_EQ(answer(service, R"({"jsonrpc":"2.0","method":"no.such"})"), std::nullopt);
    EXPECT_EQ(service.calls.size(), 1u);
}

TEST_F(JsonRpcEnvelope, a_batch_is_carried_out_in_order_each_request_by_itself)
{
    const auto responses = json::parse(*answer(
        service, R"([{"jsonrpc":"2.0","id":1,"method":"nic.detach","params":{"name":"eth0"}},)"
                 R"({"jsonrpc":"2.0","id":2,"method":"nic.detach","params":{"name":5}},)"
                 R"(7,)"
                 R"({"jsonrpc":"2.0","method":"nic.detach","params":{"name":"eth1"}},)"
                 R"({"jsonrpc":"2.0","id":3,"method":"nic.detach","params":{"name":"eth2"}}])"));

    ASSERT_EQ(responses.size(), 4u); // all but the notification
    EXPECT_EQ(responses[0], json({{"jsonrpc", "2.0"}, {"id", 1}, {"result", json::object()}}));
    EXPECT_EQ(responses[1].at("id"), 2);
    EXPECT_EQ(responses[1].at("error").at("code"), -32602);
    EXPECT_EQ(responses[2].at("id"), nullptr);
    EXPECT_EQ(responses[2].at("error").at("code"), -32600);
    EXPECT_EQ(responses[3].at("id"), 3);
    EXPECT_EQ(service.calls,
              (std::vector<std::string>{"detach_nic eth0", "detach_nic eth1", "detach_nic eth2"}));
}

TEST_F(JsonRpcEnvelope, a_batch_of_notifications_is_not_answered)
{
    EXPECT_EQ(
        answer(service, R"([{"jsonrpc":"2.0","method":"nic.detach","params":{"name":"eth0"}}])"),
        std::nullopt);
    EXPECT_EQ(service.calls.size(), 1u);
}

} // namespace
} // namespace wg
