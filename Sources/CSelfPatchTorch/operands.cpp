#include "operands.hpp"
#include "parallel.hpp"
#include "vectormath.hpp"

#include <ATen/Context.h>

#include <exception>

namespace selfpatch {

namespace {

/// The 16 bits of the nearest bf16, the even one of two; what is no number stays none.
inline __attribute__((always_inline)) uint32_t rounded(float x) {
    uint32_t bits = __builtin_bit_cast(uint32_t, x);
    uint32_t nearest = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
    return x != x ? 0x7FC0 : nearest;
}

/// Half a word.
typedef uint16_t Half __attribute__((may_alias));

/// Two bf16 as a word; the first is the one of the lower address.
inline __attribute__((always_inline)) float word(uint32_t first, uint32_t second) {
    return __builtin_bit_cast(float, first | second << 16);
}

} // namespace

bool multipliesBFloat16() {
#if defined(__x86_64__)
    static const bool multiplies = [] {
        if (!__builtin_cpu_supports("avx512bf16") || !at::hasMKLDNN()) return false;
        try {
            // oneDNN refuses where a user keeps it to other instructions.
            float operands[16] = {}, sums[16];
            multiply<c10::BFloat16>(4, 4, 4, {operands, 4}, {operands, 4}, sums, 4);
            endProducts<c10::BFloat16>();
            return true;
        } catch (const std::exception &) { return false; }
    }();
    return multiplies;
#else
    return false;
#endif
}

SP_EVERY_WIDTH void turn(Words from, int64_t rows, int64_t columns, float *to, int64_t toStride) {
    transposeSquares(from.first, from.stride, rows, columns, to, toStride);
}

SP_EVERY_WIDTH void roundRows(
    const float *from, int64_t stride, int64_t rows, int64_t columns, float *to, int64_t toStride) {
    for (int64_t i = 0; i < rows; ++i) {
        const float *row = from + i * stride;
        auto *halves = reinterpret_cast<Half *>(to + i * toStride);
        for (int64_t j = 0; j < columns; ++j) halves[j] = static_cast<Half>(rounded(row[j]));
        if (columns % 2 != 0) halves[columns] = 0;
    }
}

SP_EVERY_WIDTH void roundPairs(
    const float *from, int64_t stride, int64_t rows, int64_t columns, float *to, int64_t toStride) {
    for (int64_t i = 0; i < rows; i += 2) {
        const float *first = from + i * stride, *second = first + stride;
        float *words = to + i / 2 * toStride;
        if (i + 1 < rows) {
            for (int64_t j = 0; j < columns; ++j) words[j] = word(rounded(first[j]), rounded(second[j]));
        } else {
            for (int64_t j = 0; j < columns; ++j) words[j] = word(rounded(first[j]), 0);
        }
    }
}

SP_EVERY_WIDTH void pairRows(Words from, int64_t rows, int64_t words, float *to, int64_t toStride) {
    for (int64_t i = 0; i < rows; i += 2) {
        const float *first = from.first + i * from.stride, *second = first + from.stride;
        float *row = to + i / 2 * toStride;
        for (int64_t j = 0; j < words; ++j) {
            uint32_t a = __builtin_bit_cast(uint32_t, first[j]);
            uint32_t b = i + 1 < rows ? __builtin_bit_cast(uint32_t, second[j]) : 0;
            row[2 * j] = __builtin_bit_cast(float, (a & 0xFFFF) | b << 16);
            row[2 * j + 1] = __builtin_bit_cast(float, a >> 16 | (b & 0xFFFF0000));
        }
    }
}

} // namespace selfpatch
