// SPDX-License-Identifier: MIT
//
// The five timers of a peer:
//  - retransmit_handshake: no answer for REKEY_TIMEOUT + jitter after an initiation: send another.
//  - send_keepalive: data received and nothing sent for KEEPALIVE_TIMEOUT: send an empty packet.
//  - new_handshake: data sent and nothing received for KEEPALIVE_TIMEOUT + REKEY_TIMEOUT + jitter:
//  begin a handshake.
//  - zero_key_material: no new session for 3 * REJECT_AFTER_TIME: wipe all keys.
//  - persistent_keepalive: no packet either way for the interval people set: send an empty packet.
//
// Where the driver touches a timer for every packet, the data plane writes times (PeerActivity),
// and a timer that is due looks at them first: what was answered meanwhile is armed anew or turned
// off. So packets cost no timer, and a peer at rest has none.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>

#include "base/random.h"
#include "datapath/datapath.h"

namespace wg {

enum class Timer : std::uint8_t {
    retransmit_handshake,
    send_keepalive,
    new_handshake,
    zero_key_material,
    persistent_keepalive,
};
inline constexpr std::size_t TIMER_COUNT = 5;

/// A set of timers, by Timer.
class TimerSet {
  public:
    void add(Timer timer) { bits_.set(static_cast<std::size_t>(timer)); }
    bool has(Timer timer) const { return bits_.test(static_cast<std::size_t>(timer)); }
    bool empty() const { return bits_.none(); }

  private:
    std::bitset<TIMER_COUNT> bits_;
};

class Timers {
  public:
    explicit Timers(Random &random) : random_(&random) {}

    // --- events, named as in the driver ---

    void handshake_initiated(Instant now);
    void handshake_complete();
    void session_derived(Instant created_at);
    /// The bell of the first data sent: arms new_handshake unless the answer is here already.
    void data_sent(const PeerActivity &activity, Instant now);
    /// The bell of the first data received: arms send_keepalive unless we have sent since.
    void data_received(const PeerActivity &activity);

    // --- settings and ends ---

    /// Zero: off. Counts from the last packet, so it may be due at once.
    void keep_alive_every(Duration interval, const PeerActivity &activity, Instant now);
    Duration persistent_keepalive_interval() const { return persistent_keepalive_interval_; }
    /// After the last retry: no passive keepalive, and whatever is left of the exchange is wiped in
    /// time.
    void handshake_abandoned(Instant now);
    void keys_wiped() { disarm(Timer::zero_key_material); }
    void stop();

    // --- retries ---

    void reset_attempts() { handshake_attempts_ = 0; }
    void count_attempt() { ++handshake_attempts_; }
    bool attempts_exhausted() const { return handshake_attempts_ > MAX_TIMER_HANDSHAKES; }

    // --- time ---

    bool is_armed(Timer timer) const { return due(timer) != NEVER; }
    Instant due(Timer timer) const { return alarms_[static_cast<std::size_t>(timer)].due; }
    Instant next_deadline() const;
    TimerSet due_by(Instant now) const;
    /// Turns off and returns those that have really expired; arms the others that were due anew, or
    /// turns them off.
    TimerSet expire(const PeerActivity &activity, Instant now);
    /// After the passive keepalive was sent: data had come in again while it was pending, so one
    /// more.
    bool needs_another_keepalive() const { return need_another_keepalive_; }
    void rearm_keepalive(Instant last_sent);

  private:
    struct Alarm {
        Instant due = NEVER;
        Instant since{}; ///< the event that armed it
    };

    Alarm &alarm(Timer timer) { return alarms_[static_cast<std::size_t>(timer)]; }
    void disarm(Timer timer) { alarm(timer) = Alarm{}; }
    void arm_send_keepalive(Instant since);
    void arm_new_handshake(Instant since);
    Duration jitter();

    bool has_expired(Timer timer, const PeerActivity &activity, Instant now);
    bool send_keepalive_has_expired(const PeerActivity &activity);
    bool new_handshake_has_expired(const PeerActivity &activity, Instant now);
    bool persistent_keepalive_has_expired(const PeerActivity &activity, Instant now);

    Random *random_;
    std::array<Alarm, TIMER_COUNT> alarms_{};
    Duration persistent_keepalive_interval_{};
    Instant new_handshake_expired_at_{};
    std::uint32_t handshake_attempts_ = 0;
    bool need_another_keepalive_ = false;
};

} // namespace wg
