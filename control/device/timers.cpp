// SPDX-License-Identifier: MIT
#include "device/timers.h"

#include <algorithm>

namespace wg {

namespace {

constexpr std::array ALL_TIMERS = {Timer::retransmit_handshake, Timer::send_keepalive,
                                   Timer::new_handshake, Timer::zero_key_material,
                                   Timer::persistent_keepalive};
static_assert(ALL_TIMERS.size() == TIMER_COUNT);

Instant last_traversal(const PeerActivity &activity)
{
    return std::max(activity.last_sent, activity.last_received);
}

} // namespace

void Timers::handshake_initiated(Instant now)
{
    alarm(Timer::retransmit_handshake) = {.due = now + ns(REKEY_TIMEOUT) + jitter(), .since = now};
}

void Timers::handshake_complete()
{
    disarm(Timer::retransmit_handshake);
    reset_attempts();
}

void Timers::session_derived(Instant created_at)
{
    alarm(Timer::zero_key_material) = {.due = created_at + 3 * ns(REJECT_AFTER_TIME),
                                       .since = created_at};
}

void Timers::data_sent(const PeerActivity &activity, Instant now)
{
    if (is_armed(Timer::new_handshake) || activity.first_unanswered <= activity.last_received)
        return;
    // Once it has expired, only what is sent afterwards counts.
    arm_new_handshake(
        activity.first_unanswered > new_handshake_expired_at_ ? activity.first_unanswered : now);
}

void Timers::data_received(const PeerActivity &activity)
{
    if (is_armed(Timer::send_keepalive) || activity.first_unacknowledged <= activity.last_sent)
        return;
    arm_send_keepalive(activity.first_unacknowledged);
}

void Timers::keep_alive_every(Duration interval, const PeerActivity &activity, Instant now)
{
    persistent_keepalive_interval_ = interval;
    if (interval == Duration::zero()) {
        disarm(Timer::persistent_keepalive);
        return;
    }
    const Instant last = last_traversal(activity);
    alarm(Timer::persistent_keepalive) = {.due = std::max(last + interval, now), .since = last};
}

void Timers::handshake_abandoned(Instant now)
{
    disarm(Timer::send_keepalive);
    if (!is_armed(Timer::zero_key_material))
        session_derived(now);
}

void Timers::stop()
{
    alarms_ = {};
    persistent_keepalive_interval_ = {};
    reset_attempts();
}

Instant Timers::next_deadline() const
{
    return std::min_element(alarms_.begin(), alarms_.end(),
                            [](const Alarm &a, const Alarm &b) { return a.due < b.due; })
        ->due;
}

TimerSet Timers::due_by(Instant now) const
{
    TimerSet set;
    for (Timer timer : ALL_TIMERS)
        if (due(timer) <= now)
            set.add(timer);
    return set;
}

TimerSet Timers::expire(const PeerActivity &activity, Instant now)
{
    TimerSet expired;
    for (Timer timer : ALL_TIMERS)
        if (due(timer) <= now && has_expired(timer, activity, now))
            expired.add(timer);
    return expired;
}

void Timers::rearm_keepalive(Instant last_sent)
{
    need_another_keepalive_ = false;
    arm_send_keepalive(last_sent);
}

void Timers::arm_send_keepalive(Instant since)
{
    alarm(Timer::send_keepalive) = {.due = since + ns(KEEPALIVE_TIMEOUT), .since = since};
}

void Timers::arm_new_handshake(Instant since)
{
    alarm(Timer::new_handshake) = {.due = since + ns(KEEPALIVE_TIMEOUT + REKEY_TIMEOUT) + jitter(),
                                   .since = since};
}

Duration Timers::jitter()
{
    return ns((std::uint64_t{random_->u32()} * REKEY_TIMEOUT_JITTER_MAX) >> 32);
}

bool Timers::has_expired(Timer timer, const PeerActivity &activity, Instant now)
{
    switch (timer) {
    case Timer::send_keepalive:
        return send_keepalive_has_expired(activity);
    case Timer::new_handshake:
        return new_handshake_has_expired(activity, now);
    case Timer::persistent_keepalive:
        return persistent_keepalive_has_expired(activity, now);
    case Timer::retransmit_handshake:
    case Timer::zero_key_material:
        break; // no packet cancels these
    }
    disarm(timer);
    return true;
}

bool Timers::send_keepalive_has_expired(const PeerActivity &activity)
{
    const Instant since = alarm(Timer::send_keepalive).since;

    disarm(Timer::send_keepalive);
    if (activity.last_sent > since) {
        data_received(activity);
        return false;
    }
    need_another_keepalive_ = activity.last_data_received > since;
    return true;
}

bool Timers::new_handshake_has_expired(const PeerActivity &activity, Instant now)
{
    const Instant since = alarm(Timer::new_handshake).since;

    disarm(Timer::new_handshake);
    if (activity.first_unanswered <= activity.last_received)
        return false;
    if (activity.first_unanswered > since) { // answered, and asked again
        arm_new_handshake(activity.first_unanswered);
        return false;
    }
    new_handshake_expired_at_ = now;
    return true;
}

bool Timers::persistent_keepalive_has_expired(const PeerActivity &activity, Instant now)
{
    const Instant last = last_traversal(activity);

    if (last + persistent_keepalive_interval_ > now) {
        keep_alive_every(persistent_keepalive_interval_, activity, now);
        return false;
    }
    // Should the keepalive not be sent for want of a key, the handshake has the word: ask again in
    // one interval.
    alarm(Timer::persistent_keepalive) = {.due = now + persistent_keepalive_interval_,
                                          .since = now};
    return true;
}

} // namespace wg
