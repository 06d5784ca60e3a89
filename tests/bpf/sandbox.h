// SPDX-License-Identifier: MIT
//
// Where the programs are tested: a network and a mount namespace of our own, with a BPF file system
// for the pins. All of it is gone when the process is.
#pragma once

#include <memory>
#include <string>

#include "base/random.h"
#include "datapath/bpf_programs.h"
#include "support/packet_builder.h"

namespace wg::test {

inline constexpr Mac48 NIC_MAC{0x02, 0, 0, 0, 0, 0x01};
inline constexpr Mac48 GATEWAY_MAC{0x02, 0, 0, 0, 0, 0x02};
inline constexpr Mac48 WG0_MAC{0x02, 0, 0, 0, 0, 0x10};
inline constexpr Mac48 WG0X_MAC{0x02, 0, 0, 0, 0, 0x11};

class Sandbox {
  public:
    /// Must come before the first thread is started. ENOTSUP or EPERM: this machine cannot run
    /// these tests.
    static Result<> open();
    /// The one that open() made, with the programs loaded.
    static Sandbox &get();
    static void close();

    BpfPrograms &programs() { return *programs_; }
    std::uint32_t nic() const { return nic_; }
    std::uint32_t wg0() const { return wg0_; }
    std::uint32_t wg0x() const { return wg0x_; }
    /// The programs, with new maps.
    Result<> load();
    /// Empties every map; arrays become zero.
    void clear();
    std::size_t cpus() const { return cpus_; }

  private:
    Sandbox() = default;
    Result<> make_devices();

    std::string directory_;
    SystemRandom random_;
    std::unique_ptr<BpfPrograms> programs_;
    std::size_t cpus_ = 0;
    std::uint32_t nic_ = 0, wg0_ = 0, wg0x_ = 0;
};

} // namespace wg::test
