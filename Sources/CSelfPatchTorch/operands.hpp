// Operands of small products on the CPU, in float32 or bf16, with sums in float32.
//
// A word has 32 bits: one float32, or two bf16 that are neighbours along the dimension that is summed over. A left operand [m, k]
// lies row by row, m rows of words; a right operand [k, n] has n words a row, as oneDNN takes it. Therefore the words of a left
// operand, turned, are its transposed as a right operand, and the other way round; in float32 the two are the same anyway.
#pragma once
#include <ATen/native/CPUBlas.h>
#include <c10/util/BFloat16.h>

#include <algorithm>
#include <cstdint>
#include <type_traits>

namespace selfpatch {

/// Rows of words.
struct Words {
    const float *first;
    int64_t stride;

    Words from(int64_t row) const { return {first + row * stride, stride}; }
};

template <typename Element> constexpr int64_t perWord = sizeof(float) / sizeof(Element);

/// Words for `count` neighbours; the last one may be half full.
template <typename Element> constexpr int64_t wordsFor(int64_t count) {
    return (count + perWord<Element> - 1) / perWord<Element>;
}

/// c [m, n] = a b, or c += a b, where `words` words are summed over.
template <typename Element>
void multiply(int64_t m, int64_t n, int64_t words, Words a, Words b, float *c, int64_t stride, bool adds = false) {
    int64_t k = words * perWord<Element>;
    at::native::cpublas::brgemm(
        m, n, k, a.stride * perWord<Element>, b.stride, stride, adds, reinterpret_cast<const Element *>(a.first),
        reinterpret_cast<const Element *>(b.first), c, !std::is_same_v<Element, float>);
}

/// Gives back what `multiply` holds of the processor.
template <typename Element> void endProducts() {
    at::native::cpublas::brgemm_release(!std::is_same_v<Element, float>);
}

/// Whether this processor, and the instructions that oneDNN may use of it, have products of bf16.
bool multipliesBFloat16();

/// to [columns, rows] = the words of `from` [rows, columns], turned.
void turn(Words from, int64_t rows, int64_t columns, float *to, int64_t toStride);

/// Numbers [rows, columns] rounded to bf16: rows of words, as a left operand or a tensor has them. With an odd number of columns
/// the last word's other half is 0.
void roundRows(const float *from, int64_t stride, int64_t rows, int64_t columns, float *to, int64_t toStride);
/// Numbers [rows, columns] rounded to bf16, two rows to one of words, as a right operand has them that is summed over rows.
void roundPairs(const float *from, int64_t stride, int64_t rows, int64_t columns, float *to, int64_t toStride);
/// Rows of bf16 [rows, 2 words], two to one of twice as many words.
void pairRows(Words from, int64_t rows, int64_t words, float *to, int64_t toStride);

/// Numbers [rows, columns] as a left operand: themselves, or in `room`.
template <typename Element>
Words asLeft(const float *numbers, int64_t rows, int64_t columns, int64_t stride, float *room) {
    if constexpr (std::is_same_v<Element, float>) return {numbers, stride};
    roundRows(numbers, stride, rows, columns, room, wordsFor<Element>(columns));
    return {room, wordsFor<Element>(columns)};
}

/// Numbers [rows, columns] as a right operand: themselves, or in `room`.
template <typename Element>
Words asRight(const float *numbers, int64_t rows, int64_t columns, int64_t stride, float *room) {
    if constexpr (std::is_same_v<Element, float>) return {numbers, stride};
    roundPairs(numbers, stride, rows, columns, room, columns);
    return {room, columns};
}

/// Rows of a tensor [rows, columns] as a right operand: themselves, or in `room`.
template <typename Element> Words pairedRows(Words from, int64_t rows, int64_t columns, float *room) {
    if constexpr (std::is_same_v<Element, float>) return from;
    pairRows(from, rows, wordsFor<Element>(columns), room, columns);
    return {room, columns};
}

/// Sums [rows, columns] into a tensor's rows.
template <typename Element>
void keep(const float *sums, int64_t stride, int64_t rows, int64_t columns, float *to, int64_t toStride) {
    if constexpr (std::is_same_v<Element, float>) {
        for (int64_t i = 0; i < rows; ++i) std::copy_n(sums + i * stride, columns, to + i * toStride);
    } else {
        roundRows(sums, stride, rows, columns, to, toStride);
    }
}

} // namespace selfpatch
