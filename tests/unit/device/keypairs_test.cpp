// SPDX-License-Identifier: MIT
//
// The slot moves of the whitepaper's section 6.3 as a table: slots before, event, slots after, what
// fell out.
#include <gtest/gtest.h>

#include "device/keypairs.h"

namespace wg::test {

namespace {

struct Slots {
    KeypairId current, previous, next;
    bool operator==(const Slots &) const = default;
};

struct Case {
    const char *what;
    Slots before;
    enum { INITIATOR, RESPONDER, CONFIRM, CLEAR } event;
    Slots after;
    std::vector<KeypairId> fallen;
};

// 9 is the new one; 1 current, 2 previous, 3 next.
const Case CASES[] = {
    {"first session of an initiator", {0, 0, 0}, Case::INITIATOR, {9, 0, 0}, {}},
    {"initiator: current becomes previous", {1, 0, 0}, Case::INITIATOR, {9, 1, 0}, {}},
    {"initiator: the old previous goes", {1, 2, 0}, Case::INITIATOR, {9, 1, 0}, {2}},
    {"initiator: next becomes previous, current goes", {1, 0, 3}, Case::INITIATOR, {9, 3, 0}, {1}},
    {"initiator: all three full", {1, 2, 3}, Case::INITIATOR, {9, 3, 0}, {2, 1}},
    {"initiator: only next", {0, 0, 3}, Case::INITIATOR, {9, 3, 0}, {}},
    {"first session of a responder", {0, 0, 0}, Case::RESPONDER, {0, 0, 9}, {}},
    {"responder: current stays, previous goes", {1, 2, 0}, Case::RESPONDER, {1, 0, 9}, {2}},
    {"responder: an unconfirmed next goes", {1, 0, 3}, Case::RESPONDER, {1, 0, 9}, {3}},
    {"responder: all three full", {1, 2, 3}, Case::RESPONDER, {1, 0, 9}, {2, 3}},
    {"confirmed: first session", {0, 0, 3}, Case::CONFIRM, {3, 0, 0}, {}},
    {"confirmed: current becomes previous", {1, 0, 3}, Case::CONFIRM, {3, 1, 0}, {}},
    {"confirmed: the old previous goes", {1, 2, 3}, Case::CONFIRM, {3, 1, 0}, {2}},
    {"cleared: everything goes, next first", {1, 2, 3}, Case::CLEAR, {0, 0, 0}, {3, 2, 1}},
};

std::optional<Keypair> keypair(KeypairId id)
{
    if (id == 0)
        return std::nullopt;
    return Keypair{.id = id};
}

FallenKeypairs run(Keypairs &keypairs, const Case &each)
{
    switch (each.event) {
    case Case::INITIATOR:
        return keypairs.add({.id = 9, .initiator = true});
    case Case::RESPONDER:
        return keypairs.add({.id = 9, .initiator = false});
    case Case::CONFIRM:
        return keypairs.confirm_next();
    case Case::CLEAR:
        break;
    }
    return keypairs.clear();
}

} // namespace

TEST(Keypairs, move_through_the_slots_as_in_the_driver)
{
    for (const Case &each : CASES) {
        SCOPED_TRACE(each.what);
        Keypairs keypairs;
        keypairs.restore(keypair(each.before.current), keypair(each.before.previous),
                         keypair(each.before.next));

        std::vector<KeypairId> fallen;
        for (const Keypair &out : run(keypairs, each))
            fallen.push_back(out.id);
        PeerState state;
        keypairs.write_to(state);
        EXPECT_EQ((Slots{state.current, state.previous, state.next}), each.after);
        EXPECT_EQ(fallen, each.fallen);
    }
}

TEST(Keypairs, stay_invalid_for_sending_when_they_become_current)
{
    Keypairs keypairs;
    keypairs.restore(keypair(1), std::nullopt, keypair(3));
    keypairs.invalidate_sending();

    PeerState state;
    keypairs.write_to(state);
    EXPECT_FALSE(state.sending_valid);
    (void)keypairs.confirm_next();
    keypairs.write_to(state);
    EXPECT_FALSE(state.sending_valid);
    (void)keypairs.add({.id = 9, .initiator = true});
    keypairs.write_to(state);
    EXPECT_TRUE(state.sending_valid);
}

TEST(Keypairs, expire_at_180_s_sharp)
{
    const Keypair keypair{.id = 1, .created_at = instant_from_ns(5)};
    EXPECT_FALSE(keypair.has_expired(instant_from_ns(5 + REJECT_AFTER_TIME - 1)));
    EXPECT_TRUE(keypair.has_expired(instant_from_ns(5 + REJECT_AFTER_TIME)));
}

} // namespace wg::test
