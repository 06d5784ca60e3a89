// SPDX-License-Identifier: MIT
//
// The whole answers to wg(8): text, errors, and that what is told can be set again.
#include <gtest/gtest.h>

#include "api/uapi.h"
#include "api/uapi_reply.h"
#include "api/uapi_request.h"
#include "unit/api/fake_service.h"

namespace wg {
namespace {

using namespace test;

const std::string PRIVATE = to_hex(key(PRIVATE_KEY).bytes());
const std::string A = to_hex(public_key(PEER_A));
const std::string B = to_hex(public_key(PEER_B));
const std::string PRESHARED = to_hex(key(PRESHARED_KEY).bytes());

const std::string DEVICE_TEXT = "private_key=" + PRIVATE + "\nlisten_port=51820\nfwmark=51820\n";
const std::string QUIET_PEER = "public_key=" + A + "\npreshared_key=" + std::string(64, '0') +
                               "\nprotocol_version=1\nlast_handshake_time_sec=0\n"
                               "last_handshake_time_nsec=0\ntx_bytes=0\nrx_bytes=0\n"
                               "persistent_keepalive_interval=0\n";
const std::string BUSY_PEER = "public_key=" + B + "\npreshared_key=" + PRESHARED +
                              "\nprotocol_version=1\nendpoint=[2001:db8::1]:51820\n"
                              "last_handshake_time_sec=1700000000\n"
                              "last_handshake_time_nsec=900000000\ntx_bytes=3145728\n"
                              "rx_bytes=1536\npersistent_keepalive_interval=25\n"
                              "allowed_ip=10.0.0.0/8\nallowed_ip=fd00::/8\n";

class Uapi : public testing::Test {
  protected:
    std::string answer(std::string_view request) const
    {
        return answer_uapi(calls_, "wg0", request);
    }

    FakeService service_;
    UapiCalls calls_{.get = [this]() -> Result<TunnelStatus> {
                         if (service_.refusal)
                             return failure(ENODEV, "{}", *service_.refusal);
                         return FakeService::tunnel();
                     },
                     .set =
                         [this](DeviceChange change) {
                             return service_.change_tunnel("wg0", {.device = std::move(change)});
                         }};
};

TEST_F(Uapi, get_tells_everything_the_device_first)
{
    EXPECT_EQ(answer("get=1"), DEVICE_TEXT + QUIET_PEER + BUSY_PEER + "errno=0\n\n");
}

TEST_F(Uapi, what_is_not_set_is_not_told)
{
    TunnelStatus bare;
    bare.listen_port = 7;
    EXPECT_EQ(uapi_text(bare), "listen_port=7\n");
}

TEST_F(Uapi, errors_of_get_have_no_sign)
{
    EXPECT_EQ(answer("get=1\nfoo=1"), "errno=22\n\n");
    service_.refusal = "it is gone";
    EXPECT_EQ(answer("get=1"), "errno=19\n\n");
}

TEST_F(Uapi, set_is_handed_on_whole)
{
    EXPECT_EQ(answer("set=1\nlisten_port=7\npublic_key=" + A + "\nremove=true"), "errno=0\n\n");
    ASSERT_EQ(service_.changed.size(), 1u);
    EXPECT_EQ(service_.changed[0].listen_port, 7);
    EXPECT_TRUE(service_.changed[0].peers.at(0).remove);
    EXPECT_EQ(answer("set=1"), "errno=0\n\n");
}

TEST_F(Uapi, errors_of_set_are_negative_and_change_nothing)
{
    EXPECT_EQ(answer("set=1\nlisten_port=7\nfwmark=x"), "errno=-22\n\n");
    EXPECT_EQ(answer("set=1\nlisten_port=7\nfwmark"), "errno=-71\n\n");
    EXPECT_TRUE(service_.calls.empty());
    service_.refusal = "busy";
    EXPECT_EQ(answer("set=1\nlisten_port=7"), "errno=-16\n\n");
}

TEST_F(Uapi, other_operations_are_refused)
{
    for (const char *operation : {"", "get=2", "get", "set=0", "GET=1", "delete=1", "\nget=1"})
        EXPECT_EQ(answer(operation), "errno=-22\n\n") << operation;
    EXPECT_TRUE(service_.calls.empty());
}

/// A refusal without a number must not look like success.
TEST_F(Uapi, no_error_is_zero)
{
    calls_.set = [](DeviceChange) -> Result<> {
        return tl::unexpected(Error{std::error_code(), "of unknown kind"});
    };
    EXPECT_EQ(answer("set=1"), "errno=-5\n\n");
}

TEST_F(Uapi, what_get_tells_can_be_set)
{
    std::string settable;
    for (const std::string &text : {DEVICE_TEXT, QUIET_PEER, BUSY_PEER}) {
        std::istringstream lines(text);
        for (std::string line; std::getline(lines, line);)
            if (!line.starts_with("last_handshake") && line.find("_bytes=") == line.npos)
                settable += line + '\n';
    }
    const auto change = parse_uapi_set(settable);
    ASSERT_TRUE(change) << change.error().what;
    const auto told = FakeService::tunnel();
    EXPECT_TRUE(equal_constant_time(*change->private_key, *told.private_key));
    EXPECT_EQ(change->listen_port, told.listen_port);
    EXPECT_EQ(change->fwmark, told.fwmark);
    ASSERT_EQ(change->peers.size(), 2u);
    EXPECT_TRUE(change->peers[0].preshared_key->is_zero());
    const PeerChange &busy = change->peers[1];
    EXPECT_TRUE(equal_constant_time(*busy.preshared_key, *told.peers[1].preshared_key));
    EXPECT_EQ(busy.endpoint, told.peers[1].endpoint);
    EXPECT_EQ(busy.persistent_keepalive, 25);
    ASSERT_EQ(busy.allowed_ips.size(), 2u);
    EXPECT_EQ(busy.allowed_ips[1].prefix, told.peers[1].allowed_ips[1]);
}

} // namespace
} // namespace wg
