// SPDX-License-Identifier: MIT
//
// 16 blocks of ChaCha20 at once, word by word: register i holds word i of all of them.
#include <immintrin.h>

#include "datapath/slot_filler.h"

// No inlined call may carry AVX-512 code elsewhere, and none of the standard library's inline
// functions may be compiled with it here: hence the attribute on each function, not on the file.
#define AVX512 __attribute__((target("avx512f")))
#define AVX512_INLINE AVX512 __attribute__((always_inline)) inline

namespace wg {

namespace {

struct Words {
    __m512i word[16];
};

AVX512_INLINE void quarter_round(__m512i &a, __m512i &b, __m512i &c, __m512i &d)
{
    a = _mm512_add_epi32(a, b);
    d = _mm512_rol_epi32(_mm512_xor_si512(d, a), 16);
    c = _mm512_add_epi32(c, d);
    b = _mm512_rol_epi32(_mm512_xor_si512(b, c), 12);
    a = _mm512_add_epi32(a, b);
    d = _mm512_rol_epi32(_mm512_xor_si512(d, a), 8);
    c = _mm512_add_epi32(c, d);
    b = _mm512_rol_epi32(_mm512_xor_si512(b, c), 7);
}

AVX512_INLINE Words chacha20(const Words &state)
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
        x.word[i] = _mm512_add_epi32(x.word[i], state.word[i]);
    return x;
}

/* Four words of four lanes each become four blocks' quarters. */
AVX512_INLINE void transpose_quarter(const __m512i *from, __m512i *to)
{
    const __m512i low01 = _mm512_unpacklo_epi32(from[0], from[1]);
    const __m512i high01 = _mm512_unpackhi_epi32(from[0], from[1]);
    const __m512i low23 = _mm512_unpacklo_epi32(from[2], from[3]);
    const __m512i high23 = _mm512_unpackhi_epi32(from[2], from[3]);
    to[0] = _mm512_unpacklo_epi64(low01, low23);
    to[1] = _mm512_unpackhi_epi64(low01, low23);
    to[2] = _mm512_unpacklo_epi64(high01, high23);
    to[3] = _mm512_unpackhi_epi64(high01, high23);
}

/* Register i becomes the block of lane i. */
AVX512_INLINE Words transpose(const Words &words)
{
    __m512i quarter[16]; // quarter[4 g + k], 128-bit part L: words 4 g … 4 g + 3 of block 4 L + k
    for (int group = 0; group < 16; group += 4)
        transpose_quarter(words.word + group, quarter + group);
    Words blocks;
    for (int k = 0; k < 4; k++) {
        const __m512i even_low = _mm512_shuffle_i32x4(quarter[k], quarter[4 + k], 0x88);
        const __m512i odd_low = _mm512_shuffle_i32x4(quarter[k], quarter[4 + k], 0xdd);
        const __m512i even_high = _mm512_shuffle_i32x4(quarter[8 + k], quarter[12 + k], 0x88);
        const __m512i odd_high = _mm512_shuffle_i32x4(quarter[8 + k], quarter[12 + k], 0xdd);
        blocks.word[k] = _mm512_shuffle_i32x4(even_low, even_high, 0x88);
        blocks.word[8 + k] = _mm512_shuffle_i32x4(even_low, even_high, 0xdd);
        blocks.word[4 + k] = _mm512_shuffle_i32x4(odd_low, odd_high, 0x88);
        blocks.word[12 + k] = _mm512_shuffle_i32x4(odd_low, odd_high, 0xdd);
    }
    return blocks;
}

AVX512_INLINE Words initial_state(const wg_session_key &key, std::uint64_t counter)
{
    std::uint32_t low[SLOT_LANES], high[SLOT_LANES];
    for (std::size_t lane = 0; lane < SLOT_LANES; lane++) {
        low[lane] = static_cast<std::uint32_t>(counter + lane);
        high[lane] = static_cast<std::uint32_t>((counter + lane) >> 32);
    }
    Words state;
    state.word[0] = _mm512_set1_epi32(0x61707865); // "expand 32-byte k"
    state.word[1] = _mm512_set1_epi32(0x3320646e);
    state.word[2] = _mm512_set1_epi32(0x79622d32);
    state.word[3] = _mm512_set1_epi32(0x6b206574);
    for (int i = 0; i < 8; i++)
        state.word[4 + i] = _mm512_set1_epi32(static_cast<int>(key.words[i]));
    state.word[12] = _mm512_setzero_si512();
    state.word[13] = _mm512_setzero_si512();
    state.word[14] = _mm512_loadu_si512(low);
    state.word[15] = _mm512_loadu_si512(high);
    return state;
}

} // namespace

AVX512 void fill_slots_avx512(const wg_session_key &key,
                              std::uint64_t counter,
                              const SlotLanes &slots,
                              unsigned blocks)
{
    Words state = initial_state(key, counter);
    for (unsigned block = 0; block < blocks; block++) {
        state.word[12] = _mm512_set1_epi32(static_cast<int>(block));
        const Words stream = transpose(chacha20(state));
        for (std::size_t lane = 0; lane < SLOT_LANES; lane++)
            if (block == 0)
                _mm256_storeu_si256(reinterpret_cast<__m256i *>(slots[lane]->poly_key),
                                    _mm512_castsi512_si256(stream.word[lane]));
            else
                _mm512_storeu_si512(slots[lane]->keystream + 8 * (block - 1), stream.word[lane]);
    }
}

} // namespace wg
