// SPDX-License-Identifier: MIT
//
// The kernel's part of `wgxdp doctor`: is BPF there, quick, and does it take our programs?
#include <array>
#include <cstdio>

#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include <bpf/libbpf.h>

#include "datapath/bpf_objects.h"
#include "tools/doctor.h"
#include "tools/proc_file.h"

namespace wg {
namespace {

using State = Finding::State;

constexpr unsigned OLDEST_MAJOR = 6;
constexpr unsigned OLDEST_MINOR = 1;

void examine_release(Findings &findings)
{
    utsname names{};
    unsigned major = 0;
    unsigned minor = 0;
    if (uname(&names) != 0 || std::sscanf(names.release, "%u.%u", &major, &minor) != 2)
        findings.push_back({State::note, "kernel", "its version is not understood", ""});
    else if (std::pair(major, minor) < std::pair(OLDEST_MAJOR, OLDEST_MINOR))
        findings.push_back({State::problem, "kernel", names.release,
                            fmt::format("wgxdp wants {}.{} or later", OLDEST_MAJOR, OLDEST_MINOR)});
    else
        findings.push_back({State::ok, "kernel", names.release, ""});
}

void examine_btf(Findings &findings)
{
    if (access("/sys/kernel/btf/vmlinux", R_OK) == 0)
        findings.push_back({State::ok, "btf", "the kernel tells its types", ""});
    else
        findings.push_back({State::note, "btf", "the kernel does not tell its types",
                            "a kernel with CONFIG_DEBUG_INFO_BTF=y lets bpftool read ours"});
}

/* The switch is the first network namespace's. */
void examine_jit(Findings &findings)
{
    const auto jit = first_line("/proc/sys/net/core/bpf_jit_enable");
    if (!jit)
        findings.push_back(
            {State::ok, "jit", "its switch is not seen from this network namespace", ""});
    else if (*jit == "0")
        findings.push_back({State::problem, "jit",
                            "BPF programs are interpreted, many times slower",
                            "sysctl -w net.core.bpf_jit_enable=1"});
    else
        findings.push_back({State::ok, "jit", "BPF programs are compiled", ""});
}

void examine_bpffs(Findings &findings)
{
    struct statfs info{};
    if (statfs("/sys/fs/bpf", &info) == 0 && info.f_type == BPF_FS_MAGIC)
        findings.push_back({State::ok, "bpffs", "/sys/fs/bpf is mounted", ""});
    else
        findings.push_back({State::note, "bpffs",
                            "/sys/fs/bpf is no BPF file system: the daemon mounts one of its own",
                            "mount -t bpf bpf /sys/fs/bpf"});
}

void examine_unprivileged(Findings &findings)
{
    if (first_line("/proc/sys/kernel/unprivileged_bpf_disabled") == "0")
        findings.push_back({State::note, "unprivileged bpf",
                            "every user may load BPF programs; wgxdp does not need that",
                            "sysctl -w kernel.unprivileged_bpf_disabled=2"});
    else
        findings.push_back({State::ok, "unprivileged bpf", "only root may load BPF programs", ""});
}

void examine_types(Findings &findings)
{
    std::string missing;
    const auto miss = [&](const char *name) {
        missing += fmt::format("{}{}", missing.empty() ? "" : ", ", name);
    };
    for (const auto type : {BPF_PROG_TYPE_XDP, BPF_PROG_TYPE_SCHED_CLS})
        if (libbpf_probe_bpf_prog_type(type, nullptr) == 0)
            miss(libbpf_bpf_prog_type_str(type));
    for (const auto type :
         {BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_PERCPU_ARRAY, BPF_MAP_TYPE_LPM_TRIE,
          BPF_MAP_TYPE_ARRAY_OF_MAPS, BPF_MAP_TYPE_RINGBUF})
        if (libbpf_probe_bpf_map_type(type, nullptr) == 0)
            miss(libbpf_bpf_map_type_str(type));
    if (missing.empty())
        findings.push_back({State::ok, "bpf types", "the programs' and maps' types are there", ""});
    else
        findings.push_back(
            {State::problem, "bpf types", "missing: " + missing,
             "a kernel with CONFIG_BPF_SYSCALL, CONFIG_NET_CLS_BPF and CONFIG_XDP_SOCKETS "
             "as distributions build it has them"});
}

void examine_program(Findings &findings, const std::string &topic, const BpfObject &object)
{
    if (const auto loaded = try_load(object); loaded)
        findings.push_back({State::ok, topic, "the verifier takes it", ""});
    else
        findings.push_back({State::problem, topic, loaded.error().what,
                            "where Linux is 6.1 or later and we are root, please report this"});
}

/* Of those for jumbo packets only the ones that differ. */
void examine_programs(Findings &findings)
{
    const auto standard = bpf_objects(WG_STANDARD_PAYLOAD), jumbo = bpf_objects(WG_JUMBO_PAYLOAD);
    for (const BpfObject &object : standard)
        examine_program(findings, fmt::format("program {}", object.name), object);
    for (std::size_t i = 0; i < jumbo.size(); ++i)
        if (jumbo[i].elf.data() != standard[i].elf.data())
            examine_program(findings, fmt::format("program {}, jumbo", jumbo[i].name), jumbo[i]);
}

} // namespace

void examine_kernel(Findings &findings, bool is_root)
{
    examine_release(findings);
    examine_btf(findings);
    examine_jit(findings);
    examine_bpffs(findings);
    examine_unprivileged(findings);
    if (!is_root) {
        findings.push_back({State::note, "programs",
                            "only root can try whether the kernel takes them",
                            "sudo wgxdp doctor"});
        return;
    }
    examine_types(findings);
    examine_programs(findings);
}

} // namespace wg
