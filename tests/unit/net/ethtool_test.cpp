// SPDX-License-Identifier: MIT
#include "net/ethtool.h"
#include "unit/net/netns_fixture.h"

namespace wg::test {
namespace {

class EthtoolTest : public NetnsTest {
  protected:
    void SetUp() override
    {
        NetnsTest::SetUp();
        if (IsSkipped())
            return;
        run("ip link add v0 type veth peer name v1");
        ethtool = must(Ethtool::open());
    }
    std::optional<Ethtool> ethtool;
};

TEST_F(EthtoolTest, names_the_driver)
{
    EXPECT_EQ(must(ethtool->driver("v0")).name, "veth");
}

TEST_F(EthtoolTest, switches_gro_on_and_off)
{
    EXPECT_FALSE(must(ethtool->gro("v0"))) << "a veth is made without";
    must(ethtool->set_gro("v0", true));
    EXPECT_TRUE(must(ethtool->gro("v0")));
    EXPECT_FALSE(must(ethtool->gro("v1")));
    must(ethtool->set_gro("v0", false));
    EXPECT_FALSE(must(ethtool->gro("v0")));
}

TEST_F(EthtoolTest, switches_off_what_is_unwanted_and_leaves_the_rest)
{
    auto before = must(ethtool->features("v0"));
    ASSERT_TRUE(before["tx-sctp-segmentation"].active);
    must(ethtool->switch_off("v0",
                             [](std::string_view name) { return name == "tx-sctp-segmentation"; }));
    for (const auto &[name, feature] : must(ethtool->features("v0")))
        EXPECT_EQ(feature.active, before[name].active && name != "tx-sctp-segmentation") << name;
}

TEST_F(EthtoolTest, leaves_nothing_that_would_come_back)
{
    must(ethtool->switch_off("v0", [](std::string_view name) {
        return name.starts_with("tx-checksum-") || name.ends_with("-segmentation");
    }));
    run("ethtool -K v0 tx-checksum-ip-generic on"); // segmentation hung on it
    EXPECT_FALSE(must(ethtool->features("v0"))["tx-tcp-segmentation"].active);
}

TEST_F(EthtoolTest, says_which_interface_there_is_not)
{
    auto nowhere = ethtool->gro("nosuch0");
    ASSERT_FALSE(nowhere);
    EXPECT_EQ(nowhere.error().code.value(), ENODEV);
    EXPECT_NE(nowhere.error().what.find("nosuch0"), std::string::npos) << nowhere.error().what;

    auto too_long = ethtool->gro("a-name-of-16-chr");
    ASSERT_FALSE(too_long);
    EXPECT_EQ(too_long.error().code.value(), ENODEV);
}

} // namespace
} // namespace wg::test
