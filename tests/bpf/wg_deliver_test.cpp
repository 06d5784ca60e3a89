// SPDX-License-Identifier: MIT
//
// The hand-over from wg_rx_xdp to wg0: frames with metadata as an XDP program leaves it enter the
// NIC's receive path, where wg_deliver hangs. A packet socket on wg0 sees what it delivers.
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include <linux/if_packet.h>

#include "bpf/bpf_fixture.h"
#include "datapath/nic_attachment.h"

namespace wg::test {

class WgDeliver : public BpfTest {
  protected:
    void SetUp() override
    {
        BpfTest::SetUp();
        must(attachment_.attach_tc(nic, "wg_deliver"));
        socket_ = Fd(::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(ETH_P_IP)));
        sockaddr_ll wg0{};
        wg0.sll_family = AF_PACKET;
        wg0.sll_protocol = htons(ETH_P_IP);
        wg0.sll_ifindex = static_cast<int>(Sandbox::get().wg0());
        ASSERT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr *>(&wg0), sizeof(wg0)), 0);
        std::uint32_t zero = 0;
        Buffer value(4096);
        ASSERT_EQ(bpf_map_lookup_elem(map("config"), &zero, value.data()), 0);
        secret = load<wg_config>(Bytes(value).first(sizeof(wg_config))).mark_secret;
    }
    void TearDown() override
    {
        attachment_.detach_tc(nic);
        BpfTest::TearDown();
    }

    /* wg_rx_xdp itself passes these on: they are no transport_data. */
    void receive(Bytes metadata, Bytes frame) const
    {
        receive_live(program("wg_rx_xdp"), metadata, frame, nic);
    }
    void receive(const wg_mark &mark, Bytes frame) const { receive(bytes_of(mark), frame); }

    /* The next frame that wg0 got; empty after five seconds without one. */
    Buffer next_delivered() const
    {
        pollfd readable{socket_.get(), POLLIN, 0};
        if (::poll(&readable, 1, 5000) != 1)
            return {};
        Buffer frame(9000);
        const auto size = ::recv(socket_.get(), frame.data(), frame.size(), 0);
        frame.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
        return frame;
    }

    Buffer frame(std::size_t size) const { return inner_frame(from_peer(2, false, size), true); }

    std::uint64_t secret = 0;

  private:
    NicAttachment attachment_{Sandbox::get().programs(), "test"};
    Fd socket_;
};

TEST_F(WgDeliver, puts_marked_frames_into_wg0)
{
    for (const std::size_t size : {46U, 100U, 1420U}) {
        receive({.secret = secret, .tunnel = tunnel, .peer = 0}, frame(size));
        EXPECT_TRUE(same_frame(next_delivered(), frame(size)));
    }
}

/* Each wrong frame is followed by a right one, which must be the first to arrive. */
TEST_F(WgDeliver, lets_alone_what_has_no_mark_or_a_wrong_one)
{
    const wg_mark right{.secret = secret, .tunnel = tunnel, .peer = 0};
    for (int bit = 0; bit < 64; bit += 7) {
        wg_mark wrong = right;
        wrong.secret ^= 1ULL << bit;
        receive(wrong, frame(200));
        receive(right, frame(300));
        EXPECT_TRUE(same_frame(next_delivered(), frame(300))) << "secret bit " << bit;
    }
    for (const std::size_t size : {0U, 4U, 8U, 12U}) {
        receive(bytes_of(right).first(size), frame(200));
        receive(right, frame(300));
        EXPECT_TRUE(same_frame(next_delivered(), frame(300))) << size << " bytes of metadata";
    }
}

TEST_F(WgDeliver, drops_and_counts_a_frame_for_a_tunnel_that_is_gone)
{
    receive({.secret = secret, .tunnel = tunnel + 1, .peer = 0}, frame(200));
    EXPECT_EQ(new_drops(), (std::map<wg_drop_reason, std::uint64_t>{{WG_DROP_NOT_DELIVERED, 1}}));
    receive({.secret = secret, .tunnel = tunnel, .peer = 0}, frame(300));
    EXPECT_TRUE(same_frame(next_delivered(), frame(300)));
}

TEST_F(WgDeliver, passes_on_to_later_filters_what_is_not_marked)
{
    const Outcome run = run_tc(program("wg_deliver"), frame(200), {.ifindex = nic});
    EXPECT_EQ(run.verdict, TC_ACT_UNSPEC);
    EXPECT_TRUE(same_frame(run.frame, frame(200)));
}

/* Story 1 from end to end: XDP opens the packet, wg_deliver hands it over. */
TEST_F(WgDeliver, ends_what_wg_rx_xdp_began)
{
    const TestPeer peer = add_peer(2, false);
    receive(Bytes{}, arriving(peer, padded(from_peer(2, false, 333), TUNNEL_MTU), {}));
    EXPECT_TRUE(same_frame(next_delivered(), frame(333)));
}

} // namespace wg::test
