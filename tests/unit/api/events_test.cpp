// SPDX-License-Identifier: MIT
//
// events.subscribe: who is told what, and what becomes of those that do not listen.
#include <future>

#include <nlohmann/json.hpp>

#include "api/json_server.h"
#include "unit/api/server_test.h"

namespace wg {
namespace {

using namespace test;

class EventsTest : public ServerTest<JsonServer> {
  protected:
    EventsTest() : ServerTest("default.sock") {}

    Result<std::unique_ptr<JsonServer>> listen() override
    {
        return JsonServer::listen(context_, service_, path_);
    }

    /// Subscribed when this returns.
    SocketClient subscriber(const Json &params)
    {
        auto client = connect();
        EXPECT_TRUE(client.send(
            Json{{"jsonrpc", "2.0"}, {"id", 1}, {"method", "events.subscribe"}, {"params", params}}
                .dump() +
            '\n'));
        EXPECT_EQ(client.line(), R"({"id":1,"jsonrpc":"2.0","result":{}})");
        return client;
    }

    /// In the loop, where the daemon's events happen.
    template <typename Action>
    void in_loop(Action action)
    {
        std::promise<void> done;
        asio::post(context_, [&] {
            action(service_.hub);
            done.set_value();
        });
        done.get_future().wait();
    }

    static Json next(SocketClient &client)
    {
        const auto line = client.line();
        if (!line)
            return {};
        const auto message = Json::parse(*line);
        EXPECT_EQ(message.at("method"), "event");
        EXPECT_FALSE(message.contains("id"));
        Json params = message.at("params");
        EXPECT_GT(params.at("time_ms"), 1'700'000'000'000);
        params.erase("time_ms");
        return params;
    }

    static PeerEvent no_answer(const PublicKey &peer, std::uint32_t attempts = 3)
    {
        return {.kind = PeerEventKind::handshake_failed,
                .peer = &peer,
                .endpoint = Endpoint::parse("192.0.2.1:51820").value(),
                .reason = "no_answer",
                .attempts = attempts};
    }

    const PublicKey peer_ = public_key(PEER_A);
};

TEST_F(EventsTest, a_subscriber_is_told_everything_it_did_not_exclude)
{
    start();
    auto all = subscriber(Json::object());
    auto moves = subscriber({{"kinds", {"endpoint_moved", "nic_lost"}}});
    auto other = subscriber({{"tunnel", "wg1"}});
    in_loop([this](EventHub &hub) {
        hub.peer("wg0", no_answer(peer_));
        hub.peer("wg0", {.kind = PeerEventKind::endpoint_moved,
                         .peer = &peer_,
                         .endpoint = Endpoint::parse("[2001:db8::1]:7").value(),
                         .previous = Endpoint::parse("192.0.2.1:51820").value()});
        hub.nic_lost("eth0", "gone");
    });
    const Json failed{{"kind", "handshake_failed"},
                      {"tunnel", "wg0"},
                      {"public_key", PEER_A},
                      {"endpoint", "192.0.2.1:51820"},
                      {"reason", "no_answer"},
                      {"direction", "sent"},
                      {"attempts", 3}};
    const Json moved{{"kind", "endpoint_moved"},
                     {"tunnel", "wg0"},
                     {"public_key", PEER_A},
                     {"endpoint", "[2001:db8::1]:7"},
                     {"previous", "192.0.2.1:51820"}};
    const Json gone{{"kind", "nic_lost"}, {"name", "eth0"}, {"reason", "gone"}};
    EXPECT_EQ(next(all), failed);
    EXPECT_EQ(next(all), moved);
    EXPECT_EQ(next(all), gone);
    EXPECT_EQ(next(moves), moved);
    EXPECT_EQ(next(moves), gone);
    EXPECT_EQ(next(other), gone) << "a NIC is no tunnel's";
}

TEST_F(EventsTest, the_connection_still_answers_and_a_second_subscription_replaces_the_first)
{
    start();
    auto client = subscriber({{"kinds", {"nic_lost"}}});
    ASSERT_TRUE(client.send(R"({"jsonrpc":"2.0","id":2,"method":"tunnel.list"})"
                            "\n"
                            R"({"jsonrpc":"2.0","id":3,"method":"events.subscribe",)"
                            R"("params":{"kinds":["drops"]}})"
                            "\n"));
    EXPECT_NE(client.line()->find(R"("id":2)"), std::string::npos);
    EXPECT_NE(client.line()->find(R"("id":3)"), std::string::npos);
    in_loop([](EventHub &hub) {
        hub.nic_lost("eth0", "gone");
        hub.drops({{WG_DROP_BAD_TAG, 7}});
    });
    EXPECT_EQ(next(client), (Json{{"kind", "drops"}, {"packets", {{"bad_tag", 7}}}}));
}

TEST_F(EventsTest, one_that_does_not_read_is_told_how_much_it_lost_and_holds_up_nobody)
{
    constexpr std::uint32_t EVENTS = 20'000; // more than the socket's buffer and the queue hold
    start();
    auto slow = subscriber(Json::object());
    in_loop([this](EventHub &hub) {
        for (std::uint32_t i = 1; i <= EVENTS; ++i)
            hub.peer("wg0", no_answer(peer_, i));
    });
    auto other = connect();
    ASSERT_TRUE(other.send(R"({"jsonrpc":"2.0","id":1,"method":"nic.list"})"
                           "\n"));
    EXPECT_TRUE(other.line());

    std::uint32_t heard = 0;
    Json event = next(slow);
    for (; event.at("kind") == "handshake_failed"; event = next(slow))
        ASSERT_EQ(event.at("attempts"), ++heard) << "in order, without a gap";
    EXPECT_GE(heard + 1, StreamServer::MAX_PUSHED); // one place may be its answer's
    EXPECT_EQ(event, (Json{{"kind", "lost"}, {"events", EVENTS - heard}}));
    in_loop([this](EventHub &hub) { hub.peer("wg0", no_answer(peer_)); });
    EXPECT_EQ(next(slow).at("kind"), "handshake_failed");
}

TEST_F(EventsTest, what_strangers_can_cause_is_told_so_often_a_second_only)
{
    start();
    auto client = subscriber(Json::object());
    in_loop([](EventHub &hub) {
        for (int i = 0; i < 1000; ++i)
            hub.peer(
                "wg0",
                {.kind = PeerEventKind::handshake_failed, .reason = "bad_mac1", .received = true});
        hub.nic_lost("eth0", "gone");
    });
    int told = 0;
    for (Json event = next(client); event.at("kind") != "nic_lost"; event = next(client)) {
        EXPECT_EQ(event.at("direction"), "received");
        EXPECT_TRUE(event.at("public_key").is_null());
        ++told;
    }
    EXPECT_GE(told, EventHub::MOST_REFUSALS);
    EXPECT_LT(told, 10 * EventHub::MOST_REFUSALS);
}

TEST_F(EventsTest, nothing_is_wanted_when_the_last_subscriber_has_gone)
{
    start();
    const auto wanted = [this] {
        bool is_wanted = false;
        in_loop([&](EventHub &hub) { is_wanted = hub.wants(EventKind::drops); });
        return is_wanted;
    };
    EXPECT_FALSE(wanted());
    {
        auto client = subscriber(Json::object());
        EXPECT_TRUE(wanted());
    }
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (wanted())
        ASSERT_LT(std::chrono::steady_clock::now(), deadline);
}

TEST_F(EventsTest, an_unknown_kind_is_refused_by_its_place)
{
    start();
    auto client = connect();
    ASSERT_TRUE(client.send(R"({"jsonrpc":"2.0","id":1,"method":"events.subscribe",)"
                            R"("params":{"kinds":["drops","weather"]}})"
                            "\n"));
    const auto line = client.line();
    EXPECT_NE(line->find("kinds[1]: expected handshake_complete,"), std::string::npos) << *line;
}

} // namespace
} // namespace wg
