// SPDX-License-Identifier: MIT
//
// Sealing with keystream made ahead: every packet is what it would be without, and no slot serves
// two.
#include <atomic>
#include <random>

#include "bpf/ring_fixture.h"

namespace wg::test {

class RingSend : public BpfTest {
  protected:
    void SetUp() override
    {
        BpfTest::SetUp();
        peer = add_peer(2, false);
    }

    /* Sends one packet; it must be the one that belongs to its counter. */
    void expect_sealed(std::size_t size, std::uint64_t counter)
    {
        const Buffer inner = to_peer(2, false, size);
        const Outcome run = send(inner);
        ASSERT_EQ(run.verdict, TC_ACT_REDIRECT);
        ASSERT_TRUE(same_frame(run.frame, sealed(peer, inner, counter, 0)))
            << size << " bytes, counter " << counter;
    }

    static std::uint64_t counter_of(const Buffer &frame)
    {
        return load<std::uint64_t>(Bytes(frame).subspan(50, 8));
    }

    SharedMaps maps;
    TestPeer peer;
};

TEST_F(RingSend, seals_packets_of_every_length_with_every_producer)
{
    std::uint64_t counter = 0;
    for (const SlotFiller &filler : slot_fillers()) {
        TestRing ring(maps, peer, WG_SEND, counter);
        ring.use(filler);
        const std::uint64_t before = cipher_counts()[WG_SEALED_READY];
        for (std::size_t size = 20; size <= TUNNEL_MTU; size++) {
            if ((size - 20) % 512 == 0) {
                ASSERT_GE(ring.fill(512), 512U);
            }
            expect_sealed(size, counter++);
        }
        EXPECT_EQ(cipher_counts()[WG_SEALED_READY] - before, TUNNEL_MTU - 19) << filler.name;
    }
}

TEST_F(RingSend, uses_what_is_ready_and_then_seals_inline)
{
    TestRing ring(maps, peer, WG_SEND);
    ring.fill(16);
    for (std::uint64_t counter = 0; counter < 40; counter++)
        expect_sealed(100, counter);
    EXPECT_EQ(cipher_counts()[WG_SEALED_READY], 16);
    EXPECT_EQ(cipher_counts()[WG_SEALED_INLINE], 24);
    EXPECT_EQ(ring.header().next, 40);
}

TEST_F(RingSend, finds_slots_again_after_it_ran_out)
{
    TestRing ring(maps, peer, WG_SEND);
    ring.fill();
    std::uint64_t counter = 0;
    for (; counter < 3 * WG_RING_SLOTS; counter++)
        expect_sealed(64, counter); // what was ready beyond is stale now
    const std::uint64_t before = cipher_counts()[WG_SEALED_READY];
    ring.fill();
    for (int i = 0; i < 100; i++)
        expect_sealed(64, counter++);
    EXPECT_EQ(cipher_counts()[WG_SEALED_READY] - before, 100);
}

TEST_F(RingSend, seals_inline_what_is_longer_than_its_slot)
{
    TestRing ring(maps, peer, WG_SEND);
    ring.learn(64);
    ring.fill(32);
    for (std::uint64_t counter = 0; counter < 16; counter++)
        expect_sealed(64, counter);
    EXPECT_EQ(cipher_counts()[WG_SEALED_READY], 16);
    expect_sealed(1000, 16);
    EXPECT_EQ(cipher_counts()[WG_SEALED_INLINE], 1);
    ring.fill(16); // these are longer; those that may be in use this moment are left as they are
    for (std::uint64_t counter = 17; counter < 48; counter++)
        expect_sealed(1000, counter);
    EXPECT_EQ(cipher_counts()[WG_SEALED_INLINE], 16);
    EXPECT_EQ(cipher_counts()[WG_SEALED_READY], 16 + 16);
}

TEST_F(RingSend, makes_a_slot_that_is_made_again_for_its_counter_another_one)
{
    TestRing ring(maps, peer, WG_SEND);
    ring.learn(64);
    ring.fill(256);
    const std::uint64_t left = ring.state(100), again = ring.state(200);
    ring.header().longest = 1400;
    ring.fill();
    EXPECT_EQ(ring.state(100), left) << "somebody may be reading it";
    EXPECT_NE(ring.state(200), again);
    EXPECT_EQ(ring.state(200) & ~WG_SLOT_GENERATIONS, WG_SLOT_READY | 200);
    EXPECT_EQ(ring.slot(200).blocks, 1 + 1408 / 64);
}

/* clang makes an atomic addition whose result is not used one that orders nothing on arm64. */
TEST_F(RingSend, orders_its_reads_by_atomic_operations_that_are_full_barriers)
{
    for (const char *name : {"wg_tx", "wg_rx_xdp", "wg_rx_tc"}) {
        std::vector<bpf_insn> code(65536);
        bpf_prog_info info{};
        __u32 size = sizeof(info);
        info.xlated_prog_insns = reinterpret_cast<std::uintptr_t>(code.data());
        info.xlated_prog_len = static_cast<__u32>(code.size() * sizeof(bpf_insn));
        ASSERT_EQ(bpf_obj_get_info_by_fd(program(name), &info, &size), 0);
        code.resize(info.xlated_prog_len / sizeof(bpf_insn));
        int barriers = 0;
        for (const bpf_insn &instruction : code)
            if (instruction.code == (BPF_STX | BPF_ATOMIC | BPF_DW) &&
                instruction.dst_reg == BPF_REG_10) {
                EXPECT_EQ(instruction.imm, BPF_CMPXCHG) << name;
                barriers++;
            }
        EXPECT_GE(barriers, 2) << name;
    }
}

TEST_F(RingSend, leaves_the_ring_of_another_keypair_or_direction_alone)
{
    TestRing ring(maps, peer, WG_SEND);
    ring.fill();
    ring.header().keypair++;
    expect_sealed(64, 0);
    ring.header().keypair--;
    ring.header().direction = WG_RECEIVE;
    expect_sealed(64, 1);
    EXPECT_EQ(cipher_counts()[WG_SEALED_READY], 0);
    EXPECT_EQ(ring.state(0), WG_SLOT_READY);
    EXPECT_EQ(ring.state(1), WG_SLOT_READY | 1);
}

TEST_F(RingSend, takes_no_slot_for_a_counter_that_reaches_into_the_state)
{
    const std::uint64_t first = WG_SLOT_COUNTERS - 3;
    change_keypair(peer.current.id, [&](wg_keypair &keypair) { keypair.tx_counter = first; });
    TestRing ring(maps, peer, WG_SEND, first - 13);
    ring.fill(16);
    EXPECT_EQ(ring.fill(16), 0U);
    for (std::uint64_t counter = first; counter < first + 10; counter++)
        expect_sealed(64, counter);
    EXPECT_EQ(cipher_counts()[WG_SEALED_READY], 3);
}

TEST_F(RingSend, stays_right_while_the_producer_stalls)
{
    TestRing ring(maps, peer, WG_SEND);
    std::atomic<bool> done = false;
    run_at_once({[&] {
                     for (std::uint64_t counter = 0; counter < 20000 && !HasFatalFailure();
                          counter++)
                         expect_sealed(20 + counter * 7 % 1400, counter);
                     done = true;
                 },
                 [&] { // falls behind by up to three rings, again and again
                     std::minstd_rand random;
                     for (std::uint64_t wake = 0; !done;) {
                         if (ring.ring().next() < wake)
                             continue;
                         ring.fill(16 * (1 + random() % 64));
                         if (random() % 8 == 0)
                             wake = ring.ring().next() + random() % (3 * WG_RING_SLOTS);
                     }
                 }});
    const auto counts = cipher_counts();
    EXPECT_GT(counts[WG_SEALED_READY], 100);
    EXPECT_GT(counts[WG_SEALED_INLINE], 100);
    EXPECT_EQ(counts[WG_SEALED_READY] + counts[WG_SEALED_INLINE], 20000);
}

TEST_F(RingSend, serves_two_cpus_at_once)
{
    constexpr std::uint64_t EACH = 8000;
    TestRing ring(maps, peer, WG_SEND);
    const Buffer inner = to_peer(2, false, 300);
    std::vector<Buffer> frames[2];
    std::atomic<int> sending = 2;
    const auto sender = [&](std::vector<Buffer> &sent) {
        return [&] {
            for (std::uint64_t i = 0; i < EACH; i++)
                sent.push_back(send(inner).frame);
            sending--;
        };
    };
    run_at_once({sender(frames[0]), sender(frames[1]), [&] {
                     while (sending > 0)
                         ring.fill();
                 }});
    std::vector<bool> used(2 * EACH);
    for (const auto &sent : frames)
        for (const Buffer &frame : sent) {
            const std::uint64_t counter = counter_of(frame);
            ASSERT_LT(counter, used.size());
            ASSERT_FALSE(used[counter]) << "counter " << counter << " was used twice";
            used[counter] = true;
            ASSERT_TRUE(same_frame(frame, sealed(peer, inner, counter, 0)));
        }
    EXPECT_GT(cipher_counts()[WG_SEALED_READY], 100);
}

/* A producer at its worst: it writes the very slot that is wanted next. What is sent is right, or
 * not sent. */
TEST_F(RingSend, sends_nothing_made_from_a_slot_that_was_written_meanwhile)
{
    constexpr std::uint64_t PACKETS = 30000;
    TestRing ring(maps, peer, WG_SEND);
    const Buffer inner = to_peer(2, false, 1400);
    std::atomic<bool> done = false;
    std::uint64_t dropped = 0;
    run_at_once({[&] {
                     for (std::uint64_t counter = 0; counter < PACKETS && !HasFailure();
                          counter++) {
                         if (counter % 512 == 0)
                             ring.fill();
                         const Outcome run = send(inner);
                         if (run.verdict == TC_ACT_SHOT)
                             dropped++;
                         else
                             EXPECT_TRUE(same_frame(run.frame, sealed(peer, inner, counter, 0)));
                     }
                     done = true;
                 },
                 [&] {
                     std::minstd_rand random;
                     for (std::uint64_t last = 0; !done;) {
                         const std::uint64_t counter = ring.ring().next();
                         if (counter < last + 3) // some are left as they are
                             continue;
                         last = counter;
                         const Instant strike = now().instant + ns(random() % 120'000);
                         while (now().instant < strike)
                             ;
                         wg_slot &slot = ring.slot(counter);
                         std::atomic_ref(slot.state).exchange(WG_SLOT_EMPTY);
                         std::memset(slot.keystream, 0xee, WG_STANDARD_PAYLOAD + 1);
                         std::atomic_ref(slot.state).store(WG_SLOT_READY | (WG_SLOT_COUNTERS - 1));
                     }
                 }});
    EXPECT_EQ(new_drops()[WG_DROP_OVERTAKEN], dropped);
    EXPECT_GT(dropped, 0);
    EXPECT_GT(cipher_counts()[WG_SEALED_READY], 1000);
}

TEST_F(RingSend, wakes_a_sleeping_producer_once_a_part_is_used_up_or_a_slot_is_missing)
{
    TestRing ring(maps, peer, WG_SEND);
    ring.fill();
    ring.ring().arm();
    std::uint64_t counter = 0;
    for (; counter < WG_RING_SLOTS / 4; counter++)
        expect_sealed(64, counter);
    EXPECT_EQ(ring.header().armed, 1);
    expect_sealed(64, counter++);
    EXPECT_EQ(ring.header().armed, 0);

    ring.header().next = counter += WG_RING_SLOTS; // as if all had been used meanwhile
    change_keypair(peer.current.id, [&](wg_keypair &keypair) { keypair.tx_counter = counter; });
    ring.ring().arm();
    expect_sealed(64, counter);
    EXPECT_EQ(ring.header().armed, 0);
}

} // namespace wg::test
