// SPDX-License-Identifier: MIT
//
// The compiled BPF objects that are in this executable.
#pragma once

#include <vector>

#include <wgxdp/abi.h> // the skeletons want its types

#include "base/bytes.h"
#include "base/result.h"

namespace wg {

struct BpfObject {
    const char *name; ///< "wg_rx"
    Bytes elf;
};

/// In the order in which they are loaded. They live as long as the process.
std::vector<BpfObject> bpf_objects(wg_payload max_payload);

/// Does this kernel take the object's programs and maps? All is let go again, and nothing is
/// pinned. An error ends with the verifier's last words.
Result<> try_load(const BpfObject &object);

} // namespace wg
