// SPDX-License-Identifier: MIT
//
// A peer that may be in several places: where one does not answer, the next is tried. Who it is
// that looks names up is the owner's business.
#include <algorithm>

#include "device/state.h"

namespace wg {

namespace {

/// Initiations to one place, REKEY_TIMEOUT apart: 15 s. All of MAX_TIMER_HANDSHAKES reach six.
constexpr std::uint32_t ATTEMPTS_A_PLACE = 3;

auto find_place(const std::vector<Endpoint> &candidates, const std::optional<Endpoint> &place)
{
    return std::ranges::find_if(candidates, [&](const Endpoint &candidate) {
        return place && place->same_place(candidate);
    });
}

/// Each once, or the one behind it would never have its turn: names may mean the same address.
void add_candidate(std::vector<Endpoint> &candidates, const Endpoint &place)
{
    if (find_place(candidates, place) == candidates.end())
        candidates.push_back(place);
}

} // namespace

void Device::State::set_places(Peer &peer, std::vector<std::string> places)
{
    peer.places = std::move(places);
    peer.candidates.clear();
    for (const std::string &place : peer.places)
        if (const auto address = Endpoint::parse(place))
            add_candidate(peer.candidates, *address);
    peer.unanswered = 0;
    peer.is_looked_up = false;
}

void Device::State::look_up(Peer &peer)
{
    const bool only_addresses = std::ranges::all_of(
        peer.places, [](const std::string &place) { return Endpoint::parse(place).has_value(); });
    if (!only_addresses && device.look_up && !std::exchange(peer.is_looked_up, true))
        device.look_up(peer.state.public_key, peer.places);
}

/// Each time that another one is to be sent: packets that want a session may come before the timer.
void Device::State::initiation_unanswered(Peer &peer, Now now)
{
    auto event = event_of(peer, PeerEventKind::handshake_failed, "no_answer");
    event.attempts = peer.unanswered;
    report(event);
    if (peer.places.empty() || peer.unanswered % ATTEMPTS_A_PLACE != 0)
        return;
    look_up(peer); // names may mean other addresses than the last time
    if (peer.candidates.empty())
        return;
    auto next = find_place(peer.candidates, peer.state.endpoint);
    if (next == peer.candidates.end() || ++next == peer.candidates.end())
        next = peer.candidates.begin();
    move_endpoint(peer, *next, now.instant, "fail_over");
    if (peer.endpoint_moved)
        publish(peer);
}

/// Where the peer answers it is left, also when that is none of its places.
void Device::State::found(Peer &peer, std::vector<Endpoint> candidates, Now now)
{
    peer.is_looked_up = false;
    if (candidates.empty()) // what was found before may still be right
        return;
    peer.candidates.clear();
    for (const Endpoint &candidate : candidates)
        add_candidate(peer.candidates, candidate);
    const bool is_one = find_place(peer.candidates, peer.state.endpoint) != peer.candidates.end();
    if (peer.state.endpoint && (is_one || peer.unanswered < ATTEMPTS_A_PLACE))
        return;
    move_endpoint(peer, peer.candidates.front(), now.instant, "fail_over");
    publish(peer);
    settle(peer, now);
}

} // namespace wg
