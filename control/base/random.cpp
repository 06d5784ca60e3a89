// SPDX-License-Identifier: MIT
//
// The system's randomness.
#include "base/random.h"

#include <sodium.h>

namespace wg {

void SystemRandom::fill(MutableBytes bytes)
{
    randombytes_buf(bytes.data(), bytes.size());
}

} // namespace wg
