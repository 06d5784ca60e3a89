// SPDX-License-Identifier: MIT
//
// 8 blocks of ChaCha20 at once, word by word: register i holds word i of all of them.
#include <immintrin.h>

#include "datapath/slot_filler.h"

// On each function, not on the file: see chacha20_avx512.cpp.
#define AVX2 __attribute__((target("avx2")))
#define AVX2_INLINE AVX2 __attribute__((always_inline)) inline

namespace wg {

namespace {

constexpr std::size_t LANES = 8;

struct Words {
    __m256i word[16];
};

template <int BITS>
AVX2_INLINE __m256i rotate(__m256i word)
{
    return _mm256_or_si256(_mm256_slli_epi32(word, BITS), _mm256_srli_epi32(word, 32 - BITS));
}

/* Rotations by whole bytes are one shuffle. */
AVX2_INLINE __m256i rotate_16(__m256i word)
{
    return _mm256_shuffle_epi8(word, _mm256_set_epi8(13, 12, 15, 14, 9, 8, 11, 10, 5, 4, 7, 6, 1, 0,
                                                     3, 2, 13, 12, 15, 14, 9, 8, 11, 10, 5, 4, 7, 6,
                                                     1, 0, 3, 2));
}

AVX2_INLINE __m256i rotate_8(__m256i word)
{
    return _mm256_shuffle_epi8(word, _mm256_set_epi8(14, 13, 12, 15, 10, 9, 8, 11, 6, 5, 4, 7, 2, 1,
                                                     0, 3, 14, 13, 12, 15, 10, 9, 8, 11, 6, 5, 4, 7,
                                                     2, 1, 0, 3));
}

AVX2_INLINE void quarter_round(__m256i &a, __m256i &b, __m256i &c, __m256i &d)
{
    a = _mm256_add_epi32(a, b);
    d = rotate_16(_mm256_xor_si256(d, a));
    c = _mm256_add_epi32(c, d);
    b = rotate<12>(_mm256_xor_si256(b, c));
    a = _mm256_add_epi32(a, b);
    d = rotate_8(_mm256_xor_si256(d, a));
    c = _mm256_add_epi32(c, d);
    b = rotate<7>(_mm256_xor_si256(b, c));
}

AVX2_INLINE Words chacha20(const Words &state)
{
    Words x = state;
    for (int round = 0; round < 20; round += 2) {
        quarter_round(x.word[0], x.word[4], x.word[8], x.word[12]);
        quarter_round(x.word[1], x.word[5], x.word[9], x.word[13]);
        quarter_round(x.word[2], x.word[6], x.word[10], x.word[14]);
        quarter_round(x.word[3], x.word[7], x.word[11], x.word[15]);
        quarter_round(x.word[0], x.word[5], x.word[10], x.word[15]);
        quarter_round(x.word[1], x.word[6], x.word[11], x.word[12]);
        quarter_round(x.word[2], x.word[7], x.word[8], x.word[13]);
        quarter_round(x.word[3], x.word[4], x.word[9], x.word[14]);
    }
    for (int i = 0; i < 16; i++)
        x.word[i] = _mm256_add_epi32(x.word[i], state.word[i]);
    return x;
}

/* Eight words of eight lanes: register i becomes the half block of lane i. */
AVX2_INLINE void transpose_half(__m256i *words)
{
    __m256i pairs[8], quads[8];
    for (int i = 0; i < 8; i += 2) {
        pairs[i] = _mm256_unpacklo_epi32(words[i], words[i + 1]);
        pairs[i + 1] = _mm256_unpackhi_epi32(words[i], words[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
        quads[i] = _mm256_unpacklo_epi64(pairs[i], pairs[i + 2]);
        quads[i + 1] = _mm256_unpackhi_epi64(pairs[i], pairs[i + 2]);
        quads[i + 2] = _mm256_unpacklo_epi64(pairs[i + 1], pairs[i + 3]);
        quads[i + 3] = _mm256_unpackhi_epi64(pairs[i + 1], pairs[i + 3]);
    }
    for (int i = 0; i < 4; i++) {
        words[i] = _mm256_permute2x128_si256(quads[i], quads[i + 4], 0x20);
        words[i + 4] = _mm256_permute2x128_si256(quads[i], quads[i + 4], 0x31);
    }
}

AVX2_INLINE Words initial_state(const wg_session_key &key, std::uint64_t counter)
{
    std::uint32_t low[LANES], high[LANES];
    for (std::size_t lane = 0; lane < LANES; lane++) {
        low[lane] = static_cast<std::uint32_t>(counter + lane);
        high[lane] = static_cast<std::uint32_t>((counter + lane) >> 32);
    }
    Words state;
    state.word[0] = _mm256_set1_epi32(0x61707865); // "expand 32-byte k"
    state.word[1] = _mm256_set1_epi32(0x3320646e);
    state.word[2] = _mm256_set1_epi32(0x79622d32);
    state.word[3] = _mm256_set1_epi32(0x6b206574);
    for (int i = 0; i < 8; i++)
        state.word[4 + i] = _mm256_set1_epi32(static_cast<int>(key.words[i]));
    state.word[12] = _mm256_setzero_si256();
    state.word[13] = _mm256_setzero_si256();
    state.word[14] = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(low));
    state.word[15] = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(high));
    return state;
}

AVX2_INLINE void store(__m256i *to, const __m256i &half)
{
    _mm256_storeu_si256(to, half);
}

AVX2 void
fill_lanes(const wg_session_key &key, std::uint64_t counter, wg_slot *const *slots, unsigned blocks)
{
    Words state = initial_state(key, counter);
    for (unsigned block = 0; block < blocks; block++) {
        state.word[12] = _mm256_set1_epi32(static_cast<int>(block));
        Words stream = chacha20(state);
        transpose_half(stream.word);
        transpose_half(stream.word + 8);
        for (std::size_t lane = 0; lane < LANES; lane++) {
            if (block == 0) {
                store(reinterpret_cast<__m256i *>(slots[lane]->poly_key), stream.word[lane]);
                continue;
            }
            auto *to = reinterpret_cast<__m256i *>(slots[lane]->keystream + 8 * (block - 1));
            store(to, stream.word[lane]);
            store(to + 1, stream.word[8 + lane]);
        }
    }
}

} // namespace

AVX2 void fill_slots_avx2(const wg_session_key &key,
                          std::uint64_t counter,
                          const SlotLanes &slots,
                          unsigned blocks)
{
    for (std::size_t lane = 0; lane < SLOT_LANES; lane += LANES)
        fill_lanes(key, counter + lane, slots.data() + lane, blocks);
}

} // namespace wg
