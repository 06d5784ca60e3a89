// SPDX-License-Identifier: MIT
//
// ChaCha20-Poly1305 of one packet by size: our BPF code, run by the kernel (BPF_PROG_TEST_RUN),
// beside OpenSSL and libsodium. The names are OPERATION/CIPHER/SIZE. Every result is compared with
// libsodium's before it is timed.
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>

#include <benchmark/benchmark.h>
#include <openssl/evp.h>
#include <sodium.h>

#include <bpf/bpf.h>

#include <wgxdp/abi.h>

#include "base/random.h"
#include "cipher.skel.h" // needs abi.h
#include "noise/crypto.h"

namespace wg::bench {
namespace {

constexpr int SIZES[] = {0, 64, 256, 512, 1024, 1420};
constexpr std::uint64_t COUNTER = 7;
constexpr std::uint32_t REPEAT = 500;    // runs a system call
constexpr std::size_t RING_SLOTS = 1024; // as in cipher.bpf.c

enum class Operation { seal, open };

/// One packet in plain and sealed form.
struct Packet {
    explicit Packet(std::size_t size, const Key &key) : plain(size), sealed(size + WG_TAG_SIZE)
    {
        SystemRandom().fill(plain);
        chacha20poly1305_seal(sealed, plain, {}, key, COUNTER);
    }
    Buffer plain, sealed;
};

Key random_key()
{
    Key key;
    SystemRandom().fill(key.mutable_bytes());
    return key;
}

const Key &the_key()
{
    static const Key key = random_key();
    return key;
}

/// The loaded programs, all with the same key and counter.
class Programs {
  public:
    Programs();
    /// Average nanoseconds of `repeat` runs over this packet; `packet` is what they leave.
    std::uint32_t
    run(const bpf_program *program, std::size_t size, Buffer &packet, std::uint32_t repeat);
    cipher *operator->() const { return skeleton_.get(); }

  private:
    void fill_ring();
    std::unique_ptr<cipher, void (*)(cipher *)> skeleton_{cipher__open(), cipher__destroy};
};

Programs::Programs()
{
    if (!skeleton_)
        throw std::runtime_error("the BPF object cannot be opened");
    bpf_map *map = nullptr;
    bpf_object__for_each_map(map, skeleton_->obj)
    {
        const bool ours = map == skeleton_->maps.bench_ring || bpf_map__is_internal(map);
        bpf_map__set_autocreate(map, ours); // the data plane's are declared, too, but not used
    }
    if (const int error = cipher__load(skeleton_.get()); error != 0)
        throw std::system_error(-error, std::generic_category(), "loading BPF programs");
    skeleton_->bss->counter = COUNTER;
    std::memcpy(skeleton_->bss->key.words, the_key().bytes().data(), WG_KEY_SIZE);
    fill_ring();
}

/// Every slot holds the stream of the one counter.
void Programs::fill_ring()
{
    Buffer stream(sizeof(wg_slot));
    std::array<std::uint8_t, crypto_stream_chacha20_ietf_NONCEBYTES> nonce{};
    std::memcpy(nonce.data() + 4, &COUNTER, sizeof(COUNTER));
    crypto_stream_chacha20_ietf(stream.data(), stream.size(), nonce.data(),
                                the_key().bytes().data());
    for (std::uint32_t slot = 0; slot < RING_SLOTS; slot++)
        if (bpf_map_update_elem(bpf_map__fd(skeleton_->maps.bench_ring), &slot, stream.data(),
                                BPF_ANY) != 0)
            throw std::system_error(errno, std::generic_category(), "filling the ring");
}

std::uint32_t
Programs::run(const bpf_program *program, std::size_t size, Buffer &packet, std::uint32_t repeat)
{
    skeleton_->bss->length = static_cast<std::uint32_t>(size);
    bpf_test_run_opts options{};
    options.sz = sizeof(options);
    options.data_in = options.data_out = packet.data();
    options.data_size_in = options.data_size_out = static_cast<std::uint32_t>(packet.size());
    options.repeat = static_cast<int>(repeat);
    if (bpf_prog_test_run_opts(bpf_program__fd(program), &options) != 0)
        throw std::system_error(errno, std::generic_category(), "BPF_PROG_TEST_RUN");
    return options.duration;
}

Programs &programs()
{
    static Programs loaded;
    return loaded;
}

void time_bpf(benchmark::State &state, const bpf_program *program, Operation operation, int size)
{
    const Packet packet(static_cast<std::size_t>(size), the_key());
    Buffer before = packet.plain, after = packet.sealed;
    before.resize(after.size());
    if (operation == Operation::open)
        std::swap(before, after);
    Buffer run_on = before;
    programs().run(program, packet.plain.size(), run_on, 1);
    if (!std::equal(run_on.begin(), run_on.begin() + size, after.begin()) ||
        (operation == Operation::seal && run_on != after))
        return state.SkipWithError("is not what libsodium makes of it");
    while (state.KeepRunningBatch(REPEAT)) {
        const auto each = programs().run(program, packet.plain.size(), run_on, REPEAT);
        state.SetIterationTime(each * 1e-9 * REPEAT);
    }
}

/// OpenSSL with a context that keeps its key, as a sender would have it.
class OpenSsl {
  public:
    explicit OpenSsl(Operation operation) : seals_(operation == Operation::seal)
    {
        std::memcpy(nonce_.data() + 4, &COUNTER, sizeof(COUNTER));
        EVP_CipherInit_ex(context_.get(), EVP_chacha20_poly1305(), nullptr,
                          the_key().bytes().data(), nonce_.data(), seals_);
    }

    bool run(Bytes in, Buffer &out)
    {
        const auto size = static_cast<int>(std::min(in.size(), out.size()));
        const Bytes message = in.first(static_cast<std::size_t>(size));
        int length = 0;
        EVP_CipherInit_ex(context_.get(), nullptr, nullptr, nullptr, nonce_.data(), seals_);
        if (!seals_)
            EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_SET_TAG, WG_TAG_SIZE,
                                const_cast<std::uint8_t *>(in.data()) + size);
        if (size > 0) // a call without bytes would be one for associated data
            EVP_CipherUpdate(context_.get(), out.data(), &length, message.data(), size);
        const bool good = EVP_CipherFinal_ex(context_.get(), out.data() + length, &length) == 1;
        if (seals_)
            EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_GET_TAG, WG_TAG_SIZE,
                                out.data() + size);
        return good;
    }

  private:
    const bool seals_;
    std::array<std::uint8_t, 12> nonce_{};
    std::unique_ptr<EVP_CIPHER_CTX, void (*)(EVP_CIPHER_CTX *)> context_{EVP_CIPHER_CTX_new(),
                                                                         EVP_CIPHER_CTX_free};
};

void time_openssl(benchmark::State &state, Operation operation, int size)
{
    const Packet packet(static_cast<std::size_t>(size), the_key());
    const bool seals = operation == Operation::seal;
    const Buffer &in = seals ? packet.plain : packet.sealed;
    const Buffer &wanted = seals ? packet.sealed : packet.plain;
    Buffer out(wanted.size());
    OpenSsl cipher(operation);
    if (!cipher.run(in, out) || out != wanted)
        return state.SkipWithError("is not what libsodium makes of it");
    for ([[maybe_unused]] auto _ : state)
        benchmark::DoNotOptimize(cipher.run(in, out));
}

void time_libsodium(benchmark::State &state, Operation operation, int size)
{
    Packet packet(static_cast<std::size_t>(size), the_key());
    for ([[maybe_unused]] auto _ : state) {
        if (operation == Operation::seal)
            chacha20poly1305_seal(packet.sealed, packet.plain, {}, the_key(), COUNTER);
        else
            benchmark::DoNotOptimize(
                chacha20poly1305_open(packet.plain, packet.sealed, {}, the_key(), COUNTER));
        benchmark::ClobberMemory();
    }
}

void add_benchmarks()
{
    struct Case {
        Operation operation;
        const char *name;
        const bpf_program *with_inline, *with_ready;
    };
    const auto &progs = programs()->progs;
    for (const Case &it : {Case{Operation::seal, "seal", progs.seal_inline, progs.seal_ready},
                           Case{Operation::open, "open", progs.open_inline, progs.open_ready}})
        for (const int size : SIZES) {
            const auto name = [&](const char *cipher) {
                return std::string(it.name) + '/' + cipher + '/' + std::to_string(size);
            };
            for (const auto &[cipher, program] :
                 {std::pair("bpf-ready", it.with_ready), std::pair("bpf-inline", it.with_inline)})
                benchmark::RegisterBenchmark(name(cipher).c_str(), time_bpf, program, it.operation,
                                             size)
                    ->UseManualTime();
            benchmark::RegisterBenchmark(name("openssl").c_str(), time_openssl, it.operation, size);
            benchmark::RegisterBenchmark(name("libsodium").c_str(), time_libsodium, it.operation,
                                         size);
        }
}

} // namespace
} // namespace wg::bench

int main(int argc, char **argv)
{
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv) || sodium_init() < 0)
        return 1;
    try {
        wg::bench::add_benchmarks();
        benchmark::RunSpecifiedBenchmarks();
    } catch (const std::exception &exception) {
        std::fprintf(stderr, "cipher_bench: %s\n", exception.what());
        return 1;
    }
    return 0;
}
