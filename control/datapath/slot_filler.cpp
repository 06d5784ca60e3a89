// SPDX-License-Identifier: MIT
#include "datapath/slot_filler.h"

#include <cstring>

#include <sodium.h>

namespace wg {

namespace {

void fill_slots_portable(const wg_session_key &key,
                         std::uint64_t counter,
                         const SlotLanes &slots,
                         unsigned blocks)
{
    const auto *key_bytes = reinterpret_cast<const unsigned char *>(key.words);
    // by a copy: libsodium writes zeros first, and nothing but keystream may ever stand in a slot
    unsigned char stream[sizeof(wg_slot)];
    for (wg_slot *slot : slots) {
        unsigned char nonce[crypto_stream_chacha20_IETF_NONCEBYTES] = {};
        std::memcpy(nonce + 4, &counter, sizeof(counter));
        crypto_stream_chacha20_ietf(stream, blocks * 64UL, nonce, key_bytes);
        std::memcpy(slot->poly_key, stream, sizeof(slot->poly_key));
        std::memcpy(slot->keystream, stream + 64, (blocks - 1) * 64UL);
        counter++;
    }
    sodium_memzero(stream, sizeof(stream));
}

} // namespace

std::vector<SlotFiller> slot_fillers()
{
    std::vector<SlotFiller> usable;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f"))
        usable.push_back({"avx512", fill_slots_avx512});
    if (__builtin_cpu_supports("avx2"))
        usable.push_back({"avx2", fill_slots_avx2});
#endif
    usable.push_back({"portable", fill_slots_portable});
    return usable;
}

} // namespace wg
