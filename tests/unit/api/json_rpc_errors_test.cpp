// SPDX-License-Identifier: MIT
//
// Wrong requests: each is refused with a sentence that names the field, and nothing is done.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "api/json_rpc.h"
#include "unit/api/fake_service.h"

namespace wg {
namespace {

using namespace test;
using nlohmann::json;

struct Complaint {
    int code = 0;
    std::string message;
    json id;
};

class JsonRpcErrors : public testing::Test {
  protected:
    Complaint ask(const std::string &line)
    {
        auto response = json::parse(answer(service, line).value_or("{}"));
        EXPECT_FALSE(response.contains("result")) << response;
        EXPECT_TRUE(service.calls.empty()) << line;
        auto error = response.value("error", json::object());
        return {error.value("code", 0), error.value("message", ""), response.value("id", json())};
    }

    std::string refusal_of(std::string_view method, const json &params)
    {
        json request{{"jsonrpc", "2.0"}, {"id", 1}, {"method", method}, {"params", params}};
        auto complaint = ask(request.dump());
        EXPECT_EQ(complaint.code, -32602) << complaint.message;
        EXPECT_EQ(complaint.id, 1);
        return complaint.message;
    }

    FakeService service;
};

const std::string NAME =
    "expected an interface name of 1 to 15 characters without spaces, '/', ':' or '%'";
const std::string KEY = "expected a key of 44 base64 characters";
const std::string PREFIX =
    "expected an IP prefix like 10.0.0.0/8, or !10.1.0.0/16 to leave one out, got ";
const std::string PLACE =
    "expected a numeric address and port like 192.0.2.1:51820 or [2001:db8::1]:51820, got ";

struct Case {
    json patch; ///< RFC 7386: what is changed of params that are right, null takes a field away
    std::string expected;
};

TEST_F(JsonRpcErrors, tunnel_add_names_the_wrong_field)
{
    const Case CASES[] = {
        {{{"name", nullptr}}, "name: missing, " + NAME},
        {{{"name", 5}}, "name: " + NAME + ", got 5"},
        {{{"name", ""}}, "name: " + NAME + ", got nothing"},
        {{{"name", "sixteen-letters!"}}, "name: " + NAME + ", got \"sixteen-letters!\""},
        {{{"name", "a/b"}}, "name: " + NAME + ", got \"a/b\""},
        {{{"name", ".."}}, "name: " + NAME + ", got \"..\""},
        {{{"name", "wg%d"}}, "name: " + NAME + ", got \"wg%d\""},
        {{{"name", "wg\n0"}}, "name: " + NAME + ", got \"wg?0\""},
        {{{"private_key", nullptr}}, "private_key: missing, " + KEY},
        {{{"private_key", 5}}, "private_key: " + KEY},
        {{{"private_key", "abc"}}, "private_key: " + KEY},
        {{{"listen_port", 65536}}, "listen_port: expected a number from 0 to 65535, got 65536"},
        {{{"listen_port", -1}}, "listen_port: expected a number from 0 to 65535, got -1"},
        {{{"listen_port", 1.5}}, "listen_port: expected a number from 0 to 65535, got 1.5"},
        {{{"listen_port", "1"}}, "listen_port: expected a number from 0 to 65535, got \"1\""},
        {{{"listen_port", json::object({{"a", 1}})}},
         "listen_port: expected a number from 0 to 65535, got an object"},
        {{{"fwmark", 4294967296}},
         "fwmark: expected a number from 0 to 4294967295, got 4294967296"},
        {{{"fwmark", 18446744073709551615u}},
         "fwmark: expected a number from 0 to 4294967295, got 18446744073709551615"},
        {{{"fwmark", true}}, "fwmark: expected a number from 0 to 4294967295, got true"},
        {{{"mtu", 67}}, "mtu: expected a number from 68 to 65455, got 67"},
        {{{"attach", "no"}}, "attach: expected true or false, got \"no\""},
        {{{"routes", 1}}, "routes: expected true or false, got 1"},
        {{{"addresses", "10.0.0.1"}}, "addresses: expected an array, got \"10.0.0.1\""},
        {{{"addresses", {"10.0.0.1/24", "x"}}},
         "addresses[1]: expected an IP address like 10.0.0.1/24, got \"x\""},
        {{{"addresses", {7}}}, "addresses[0]: expected an IP address like 10.0.0.1/24, got 7"},
        {{{"peers", 5}}, "peers: expected an array, got 5"},
        {{{"peers", {5}}}, "peers[0]: expected an object, got 5"},
        {{{"bare", 1}}, "bare: expected true or false, got 1"},
        {{{"moved", true}}, "params: \"moved\" is not a known field"},
        {{{"Name", "wg0"}}, "params: \"Name\" is not a known field"},
    };
    const json GOOD{{"name", "wg0"}, {"private_key", PRIVATE_KEY}};
    for (const Case &c : CASES) {
        auto params = GOOD;
        params.merge_patch(c.patch);
        EXPECT_EQ(refusal_of("tunnel.add", params), c.expected);
    }
}

TEST_F(JsonRpcErrors, tunnel_add_names_the_wrong_field_of_a_peer)
{
    const Case CASES[] = {
        {{{"public_key", nullptr}}, "peers[1].public_key: missing, " + KEY},
        {{{"public_key", json::array()}}, "peers[1].public_key: " + KEY},
        {{{"public_key", "x"}}, "peers[1].public_key: " + KEY},
        {{{"preshared_key", false}}, "peers[1].preshared_key: " + KEY},
        {{{"endpoint", "vpn.example.org:1"}},
         "peers[1].endpoint: " + PLACE + "\"vpn.example.org:1\""},
        {{{"endpoint", "192.0.2.1:0"}}, "peers[1].endpoint: " + PLACE + "\"192.0.2.1:0\""},
        {{{"endpoint", 1}}, "peers[1].endpoint: " + PLACE + "1"},
        {{{"persistent_keepalive", 65536}},
         "peers[1].persistent_keepalive: expected a number from 0 to 65535, got 65536"},
        {{{"persistent_keepalive", "off"}},
         "peers[1].persistent_keepalive: expected a number from 0 to 65535, got \"off\""},
        {{{"rate_limit", "10M"}},
         "peers[1].rate_limit: expected a number from 0 to 9007199254740992, got \"10M\""},
        {{{"quota", (1ULL << 53) + 1}},
         "peers[1].quota: expected a number from 0 to "
         "9007199254740992, got 9007199254740993"},
        {{{"quota_used", -1}},
         "peers[1].quota_used: expected a number from 0 to "
         "9007199254740992, got -1"},
        {{{"allowed_ips", "10.0.0.0/8"}},
         "peers[1].allowed_ips: expected an array, got \"10.0.0.0/8\""},
        {{{"allowed_ips", {"10.0.0.0/8", "::/0", "10.0.0.0/33"}}},
         "peers[1].allowed_ips[2]: " + PREFIX + "\"10.0.0.0/33\""},
        {{{"allowed_ips", {"10.0.0.0/8", "!10.0.0.0/8"}}},
         "peers[1].allowed_ips: expected a prefix that is not excluded, but nothing remains"},
        {{{"allowed_ips", {std::string("10.0.0.0\0/8", 11)}}},
         "peers[1].allowed_ips[0]: " + PREFIX + "\"10.0.0.0?/8\""},
        {{{"allowed_ips", {json::array()}}}, "peers[1].allowed_ips[0]: " + PREFIX + "an array"},
        {{{"update_only", true}}, "peers[1]: \"update_only\" is not a known field"},
    };
    for (const Case &c : CASES) {
        json peer{{"public_key", PEER_B}};
        peer.merge_patch(c.patch);
        json params{{"name", "wg0"},
                    {"private_key", PRIVATE_KEY},
                    {"peers", json::array({json{{"public_key", PEER_A}}, peer})}};
        EXPECT_EQ(refusal_of("tunnel.add", params), c.expected);
    }
}

TEST_F(JsonRpcErrors, every_method_names_the_wrong_field)
{
    struct MethodCase {
        const char *method;
        json params;
        std::string expected;
    };
    const MethodCase CASES[] = {
        {"tunnel.remove", json::object(), "name: missing, " + NAME},
        {"tunnel.remove",
         {{"name", "wg0"}, {"force", true}},
         "params: \"force\" is not a known field"},
        {"tunnel.list", json::array(), "params: expected an object, got an array"},
        {"tunnel.list",
         {{"include", {"private_key", "key"}}},
         "include[1]: expected \"private_key\" or \"preshared_key\", got \"key\""},
        {"tunnel.list",
         {{"include", "private_key"}},
         "include: expected an array, got \"private_key\""},
        {"peer.set", {{"public_key", PEER_A}}, "tunnel: missing, " + NAME},
        {"peer.set", {{"tunnel", "wg0"}}, "public_key: missing, " + KEY + ", or a name"},
        {"peer.set",
         {{"tunnel", "wg0"}, {"public_key", PEER_A}, {"name", "a\nb"}},
         "name: expected a name of up to 64 characters of UTF-8, none of them '#' or a control "
         "character, and without outer blanks, got \"a?b\""},
        {"peer.set",
         {{"tunnel", "wg0"}, {"public_key", PEER_A}, {"name", "a#b"}},
         "name: expected a name of up to 64 characters of UTF-8, none of them '#' or a control "
         "character, and without outer blanks, got \"a#b\""},
        {"peer.set",
         {{"tunnel", "wg0"}, {"public_key", PEER_A}, {"name", "a "}},
         "name: expected a name of up to 64 characters of UTF-8, none of them '#' or a control "
         "character, and without outer blanks, got \"a \""},
        {"peer.set",
         {{"tunnel", "wg0"}, {"public_key", PEER_A}, {"endpoints", {"a:1", "b"}}},
         "endpoints[1]: expected HOST:PORT like vpn.example.org:51820 or [2001:db8::1]:51820, got "
         "\"b\""},
        {"peer.set",
         {{"tunnel", "wg0"},
          {"public_key", PEER_A},
          {"endpoints", std::vector<std::string>(9, "a:1")}},
         "endpoints: expected at most 8"},
        {"peer.set",
         {{"tunnel", "wg0"}, {"public_key", PEER_A}, {"endpoint", nullptr}, {"endpoints", {"a:1"}}},
         "endpoints: expected none where endpoint is null"},
        {"peer.remove", {{"tunnel", "wg0"}}, "public_key: missing, " + KEY + ", or a name"},
        {"peer.remove",
         {{"tunnel", "wg0"}, {"public_key", PEER_A}, {"name", "a"}},
         "name: expected either a public_key or a name"},
        {"peer.set",
         {{"tunnel", "wg0"}, {"public_key", PEER_A}, {"replace_allowed_ips", 0}},
         "replace_allowed_ips: expected true or false, got 0"},
        {"peer.set",
         {{"tunnel", "wg0"}, {"public_key", PEER_A}, {"update_only", "no"}},
         "update_only: expected true or false, got \"no\""},
        {"peer.set",
         {{"tunnel", "wg0"}, {"public_key", PEER_A}, {"remove", true}},
         "params: \"remove\" is not a known field"},
        {"peer.remove", {{"tunnel", "wg0"}, {"public_key", "A"}}, "public_key: " + KEY},
        {"peer.list", json::object(), "tunnel: missing, " + NAME},
        {"peer.list",
         {{"tunnel", "wg0"}, {"include", {"private_key"}}},
         "include[0]: expected \"preshared_key\", got \"private_key\""},
        {"nic.attach",
         {{"name", "eth0"}, {"mode", "xdp"}},
         "mode: expected auto, native or tc, got \"xdp\""},
        {"nic.attach", {{"mode", "tc"}}, "name: missing, " + NAME},
        {"nic.detach", {{"name", nullptr}}, "name: " + NAME + ", got null"},
        {"nic.list", {{"name", "eth0"}}, "params: \"name\" is not a known field"},
        {"status", "all", "params: expected an object, got \"all\""},
    };
    for (const MethodCase &c : CASES)
        EXPECT_EQ(refusal_of(c.method, c.params), c.expected) << c.method;
}

TEST_F(JsonRpcErrors, a_request_that_is_none_is_told_so)
{
    struct LineCase {
        std::string line;
        int code;
        std::string expected;
        json id;
    };
    const LineCase CASES[] = {
        {"", -32700, "request: not JSON at byte 1", nullptr},
        {"{\"jsonrpc\":\"2.0\",}", -32700, "request: not JSON at byte 18", nullptr},
        {"{} {}", -32700, "request: not JSON at byte 4", nullptr},
        {"\"\xff\"", -32700, "request: not JSON at byte 2", nullptr},
        {R"({"jsonrpc":"2.0","id":1e999})", -32700,
         "request: expected numbers that a double can hold", nullptr},
        {"-1" + std::string(400, '0'), -32700, "request: expected numbers that a double can hold",
         nullptr},
        {"[]", -32600, "request: expected a batch of at least one", nullptr},
        {"5", -32600, "request: expected an object, got 5", nullptr},
        {"{}", -32600, "request.jsonrpc: expected \"2.0\"", nullptr},
        {R"({"jsonrpc":"1.0","id":3,"method":"status"})", -32600,
         "request.jsonrpc: expected \"2.0\"", 3},
        {R"({"jsonrpc":"2.0","id":3})", -32600, "request.method: expected the name of a method", 3},
        {R"({"jsonrpc":"2.0","id":3,"method":4})", -32600,
         "request.method: expected the name of a method", 3},
        {R"({"jsonrpc":"2.0","id":[3],"method":"status"})", -32600,
         "request.id: expected a string, a number or null, got an array", nullptr},
        {R"({"jsonrpc":"2.0","id":3,"method":"status","parms":{}})", -32600,
         "request: \"parms\" is not a known field", 3},
        {R"({"jsonrpc":"2.0","id":3,"method":"tunnel.destroy"})", -32601,
         "there is no method \"tunnel.destroy\"", 3},
        {R"({"jsonrpc":"2.0","id":3,"method":""})", -32601, "there is no method nothing", 3},
        {R"({"jsonrpc":"2.0","id":3,"method":"tunnel.list","params":{"name":"wg9"}})", -32000,
         "there is no tunnel \"wg9\"", 3},
        {R"({"jsonrpc":"2.0","id":3,"method":"peer.list","params":{"tunnel":"wg9"}})", -32000,
         "there is no tunnel \"wg9\"", 3},
    };
    for (const LineCase &c : CASES) {
        auto complaint = ask(c.line);
        EXPECT_EQ(complaint.message, c.expected) << c.line;
        EXPECT_EQ(complaint.code, c.code) << c.line;
        EXPECT_EQ(complaint.id, c.id) << c.line;
    }
}

TEST_F(JsonRpcErrors, what_the_service_refuses_is_answered_in_its_words)
{
    service.refusal = "wg0: exists already";
    for (const char *request : {
             R"("method":"tunnel.remove","params":{"name":"wg0"})",
             R"("method":"nic.attach","params":{"name":"wg0"})",
             R"("method":"nic.detach","params":{"name":"wg0"})",
         }) {
        auto complaint = ask(fmt::format(R"({{"jsonrpc":"2.0","id":3,{}}})", request));
        EXPECT_EQ(complaint.code, -32000);
        EXPECT_EQ(complaint.message, "wg0: exists already");
    }
}

TEST_F(JsonRpcErrors, hostile_nesting_and_numbers_of_values_are_refused_before_they_are_parsed)
{
    const std::string LIMITS = "request: expected at most 16 levels and 4000000 values";
    std::string many_values(8'000'002, ',');
    many_values.front() = '[';
    for (std::size_t i = 1; i < many_values.size(); i += 2)
        many_values[i] = '0';
    const std::string LINES[] = {std::string(17, '['), std::string(16 << 20, '['),
                                 std::string(1 << 20, '{'), many_values};
    for (const auto &line : LINES) {
        auto complaint = ask(line);
        EXPECT_EQ(complaint.message, LIMITS);
        EXPECT_EQ(complaint.code, -32600);
    }
    const auto nested = json::parse(*answer(service, std::string(16, '[') + std::string(16, ']')));
    ASSERT_EQ(nested.size(), 1u);
    EXPECT_EQ(nested[0].at("error").at("message"), "request: expected an object, got an array");
    EXPECT_EQ(ask("\"" + std::string(1000, '[') + "\\\"" + std::string(1000, '{') + "\"").code,
              -32600);
}

TEST_F(JsonRpcErrors, never_show_a_key)
{
    const std::string SECRET = PRIVATE_KEY;
    const std::string LINES[] = {
        R"({"private_key":")" + SECRET + "\" \"" + SECRET,
        R"({"jsonrpc":"2.0","id":1,"method":"tunnel.add","params":{"name":"wg0","private_key":"x)" +
            SECRET + R"("}})",
        R"({"jsonrpc":"2.0","id":1,"method":"tunnel.add","params":{"name":"wg0","private_key":[")" +
            SECRET + R"("]}})",
        R"({"jsonrpc":"2.0","id":1,"method":"peer.set","params":{"tunnel":"wg0","public_key":"x)" +
            SECRET + R"("}})",
        R"({"jsonrpc":"2.0","id":1,"method":"tunnel.list","params":[")" + SECRET + R"("]})",
    };
    for (const auto &line : LINES) {
        auto message = ask(line).message;
        EXPECT_FALSE(message.empty()) << line;
        EXPECT_EQ(message.find(SECRET.substr(0, 8)), std::string::npos) << message;
    }
}

} // namespace
} // namespace wg
