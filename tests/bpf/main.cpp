// SPDX-License-Identifier: MIT
//
// Opens the sandbox before the tests. Where the machine has no BPF for us, nothing has been shown:
// exit status 77.
#include <cstdio>

#include <gtest/gtest.h>

#include "bpf/sandbox.h"

int main(int argc, char **argv)
{
    testing::InitGoogleTest(&argc, argv);
    if (testing::GTEST_FLAG(list_tests))
        return RUN_ALL_TESTS();
    const auto opened = wg::test::Sandbox::open();
    if (!opened) {
        const int error = opened.error().code.value();
        const bool impossible = error == EPERM || error == ENOTSUP;
        std::fprintf(stderr, "%s: %s\n", impossible ? "SKIPPED, no test was run" : "FAILED",
                     opened.error().what.c_str());
        wg::test::Sandbox::close();
        return impossible ? 77 : 1;
    }
    const int failed = RUN_ALL_TESTS();
    wg::test::Sandbox::close();
    return failed;
}
