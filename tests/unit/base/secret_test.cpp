// SPDX-License-Identifier: MIT
//
// Secrets move, and leave nothing behind; Fd owns.
#include <fcntl.h>
#include <gtest/gtest.h>

#include "base/fd.h"
#include "base/secret.h"

namespace wg::test {
namespace {

static_assert(!std::is_copy_constructible_v<Key> && !std::is_copy_assignable_v<Key>);
static_assert(!std::is_convertible_v<Fd, int> && !std::is_copy_constructible_v<Fd>);

Key some_key()
{
    std::array<std::uint8_t, 32> bytes;
    bytes.fill(0x42);
    return Key(bytes);
}

TEST(Secret, leaves_zeros_where_it_moved_from)
{
    Key from = some_key();
    Key constructed(std::move(from));
    EXPECT_TRUE(from.is_zero()); // NOLINT(bugprone-use-after-move): that is the point
    EXPECT_TRUE(equal_constant_time(constructed, some_key()));

    Key assigned;
    assigned = std::move(constructed);
    EXPECT_TRUE(constructed.is_zero()); // NOLINT(bugprone-use-after-move)
    EXPECT_TRUE(equal_constant_time(assigned, some_key()));
}

TEST(Secret, is_copied_by_name_only)
{
    const Key key = some_key();
    EXPECT_TRUE(equal_constant_time(key.clone(), key));
}

TEST(Secret, differs_when_one_byte_does)
{
    Key key = some_key();
    for (auto &byte : key.mutable_bytes()) {
        byte ^= 1;
        EXPECT_FALSE(equal_constant_time(key, some_key()));
        byte ^= 1;
    }
    EXPECT_FALSE(equal_constant_time(key.bytes().first(31), some_key().bytes()));
}

bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

TEST(Fd, closes_what_it_owns_and_only_that)
{
    int released = -1;
    int owned = -1;
    {
        Fd one(open("/dev/null", O_RDONLY | O_CLOEXEC));
        Fd two(open("/dev/null", O_RDONLY | O_CLOEXEC));
        Fd moved(std::move(one));
        EXPECT_FALSE(one); // NOLINT(bugprone-use-after-move)
        owned = moved.get();
        released = two.release();
    }
    EXPECT_FALSE(is_open(owned));
    EXPECT_TRUE(is_open(released));
    close(released);
}

} // namespace
} // namespace wg::test
