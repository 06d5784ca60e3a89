// SPDX-License-Identifier: MIT
#include <array>

#include <fcntl.h>

#include "net/read_watch.h"
#include "unit/net/netns_fixture.h"

namespace wg::test {
namespace {

class ReadWatchTest : public NetnsTest {
  protected:
    void SetUp() override
    {
        NetnsTest::SetUp();
        std::array<int, 2> ends{};
        ASSERT_EQ(pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC), 0);
        reader = Fd(ends[0]);
        writer = Fd(ends[1]);
    }
    void write_bytes(std::string_view bytes)
    {
        ASSERT_EQ(write(writer.get(), bytes.data(), bytes.size()),
                  static_cast<ssize_t>(bytes.size()));
    }

    Fd reader;
    Fd writer;
};

TEST_F(ReadWatchTest, calls_again_while_something_is_left)
{
    std::string seen;
    int fd = reader.get();
    auto watch = must(ReadWatch::start(io, std::move(reader), [&] {
        char one = 0;
        if (read(fd, &one, 1) == 1)
            seen += one;
    }));
    write_bytes("abc");
    EXPECT_TRUE(wait_for([&] { return seen == "abc"; })) << seen;
    write_bytes("d");
    EXPECT_TRUE(wait_for([&] { return seen == "abcd"; })) << seen;
}

TEST_F(ReadWatchTest, may_be_destroyed_by_its_own_call)
{
    std::optional<ReadWatch> watch;
    int calls = 0;
    watch = must(ReadWatch::start(io, std::move(reader), [&] {
        ++calls; // reads nothing: it would be called for ever
        watch.reset();
    }));
    write_bytes("a");
    ASSERT_TRUE(wait_for([&] { return calls > 0; }));
    io.restart();
    io.poll();
    EXPECT_EQ(calls, 1);
}

TEST_F(ReadWatchTest, is_silent_when_destroyed_while_its_call_is_queued)
{
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC), 0);
    Fd other_writer(ends[1]);
    std::array<std::optional<ReadWatch>, 2> watches;
    int calls = 0;
    auto destroy_both = [&] {
        ++calls;
        for (auto &watch : watches)
            watch.reset();
    };
    watches[0] = must(ReadWatch::start(io, std::move(reader), destroy_both));
    watches[1] = must(ReadWatch::start(io, Fd(ends[0]), destroy_both));
    write_bytes("a");
    ASSERT_EQ(write(other_writer.get(), "a", 1), 1); // both complete in one turn of the reactor
    io.run();
    EXPECT_EQ(calls, 1);
}

TEST_F(ReadWatchTest, refuses_what_cannot_be_watched)
{
    auto watch = ReadWatch::start(io, Fd(), [] {});
    ASSERT_FALSE(watch);
    EXPECT_EQ(watch.error().code.value(), EBADF);
}

} // namespace
} // namespace wg::test
