// SPDX-License-Identifier: MIT
//
//   peer N  198.51.100.N:40000+N, 2001:db8:1::N  ──►  nic  192.0.2.1, 2001:db8::1, port 51820  ──►
//   wg0  10.0.0.1, fd00::1
//           (inside 10.0.0.N, fd00::N)                the tunnel, empty maps before each test
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>

#include <gtest/gtest.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>

#include "bpf/sandbox.h"
#include "datapath/bpf_datapath.h"
#include "support/bpf_run.h"
#include "support/frame_diff.h"
#include "support/packet_builder.h"

struct ring_buffer;

namespace wg::test {

inline constexpr std::uint16_t LISTEN_PORT = 51820;
inline constexpr std::uint32_t TUNNEL_MTU = 1420;
inline constexpr std::uint32_t FWMARK = 0xca6c;
inline constexpr std::uint8_t HOP_LIMIT = 61; // not the builder's: the route's
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""ms;

/// The value, or a failed test with the error's sentence.
template <typename T>
T must(Result<T> result)
{
    if (!result)
        throw std::runtime_error(result.error().what);
    return take(std::move(result));
}
[[nodiscard]] IpAddress address(std::string_view text);
[[nodiscard]] IpAddress our_address(bool v6);
[[nodiscard]] IpAddress our_inner(bool v6);
[[nodiscard]] IpAddress inner_of(int peer, bool v6);

/// Outer and inner family.
struct Families {
    bool outer_v6, inner_v6;
};
inline constexpr Families FAMILIES[] = {{false, false}, {false, true}, {true, false}, {true, true}};
void PrintTo(const Families &families, std::ostream *out);

struct KeypairOptions {
    Duration age{};
    bool initiator = true;
};
struct TestKeypair {
    KeypairId id = 0;
    std::uint32_t local_index = 0, remote_index = 0;
    Key send{}, receive{};
};
struct TestPeer {
    int number = 0;
    PeerState state;
    wg_route route{};
    TestKeypair current;
    bool v6() const { return state.endpoint->address.is_v6(); }
};

/// What varies of a packet that a peer sends; the rest is as it should be.
struct Arrival {
    std::uint64_t counter = 0;
    std::uint8_t ds = 0;
    const TestKeypair *keypair = nullptr; ///< the current one
    std::optional<Endpoint> from{};       ///< the peer's endpoint
};

class BpfTest : public testing::Test {
  protected:
    void SetUp() override;
    void TearDown() override;

    // --- the scene ---
    TestPeer add_peer(int number, bool outer_v6, KeypairOptions options = {});
    TestKeypair add_keypair(PeerId peer, KeypairOptions options = {});
    void publish(const TestPeer &peer);
    void put_tunnel(const std::function<void(wg_tunnel &)> &change);
    void change_keypair(KeypairId id, const std::function<void(wg_keypair &)> &change);
    [[nodiscard]] wg_keypair keypair(KeypairId id) const;
    [[nodiscard]] wg_peer_activity activity(PeerId peer) const;
    void claim_all_slots();

    // --- packets ---
    [[nodiscard]] Buffer to_peer(int number, bool v6, std::size_t size, std::uint8_t ds = 0) const;
    [[nodiscard]] Buffer
    from_peer(int number, bool v6, std::size_t size, std::uint8_t ds = 0) const;
    /// As wg0 sends it to wg0x, or as it is put into wg0.
    [[nodiscard]] Buffer inner_frame(Bytes packet, bool inbound) const;
    [[nodiscard]] Buffer
    arriving(const TestPeer &peer, Bytes payload, const Arrival &arrival) const;
    /// The frame that wg_tx must make of this inner packet.
    [[nodiscard]] Buffer sealed(const TestPeer &peer,
                                Bytes inner,
                                std::uint64_t counter,
                                std::uint8_t ds,
                                std::uint32_t padding_limit = TUNNEL_MTU) const;
    [[nodiscard]] Outcome send(Bytes inner) const;
    /// From when on wg_tx leaves a packet that can go nowhere to the daemon.
    void tell_unreachable_from(std::uint64_t boottime_ns) const;

    // --- what became of them ---
    /// Drops since the last call, by reason.
    [[nodiscard]] std::map<wg_drop_reason, std::uint64_t> new_drops();
    /// Bells since the last call.
    [[nodiscard]] std::vector<wg_event> new_events();

    int program(const char *name) const { return Sandbox::get().programs().program(name); }
    int map(const char *name) const { return Sandbox::get().programs().map(name); }

    asio::io_context io;
    std::unique_ptr<BpfDatapath> datapath;
    TunnelId tunnel = 0;
    std::uint32_t nic = 0;

  private:
    std::uint32_t next_index_ = 1;
    std::map<wg_drop_reason, std::uint64_t> drops_seen_;
    std::unique_ptr<ring_buffer, void (*)(ring_buffer *)> ring_{nullptr, nullptr};
    std::vector<wg_event> events_;
};

/// The two receiving programs, which must agree.
enum class Hook { xdp, tc };
void PrintTo(Hook hook, std::ostream *out);

class ReceiveTest : public BpfTest, public testing::WithParamInterface<Hook> {
  protected:
    [[nodiscard]] Outcome receive(Bytes frame) const;
    [[nodiscard]] int passed() const
    {
        return GetParam() == Hook::xdp ? static_cast<int>(XDP_PASS) : TC_ACT_UNSPEC;
    }
    [[nodiscard]] int dropped() const
    {
        return GetParam() == Hook::xdp ? static_cast<int>(XDP_DROP) : TC_ACT_SHOT;
    }
    [[nodiscard]] int delivered() const
    {
        return GetParam() == Hook::xdp ? static_cast<int>(XDP_PASS) : TC_ACT_REDIRECT;
    }
    /// The frame stayed what it was, for the IP stack, and nobody counted anything.
    void expect_untouched(Bytes frame, const std::string &what);
};

} // namespace wg::test
