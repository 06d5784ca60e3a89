// SPDX-License-Identifier: MIT
//
// Compares two frames field by field, so that a failed test says "ipv4 ttl: expected 64, found 63"
// and not "bytes differ".
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace wg::test {

struct Field {
    std::string name;
    std::string value;
    Buffer bytes;
};

/// Every byte of the frame belongs to exactly one field. Ciphertext and unknown protocols are one
/// field, "payload".
[[nodiscard]] std::vector<Field> dissect(Bytes frame);
/// One sentence a field that differs; none if the frames are the same.
[[nodiscard]] std::vector<std::string> differences(Bytes actual, Bytes expected);
[[nodiscard]] testing::AssertionResult same_frame(Bytes actual, Bytes expected);

} // namespace wg::test
