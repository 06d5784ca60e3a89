// SPDX-License-Identifier: MIT
#include "datapath/keystream.h"

#include <algorithm>
#include <atomic>
#include <numeric>

#include <poll.h>
#include <sys/eventfd.h>

#include <bpf/libbpf.h>

#include "base/log.h"
#include "datapath/grace_period.h"

namespace wg {

namespace {

constexpr std::size_t POOL_BYTES = 64UL << 20;
constexpr auto LOOK = std::chrono::seconds(1); // while there are rings
constexpr int IDLE_LOOKS = 5;
constexpr std::uint64_t IDLE_PACKETS = 32; // so few between two looks

} // namespace

void Keystream::FreeBell::operator()(ring_buffer *bell) const
{
    ring_buffer__free(bell);
}

Result<std::unique_ptr<Keystream>> Keystream::start(const BpfPrograms &programs, bool enabled)
{
    const SlotFiller filler = enabled ? slot_fillers().front() : SlotFiller{"none", nullptr};
    std::unique_ptr<Keystream> keystream(new Keystream(filler));
    WG_TRY(keystream->open(programs));
    keystream->resume(programs);
    return keystream;
}

void Keystream::resume(const BpfPrograms &programs)
{
    max_payload_ = programs.max_payload();
    ring_slots_ = programs.map("ring_slots");
    if (filler_.fill != nullptr)
        start_threads();
    else
        erase_adopted();
}

void Keystream::pause()
{
    stop_threads();
    rings_.clear();
    erase_adopted();
}

Result<> Keystream::open(const BpfPrograms &programs)
{
    const auto attach = [&]<typename Map>(Map &map, const char *name) -> Result<> {
        map = WG_TRY(Map::of(programs.map(name), name));
        return {};
    };
    WG_TRY(attach(keypairs_, "keypairs"));
    WG_TRY(attach(keypair_secrets_, "keypair_secrets"));
    WG_TRY(attach(indices_, "indices"));
    cipher_counts_ = programs.map("cipher_counts");
    headers_ = WG_TRY(SharedArray<wg_ring>::of(programs.map("rings"), WG_MAX_RINGS, "rings"));
    activity_ = WG_TRY(SharedArray<wg_peer_activity>::of(programs.map("peer_activity"),
                                                         WG_MAX_PEERS, "peer_activity"));
    bell_.reset(ring_buffer__new(programs.map("keystream_bell"), on_wanted, this, nullptr));
    if (!bell_)
        return system_failure(errno, "map keystream_bell");
    wake_ = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!wake_)
        return system_failure(errno, "eventfd");
    return {};
}

/* A quarter of the CPUs can make what the others use. */
void Keystream::start_threads()
{
    for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency() / 4); i++)
        producers_.push_back(std::make_unique<KeystreamProducer>(filler_));
    thread_ = std::thread([this] { run(); });
}

Keystream::~Keystream()
{
    stop_threads();
}

void Keystream::stop_threads()
{
    if (thread_.joinable()) {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        ::eventfd_write(wake_.get(), 1);
        thread_.join();
        stopping_ = false;
        erase_retired();
    }
    producers_.clear();
}

void Keystream::run()
{
    erase_adopted();
    for (;;) {
        wait();
        answer_bell();
        if (now().instant >= next_look_)
            unlink_idle();
        erase_retired();
        const std::lock_guard lock(mutex_);
        if (stopping_)
            return;
    }
}

/* For the bell, for something retired, or (while there are rings) for the next look at who is idle.
 */
void Keystream::wait()
{
    int timeout = -1;
    if (rings() > 0) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_look_ - now().instant);
        timeout = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 1000));
    }
    pollfd ready[] = {{ring_buffer__epoll_fd(bell_.get()), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
    ::poll(ready, 2, timeout);
    eventfd_t ignored = 0;
    (void)::eventfd_read(wake_.get(), &ignored);
}

/* Who sleeps is woken first: making a ring takes a while. */
void Keystream::answer_bell()
{
    do {
        ring_buffer__consume(bell_.get());
        std::erase_if(wanted_, [this](const auto &request) { return wake(request); });
        if (wanted_.empty())
            return;
        const wg_keystream_wanted request = wanted_.front();
        wanted_.pop_front();
        if (const auto made = make_ring(request); !made)
            log::debug("peer {}: {}", request.peer, made.error().what);
    } while (!wanted_.empty());
}

int Keystream::on_wanted(void *self, void *data, std::size_t size)
{
    if (size == sizeof(wg_keystream_wanted))
        static_cast<Keystream *>(self)->wanted_.push_back(
            load<wg_keystream_wanted>({static_cast<const std::uint8_t *>(data), size}));
    return 0;
}

/* Whether there is a ring; then its producer is awake from here on. */
bool Keystream::wake(const wg_keystream_wanted &request)
{
    KeystreamProducer *producer = nullptr;
    {
        const std::lock_guard lock(mutex_);
        for (const auto &[number, entry] : rings_)
            if (const auto &owner = entry.ring->owner();
                owner.keypair == request.keypair && owner.direction == request.direction) {
                producer = entry.producer;
                __u32 none = 0; // its place may have been another keypair's meanwhile
                std::atomic_ref(link(owner.peer, owner.direction))
                    .compare_exchange_strong(none, number);
            }
    }
    if (producer != nullptr)
        producer->wake();
    return producer != nullptr;
}

/* The kernel takes its time to put a map into another, so the lock is taken only for the link. */
Result<> Keystream::make_ring(const wg_keystream_wanted &request)
{
    const auto number = free_number();
    if (!number)
        return failure(ENOSPC, "all rings of keystream are in use");
    const auto keypair = keypairs_.find(request.keypair, BPF_F_LOCK);
    auto secrets = keypair_secrets_.find(request.keypair);
    if (!keypair || !secrets)
        return failure(ENOENT, "the session has ended");
    const bool sends = request.direction == WG_SEND;
    auto made = KeystreamRing::create(ring_slots_, headers_[*number], *number,
                                      {request.keypair, request.peer, request.direction},
                                      max_payload_, sends ? secrets->send : secrets->receive,
                                      sends ? keypair->tx_counter : keypair->replay_next);
    sodium_memzero(&*secrets, sizeof(*secrets));
    auto ring = WG_TRY(std::move(made));
    KeystreamProducer &producer =
        **std::ranges::min_element(producers_, {}, [](const auto &each) { return each->rings(); });
    KeystreamRing &added = *ring;
    {
        const std::lock_guard lock(mutex_);
        if (!is_linked(request.keypair)) { // retired meanwhile
            ring->erase();
            return {};
        }
        if (rings_.empty())
            next_look_ = now().instant + LOOK;
        std::atomic_ref(link(request.peer, request.direction)).store(*number);
        rings_.emplace(*number, Entry{.ring = std::move(ring), .producer = &producer});
    }
    producer.add(added); // whatever retires it waits for us to take it away again
    return {};
}

std::optional<std::uint32_t> Keystream::free_number() const
{
    const std::size_t ring_bytes = std::size_t{slot_size(max_payload_)} * WG_RING_SLOTS;
    const std::size_t rings = std::min(POOL_BYTES / ring_bytes, WG_MAX_RINGS - 1UL);
    const std::lock_guard lock(mutex_);
    for (std::uint32_t number = 1; number <= rings; number++)
        if (!rings_.contains(number) && !retired_.contains(number))
            return number;
    return {};
}

/* Retiring takes the index first, and the lock then. */
bool Keystream::is_linked(std::uint64_t keypair) const
{
    const auto element = keypairs_.find(keypair, BPF_F_LOCK);
    return element && indices_.find(element->local_index) == keypair;
}

__u32 &Keystream::link(std::uint32_t peer, wg_direction direction) const
{
    return direction == WG_SEND ? activity_[peer].send_ring : activity_[peer].receive_ring;
}

/* A newer keypair's ring may have taken its place. */
void Keystream::unlink(const Entry &entry)
{
    const auto &owner = entry.ring->owner();
    __u32 number = entry.ring->number();
    std::atomic_ref(link(owner.peer, owner.direction)).compare_exchange_strong(number, 0);
}

void Keystream::retire(std::uint64_t keypair)
{
    const std::lock_guard lock(mutex_);
    bool any = false;
    for (auto at = rings_.begin(); at != rings_.end();) {
        auto here = at++;
        if (here->second.ring->owner().keypair != keypair)
            continue;
        unlink(here->second);
        retired_.insert(rings_.extract(here));
        any = true;
    }
    if (any)
        ::eventfd_write(wake_.get(), 1);
}

void Keystream::unlink_idle()
{
    next_look_ = now().instant + LOOK;
    const std::lock_guard lock(mutex_);
    for (auto at = rings_.begin(); at != rings_.end();) {
        auto here = at++;
        Entry &entry = here->second;
        const std::uint64_t next = entry.ring->next();
        const bool idle = next - std::exchange(entry.seen, next) < IDLE_PACKETS;
        entry.idle = idle ? entry.idle + 1 : 0;
        if (entry.idle < IDLE_LOOKS)
            continue;
        unlink(entry);
        retired_.insert(rings_.extract(here));
    }
}

/* In this order: no producer writes it, no program reads it, it is zeroed, and only then may
 * another ring have its number. */
void Keystream::erase_retired()
{
    std::map<std::uint32_t, Entry> unused;
    {
        const std::lock_guard lock(mutex_);
        if (retired_.empty())
            return;
        for (auto &[number, entry] : retired_)
            unused.emplace(number,
                           Entry{.ring = std::move(entry.ring), .producer = entry.producer});
    }
    for (auto &[number, entry] : unused)
        entry.producer->remove(*entry.ring);
    wait_for_grace_period();
    for (auto &[number, entry] : unused)
        entry.ring->erase();
    const std::lock_guard lock(mutex_);
    for (const auto &[number, entry] : unused)
        retired_.erase(number);
}

/* The programs may be using an earlier daemon's rings this moment. */
void Keystream::erase_adopted()
{
    bool any = false;
    for (std::uint32_t number = 1; number < headers_.size(); number++) {
        if (headers_[number].keypair == 0)
            continue;
        __u32 linked = number;
        std::atomic_ref(link(headers_[number].peer, headers_[number].direction))
            .compare_exchange_strong(linked, 0);
        any = true;
    }
    if (!any)
        return;
    wait_for_grace_period();
    for (std::uint32_t number = 1; number < headers_.size(); number++)
        if (headers_[number].keypair != 0)
            erase_ring(ring_slots_, headers_[number], number);
}

std::size_t Keystream::rings() const
{
    const std::lock_guard lock(mutex_);
    return rings_.size();
}

std::array<std::uint64_t, WG_CIPHER_COUNTS> Keystream::counts() const
{
    std::array<std::uint64_t, WG_CIPHER_COUNTS> totals{};
    std::vector<std::uint64_t> by_cpu(static_cast<std::size_t>(libbpf_num_possible_cpus()));
    for (std::uint32_t count = 0; count < WG_CIPHER_COUNTS; count++)
        if (bpf_map_lookup_elem(cipher_counts_, &count, by_cpu.data()) == 0)
            totals[count] = std::accumulate(by_cpu.begin(), by_cpu.end(), std::uint64_t{0});
    return totals;
}

} // namespace wg
