// SPDX-License-Identifier: MIT
//
// Keystream made ahead for the keypairs that are busy: gives them rings from a limited pool, when a
// program asks, and takes them back.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "datapath/bpf_map.h"
#include "datapath/bpf_programs.h"
#include "datapath/keystream_producer.h"
#include "datapath/keystream_ring.h"
#include "datapath/shared_array.h"

struct ring_buffer;

namespace wg {

class Keystream {
  public:
    /// Takes over from an earlier daemon: its rings are unlinked and erased. `enabled`: false makes
    /// none.
    static Result<std::unique_ptr<Keystream>> start(const BpfPrograms &programs, bool enabled);
    /// Leaves the rings to the programs, who use them up.
    ~Keystream();
    /// Wipes and erases all rings, and makes none until resume(): for other programs, maybe.
    void pause();
    void resume(const BpfPrograms &programs);

    /// The keypair is unlinked: it gets no ring any more, and those it has are unlinked at once and
    /// zeroed after a grace period.
    void retire(std::uint64_t keypair);

    const char *producer() const { return filler_.name; } ///< "none", "avx512", "avx2", "portable"
    std::size_t rings() const;
    /// Packets since the maps were made.
    std::array<std::uint64_t, WG_CIPHER_COUNTS> counts() const;

  private:
    struct Entry {
        std::unique_ptr<KeystreamRing> ring;
        KeystreamProducer *producer = nullptr;
        std::uint64_t seen = 0; ///< next, when last looked
        int idle = 0;           ///< looks without a change
    };
    struct FreeBell {
        void operator()(ring_buffer *bell) const;
    };

    explicit Keystream(const SlotFiller &filler) : filler_(filler) {}
    Result<> open(const BpfPrograms &programs);
    void start_threads();
    void stop_threads();
    void run();
    void wait();
    void answer_bell();
    static int on_wanted(void *self, void *data, std::size_t size);
    bool wake(const wg_keystream_wanted &request);
    Result<> make_ring(const wg_keystream_wanted &request);
    std::optional<std::uint32_t> free_number() const;
    bool is_linked(std::uint64_t keypair) const;
    void unlink(const Entry &entry);
    __u32 &link(std::uint32_t peer, wg_direction direction) const;
    void unlink_idle();
    void erase_retired();
    void erase_adopted();

    SlotFiller filler_;
    wg_payload max_payload_ = WG_STANDARD_PAYLOAD;
    int ring_slots_ = -1;
    int cipher_counts_ = -1;
    BpfMap<std::uint64_t, wg_keypair> keypairs_;
    BpfMap<std::uint64_t, wg_keypair_secrets> keypair_secrets_;
    BpfMap<std::uint32_t, std::uint64_t> indices_;
    SharedArray<wg_ring> headers_;           ///< rings
    SharedArray<wg_peer_activity> activity_; ///< peer_activity
    std::unique_ptr<ring_buffer, FreeBell> bell_;
    Fd wake_; ///< eventfd: something was retired, or the end
    std::vector<std::unique_ptr<KeystreamProducer>> producers_;
    std::deque<wg_keystream_wanted> wanted_; ///< heard, and not answered
    Instant next_look_;                      ///< for idle rings

    mutable std::mutex mutex_; ///< what follows
    std::map<std::uint32_t, Entry> rings_;
    std::map<std::uint32_t, Entry> retired_; ///< unlinked, waiting for a grace period
    bool stopping_ = false;
    std::thread thread_;
};

} // namespace wg
