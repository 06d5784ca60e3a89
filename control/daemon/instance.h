// SPDX-License-Identifier: MIT
//
// One daemon an instance: its name, its files, its lock.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace wg {

class Instance {
  public:
    /// Takes the instance's lock (waiting a moment for one that is just ending) and finds or mounts
    /// a BPF file system for its pins. The name is checked: it becomes part of paths.
    static Result<Instance> open(const std::string &name);

    const std::string &name() const { return name_; }
    std::string socket() const { return run_directory() + "/" + name_ + ".sock"; }
    /// What is known of peers besides the maps.
    std::string peers() const { return run_directory() + "/" + name_ + ".peers"; }
    std::string log() const { return run_directory() + "/" + name_ + ".log"; }
    const std::string &pins() const { return pins_; }
    /// Nothing of it is wanted any more: pins, own mount and lock file go.
    void remove();

    static std::string run_directory() { return "/run/wgxdp"; }
    /// Where its pins are, unless /sys/fs/bpf is no BPF file system.
    static std::string usual_pins(const std::string &name) { return "/sys/fs/bpf/wgxdp/" + name; }

  private:
    std::string lock_path() const { return run_directory() + "/" + name_ + ".lock"; }
    std::string own_mount() const { return run_directory() + "/" + name_ + ".bpf"; }
    Result<> take_lock();
    Result<> find_pins();

    std::string name_;
    std::string pins_;
    bool mounted_ = false; ///< pins_ lies on a mount of our own
    Fd lock_;
};

} // namespace wg
