// SPDX-License-Identifier: MIT
#include "bpf/sandbox.h"

#include <algorithm>
#include <cstdlib>

#include <net/if.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

namespace wg::test {

namespace {

std::unique_ptr<Sandbox> the_sandbox;

/* Arrays are large and nearly empty: a test uses the first few elements. */
constexpr std::uint32_t ARRAY_ELEMENTS_USED = 64;

std::string text(const Mac48 &mac)
{
    return fmt::format("{:02x}", fmt::join(mac, ":"));
}

Result<> ip(const std::string &arguments)
{
    const std::string command = "ip " + arguments;
    if (std::system(command.c_str()) != 0)
        return failure(EIO, "{}: failed", command);
    return {};
}

void clear_hash(int fd, std::uint32_t key_size)
{
    Buffer key(key_size);
    while (bpf_map_get_next_key(fd, nullptr, key.data()) == 0)
        bpf_map_delete_elem(fd, key.data());
}

void clear_array(int fd, const bpf_map_info &info, std::size_t cpus)
{
    const bool per_cpu = info.type == BPF_MAP_TYPE_PERCPU_ARRAY;
    const Buffer zero((info.value_size + 7) / 8 * 8 * (per_cpu ? cpus : 1));
    for (std::uint32_t key = 0; key < std::min(info.max_entries, ARRAY_ELEMENTS_USED); key++)
        bpf_map_update_elem(fd, &key, zero.data(), BPF_ANY);
}

} // namespace

Result<> Sandbox::open()
{
    if (::geteuid() != 0)
        return failure(EPERM, "needs root: BPF programs and namespaces");
    if (::unshare(CLONE_NEWNET | CLONE_NEWNS) != 0)
        return system_failure(EPERM, "namespaces of its own: unshare");
    std::unique_ptr<Sandbox> sandbox(new Sandbox);
    std::string name = "/tmp/wgxdp-bpf-XXXXXX";
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mkdtemp(name.data()) == nullptr)
        return system_failure(errno, "a private mount");
    sandbox->directory_ = name;
    the_sandbox = std::move(sandbox);
    if (::mount("bpf", name.c_str(), "bpf", 0, nullptr) != 0)
        return system_failure(ENOTSUP, "a BPF file system");
    WG_TRY(the_sandbox->make_devices());
    the_sandbox->cpus_ = static_cast<std::size_t>(libbpf_num_possible_cpus());
    return the_sandbox->load();
}

Result<> Sandbox::make_devices()
{
    WG_TRY(ip("link set lo up"));
    WG_TRY(ip("link add nic address " + text(NIC_MAC) + " type veth peer name cable address " +
              text(GATEWAY_MAC)));
    WG_TRY(ip("link add wg0 address " + text(WG0_MAC) + " type veth peer name wg0x address " +
              text(WG0X_MAC)));
    for (const char *name : {"nic", "cable", "wg0", "wg0x"})
        WG_TRY(ip(fmt::format("link set {} mtu 9000 addrgenmode none up", name)));
    nic_ = if_nametoindex("nic");
    wg0_ = if_nametoindex("wg0");
    wg0x_ = if_nametoindex("wg0x");
    return {};
}

Result<> Sandbox::load()
{
    if (programs_)
        remove_pins(programs_->pins());
    programs_ =
        std::make_unique<BpfPrograms>(WG_TRY(BpfPrograms::load(directory_ + "/pins", random_)));
    return {};
}

Sandbox &Sandbox::get()
{
    return *the_sandbox;
}

void Sandbox::clear()
{
    for (const char *name :
         {"listeners", "tunnels", "nics", "allowed_ips_v4", "allowed_ips_v6", "peers", "indices",
          "keypairs", "keypair_secrets", "tunnel_secrets", "peer_secrets", "peer_versions",
          "peer_activity", "slots_claimed", "drops", "cipher_counts", "allowed_ips_cache"}) {
        const int fd = programs_->map(name);
        bpf_map_info info{};
        std::uint32_t size = sizeof(info);
        if (bpf_obj_get_info_by_fd(fd, &info, &size) != 0)
            std::abort(); // every test would run in the wrong state
        if (info.type == BPF_MAP_TYPE_HASH || info.type == BPF_MAP_TYPE_LPM_TRIE)
            clear_hash(fd, info.key_size);
        else
            clear_array(fd, info, cpus_);
    }
}

void Sandbox::close()
{
    if (!the_sandbox)
        return;
    const std::string directory = the_sandbox->directory_;
    the_sandbox.reset();
    ::umount2(directory.c_str(), MNT_DETACH);
    ::rmdir(directory.c_str());
}

} // namespace wg::test
