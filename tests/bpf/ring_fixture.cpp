// SPDX-License-Identifier: MIT
#include "bpf/ring_fixture.h"

#include <numeric>
#include <thread>

#include <pthread.h>

#include <bpf/libbpf.h>

namespace wg::test {

namespace {

int map(const char *name)
{
    return Sandbox::get().programs().map(name);
}

wg_session_key session_key(const TestKeypair &keypair, wg_direction direction)
{
    const Key &from = direction == WG_SEND ? keypair.send : keypair.receive;
    wg_session_key key;
    std::memcpy(key.words, from.bytes().data(), sizeof(key.words));
    return key;
}

RingSlots slots_of(std::uint32_t number)
{
    std::uint32_t id = 0;
    if (bpf_map_lookup_elem(map("ring_slots"), &number, &id) != 0)
        throw std::system_error(errno, std::generic_category(), "ring_slots");
    const Fd slots(bpf_map_get_fd_by_id(id));
    return must(RingSlots::of(slots.get()));
}

std::uint32_t next_number = 1;

} // namespace

SharedMaps::SharedMaps()
    : rings(must(SharedArray<wg_ring>::of(map("rings"), WG_MAX_RINGS, "rings"))),
      activity(must(
          SharedArray<wg_peer_activity>::of(map("peer_activity"), WG_MAX_PEERS, "peer_activity")))
{
}

TestRing::TestRing(SharedMaps &maps,
                   const TestPeer &peer,
                   wg_direction direction,
                   std::uint64_t next)
    : header_(maps.rings[next_number]),
      link_(direction == WG_SEND ? maps.activity[peer.state.id].send_ring
                                 : maps.activity[peer.state.id].receive_ring),
      ring_(must(KeystreamRing::create(map("ring_slots"),
                                       header_,
                                       next_number,
                                       {peer.current.id, peer.state.id, direction},
                                       Sandbox::get().programs().max_payload(),
                                       session_key(peer.current, direction),
                                       next))),
      slots_(slots_of(next_number)), filler_(slot_fillers().front())
{
    link_ = next_number;
    next_number = next_number % (WG_MAX_RINGS - 1) + 1;
}

TestRing::~TestRing()
{
    link_ = 0;
    wait_for_grace_period();
    ring_->erase();
}

void TestRing::learn(std::uint64_t longest)
{
    for (int periods = 0; periods < 3; periods++) {
        header_.longest = longest;
        time_ += 1s;
        fill(0);
    }
    header_.longest = 0;
}

CipherCounts cipher_counts()
{
    CipherCounts totals{};
    std::vector<std::uint64_t> by_cpu(static_cast<std::size_t>(libbpf_num_possible_cpus()));
    for (std::uint32_t count = 0; count < WG_CIPHER_COUNTS; count++) {
        EXPECT_EQ(bpf_map_lookup_elem(map("cipher_counts"), &count, by_cpu.data()), 0);
        totals[count] = std::accumulate(by_cpu.begin(), by_cpu.end(), std::uint64_t{0});
    }
    return totals;
}

void run_at_once(const std::vector<std::function<void()>> &tasks)
{
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < tasks.size(); i++) {
        threads.emplace_back(tasks[i]);
        cpu_set_t cpus;
        CPU_ZERO(&cpus);
        CPU_SET(i % std::thread::hardware_concurrency(), &cpus);
        ::pthread_setaffinity_np(threads.back().native_handle(), sizeof(cpus), &cpus);
    }
    for (auto &thread : threads)
        thread.join();
}

} // namespace wg::test
