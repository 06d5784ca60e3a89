// SPDX-License-Identifier: MIT
#include "net/receive_steering.h"

#include <fstream>
#include <thread>

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

namespace wg {
namespace {

/// A /sys that shows this thread's network namespace, seen by this thread only.
Result<> mount_private_sysfs()
{
    if (unshare(CLONE_NEWNS) != 0)
        return system_failure(errno, "a mount namespace of its own");
    if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
        return system_failure(errno, "make its mounts private");
    // EBUSY: the one that is there already is our network namespace's.
    if (mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0 &&
        errno != EBUSY)
        return system_failure(errno, "mount sysfs");
    return {};
}

Result<> write_masks(const std::string &interface)
{
    WG_TRY(mount_private_sysfs());
    std::string mask = cpu_mask(static_cast<unsigned>(sysconf(_SC_NPROCESSORS_CONF)));
    auto path_of = [&](unsigned queue) {
        return fmt::format("/sys/class/net/{}/queues/rx-{}/rps_cpus", interface, queue);
    };
    unsigned queue = 0;
    do {
        errno = 0;
        if (!(std::ofstream(path_of(queue)) << mask << std::flush))
            return system_failure(errno, "write {} to {}", mask, path_of(queue));
    } while (access(path_of(++queue).c_str(), F_OK) == 0);
    return {};
}

} // namespace

std::string cpu_mask(unsigned cpus)
{
    std::string mask = fmt::format("{:x}", (std::uint64_t{1} << (cpus % 32)) - 1);
    if (cpus % 32 == 0)
        mask = cpus == 0 ? "0" : "ffffffff";
    for (unsigned groups = (cpus + 31) / 32; groups > 1; --groups)
        mask += ",ffffffff";
    return mask;
}

Result<> steer_to_all_cpus(const std::string &interface)
{
    // sysfs shows the network namespace that mounted it, and the daemon's mounts are not ours to
    // change. A thread keeps our network namespace and may have a mount namespace of its own, which
    // ends with it.
    Result<> outcome;
    std::thread([&] { outcome = write_masks(interface); }).join();
    return outcome;
}

} // namespace wg
