// SPDX-License-Identifier: MIT
//
// Loads every program once more, with the verifier's statistics, and compares them with budget.h.
#include <cstring>
#include <map>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include <bpf/libbpf.h>

#include <wgxdp/abi.h>

#include "bpf/budget.h"
#include "wg_cookie.skel.h"
#include "wg_counter.skel.h"
#include "wg_deliver.skel.h"
#include "wg_rx.skel.h"
#include "wg_rx_jumbo.skel.h"
#include "wg_tx.skel.h"
#include "wg_tx_jumbo.skel.h"

namespace wg::test {

namespace {

constexpr __u32 LOG_STATS = 4; // BPF_LOG_STATS of the kernel
constexpr std::size_t LOG_SIZE = 1 << 16;

using Counts = std::map<std::string, unsigned>;

/* "processed 35511 insns (limit 1000000) ..." */
unsigned processed(const char *log)
{
    const char *line = std::strstr(log, "processed ");
    unsigned instructions = 0;
    return line != nullptr && std::sscanf(line, "processed %u insns", &instructions) == 1
               ? instructions
               : 0;
}

void verify(const void *(*elf_bytes)(std::size_t *), Counts &counts, const char *variant = "")
{
    std::size_t size = 0;
    const void *elf = elf_bytes(&size);
    const std::unique_ptr<bpf_object, void (*)(bpf_object *)> object(
        bpf_object__open_mem(elf, size, nullptr), bpf_object__close);
    ASSERT_TRUE(object);
    std::map<std::string, std::vector<char>> logs;
    bpf_program *program = nullptr;
    bpf_object__for_each_program(program, object.get())
    {
        auto &log = logs[bpf_program__name(program)];
        log.resize(LOG_SIZE);
        bpf_program__set_log_buf(program, log.data(), log.size());
        bpf_program__set_log_level(program, LOG_STATS);
    }
    ASSERT_EQ(bpf_object__load(object.get()), 0);
    for (const auto &[name, log] : logs)
        counts[name + variant] = processed(log.data());
}

} // namespace

TEST(Budget, of_verified_instructions_is_kept_by_every_program)
{
    Counts counts;
    verify(wg_rx__elf_bytes, counts);
    verify(wg_tx__elf_bytes, counts);
    verify(wg_rx_jumbo__elf_bytes, counts, "_jumbo");
    verify(wg_tx_jumbo__elf_bytes, counts, "_jumbo");
    verify(wg_deliver__elf_bytes, counts);
    verify(wg_cookie__elf_bytes, counts);
    verify(wg_counter__elf_bytes, counts);
    for (const auto &[program, budget] : BUDGETS) {
        const unsigned instructions = counts[program];
        std::printf("  %-18s %6u verified instructions, budget %6u\n", program, instructions,
                    budget);
        RecordProperty(program, static_cast<int>(instructions));
        EXPECT_GT(instructions, 0U) << program << ": the verifier said nothing";
        EXPECT_LE(instructions, budget) << program;
    }
    EXPECT_EQ(counts.size(), std::size(BUDGETS)) << "a program without a budget";
}

} // namespace wg::test
