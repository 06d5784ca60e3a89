// SPDX-License-Identifier: MIT
//
// One packet through one program (BPF_PROG_TEST_RUN), and what came out.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace wg::test {

struct Outcome {
    int verdict = 0; ///< XDP_* or TC_ACT_*
    Buffer frame;
    Buffer metadata;        ///< XDP: what the program left in data_meta
    std::uint32_t mark = 0; ///< TC
};

struct TcContext {
    std::uint32_t ifindex = 0; ///< of the device the packet comes in by
    std::uint32_t gso_size = 0;
};

/// A system call that fails throws: it is the test that is wrong, not the program.
[[nodiscard]] Outcome run_xdp(int program, Bytes frame, std::uint32_t ifindex);
[[nodiscard]] Outcome run_tc(int program, Bytes frame, const TcContext &context);
/// Runs an XDP program whose verdict counts: XDP_PASS hands frame and metadata to the device's
/// receive path.
void receive_live(int program, Bytes metadata, Bytes frame, std::uint32_t ifindex);

} // namespace wg::test
