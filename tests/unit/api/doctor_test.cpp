// SPDX-License-Identifier: MIT
//
// How `wgxdp doctor` says what it found. (What it finds: netns/test_doctor.py)
#include <gtest/gtest.h>

#include "tools/doctor.h"

namespace wg {
namespace {

using State = Finding::State;

const Findings SOME{{State::ok, "kernel", "6.1", ""},
                    {State::note, "bpffs", "not mounted", "mount it"},
                    {State::problem, "jit", "off", "switch it on"}};

TEST(Doctor, says_each_finding_in_a_line_and_what_helps_below)
{
    EXPECT_EQ(findings_text(SOME, false), "ok      kernel: 6.1\n"
                                          "note    bpffs: not mounted\n"
                                          "        mount it\n"
                                          "problem jit: off\n"
                                          "        switch it on\n");
    EXPECT_NE(findings_text(SOME, true).find("\x1b["), std::string::npos);
}

TEST(Doctor, counts_problems_only)
{
    EXPECT_EQ(count_problems(SOME), 1u);
    auto json = to_json(SOME);
    EXPECT_EQ(json.at("problems"), 1);
    EXPECT_EQ(json.at("findings").at(1), (Json{{"state", "note"},
                                               {"topic", "bpffs"},
                                               {"what", "not mounted"},
                                               {"advice", "mount it"}}));
}

TEST(Doctor, notices_a_daemon_of_another_version)
{
    DaemonView view{.status = {{"version", "0.0.9"}, {"pid", 42}}};
    Findings findings;
    examine_daemon(findings, "default", view, "");
    EXPECT_EQ(findings.at(0).state, State::note);
    EXPECT_EQ(findings.at(0).what, "it is of version 0.0.9, this is " WGXDP_VERSION);
    view.status["version"] = WGXDP_VERSION;
    examine_daemon(findings, "default", view, "");
    EXPECT_EQ(findings.at(1).state, State::ok);
    examine_daemon(findings, "no-such-instance", std::nullopt, "no daemon runs");
    EXPECT_EQ(findings.at(2).state, State::note);
    EXPECT_EQ(findings.at(2).what, "no daemon runs");
}

} // namespace
} // namespace wg
