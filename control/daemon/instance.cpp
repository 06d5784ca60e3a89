// SPDX-License-Identifier: MIT
#include "daemon/instance.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <linux/magic.h>

#include "datapath/bpf_programs.h"

namespace wg {

namespace {

constexpr auto LOCK_PATIENCE = std::chrono::seconds(5);
constexpr auto LOCK_RETRY = std::chrono::milliseconds(20);

bool is_bpf_file_system(const std::string &path)
{
    struct statfs info{};
    return ::statfs(path.c_str(), &info) == 0 && info.f_type == BPF_FS_MAGIC;
}

bool is_good_name(const std::string &name)
{
    return !name.empty() && name.size() <= 64 && name[0] != '.' &&
           std::ranges::all_of(name, [](unsigned char c) {
               return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
           });
}

} // namespace

Result<Instance> Instance::open(const std::string &name)
{
    if (!is_good_name(name))
        return failure(EINVAL,
                       "--instance: expected 1 to 64 letters, digits, '-', '_' and '.', got \"{}\"",
                       name);
    Instance instance;
    instance.name_ = name;
    std::error_code error;
    std::filesystem::create_directories(run_directory(), error);
    if (error)
        return system_failure(error.value(), "{}", run_directory());
    WG_TRY(instance.take_lock());
    WG_TRY(instance.find_pins());
    return instance;
}

/* The file may be removed by the daemon that ends while we wait for its lock: then it is the wrong
 * file. */
Result<> Instance::take_lock()
{
    const auto deadline = std::chrono::steady_clock::now() + LOCK_PATIENCE;
    for (;;) {
        lock_ = Fd(::open(lock_path().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
        if (!lock_)
            return system_failure(errno, "{}", lock_path());
        struct stat held{}, named{};
        if (::flock(lock_.get(), LOCK_EX | LOCK_NB) == 0 && ::fstat(lock_.get(), &held) == 0 &&
            ::stat(lock_path().c_str(), &named) == 0 && held.st_ino == named.st_ino)
            return {};
        if (std::chrono::steady_clock::now() > deadline)
            return failure(EBUSY, "instance {}: another wgxdpd runs it ({} is locked)", name_,
                           lock_path());
        std::this_thread::sleep_for(LOCK_RETRY);
    }
}

Result<> Instance::find_pins()
{
    if (is_bpf_file_system("/sys/fs/bpf")) {
        pins_ = usual_pins(name_);
        return {};
    }
    const std::string mount_point = own_mount();
    mounted_ = true;
    pins_ = mount_point + "/wgxdp";
    if (is_bpf_file_system(mount_point))
        return {};
    std::error_code error;
    std::filesystem::create_directories(mount_point, error);
    if (error || ::mount("bpf", mount_point.c_str(), "bpf", 0, "mode=0700") != 0)
        return system_failure(error ? error.value() : errno, "{}: mount a BPF file system",
                              mount_point);
    return {};
}

void Instance::remove()
{
    remove_pins(pins_);
    if (mounted_) {
        ::umount2(own_mount().c_str(), MNT_DETACH);
        ::rmdir(own_mount().c_str());
    }
    ::unlink(log().c_str());
    ::unlink(peers().c_str());
    ::unlink(lock_path().c_str());
    lock_.close();
}

} // namespace wg
