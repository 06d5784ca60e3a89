// SPDX-License-Identifier: MIT
//
// What one daemon writes down of peers for the next.
#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "daemon/peer_file.h"
#include "unit/api/socket_client.h"

namespace wg::test {

class PeerFile : public testing::Test {
  protected:
    TemporaryDirectory directory_;
    const std::string path_ = directory_.path() / "default.peers";
};

TEST_F(PeerFile, is_read_as_it_was_written_and_only_by_its_owner)
{
    PublicKey first{}, second{};
    first[0] = 1;
    second[0] = 2;
    const PeerNotes notes{
        {"wg0", {{first, {"Zoë's \"phone\"", {"a:1", "[::1]:2"}}}, {second, {"", {"b:1"}}}}},
        {"wg1", {{first, {"c", {}}}}}};
    ASSERT_TRUE(save_peer_file(path_, notes));
    EXPECT_EQ(load_peer_file(path_), notes);
    struct stat status{};
    ASSERT_EQ(stat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(PeerFile, is_not_there_when_there_is_nothing_to_remember)
{
    ASSERT_TRUE(save_peer_file(path_, {{"wg0", {{PublicKey{}, {"a", {}}}}}}));
    ASSERT_TRUE(save_peer_file(path_, {}));
    EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
    EXPECT_EQ(load_peer_file(path_), PeerNotes{});
}

TEST_F(PeerFile, of_somebody_else_is_as_good_as_none)
{
    for (const char *text : {"", "{", "[]", "{\"wg0\":7}", "{\"wg0\":{\"x\":{}}}",
                             R"({"wg0":{"tz1BJLS3c/yDXq/YH21o4vJ5sv1XKNegpMF2e9fL60Y=":{}}})"}) {
        std::ofstream(path_) << text;
        EXPECT_TRUE(load_peer_file(path_).empty()) << text;
    }
}

TEST_F(PeerFile, that_cannot_be_written_is_an_error)
{
    EXPECT_FALSE(
        save_peer_file(directory_.path() / "none" / "x", {{"wg0", {{PublicKey{}, {"a", {}}}}}}));
}

} // namespace wg::test
