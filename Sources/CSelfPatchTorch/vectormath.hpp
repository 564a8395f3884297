// Arithmetic on rows of floats, written so that compilers make vector code of it.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

namespace selfpatch {

/// e^x to about 1e-7 relative: 2^n times a polynomial on [-ln 2 / 2, ln 2 / 2] (minimax, degree 6).
inline __attribute__((always_inline)) float exponential(float x) {
    x = x < -87.0f ? -87.0f : x > 88.0f ? 88.0f : x;
    float n = __builtin_floorf(x * 1.44269504088896341f + 0.5f);
    float r = x - n * 0.693359375f - n * -2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    int32_t bits = (static_cast<int32_t>(n) + 127) << 23;
    float scale;
    __builtin_memcpy(&scale, &bits, 4);
    return p * scale;
}

/// The largest (x_j - c_j), with sixteen running maxima so that it becomes vector code.
inline __attribute__((always_inline)) float largest(const float *x, const float *c, int64_t count) {
    float lanes[16];
    for (int l = 0; l < 16; ++l) lanes[l] = -INFINITY;
    int64_t j = 0;
    for (; j + 16 <= count; j += 16)
        for (int l = 0; l < 16; ++l) {
            float value = c ? x[j + l] - c[j + l] : x[j + l];
            lanes[l] = value > lanes[l] ? value : lanes[l];
        }
    float top = -INFINITY;
    for (; j < count; ++j) {
        float value = c ? x[j] - c[j] : x[j];
        top = value > top ? value : top;
    }
    for (int l = 0; l < 16; ++l) top = lanes[l] > top ? lanes[l] : top;
    return top;
}

/// Sixteen numbers, in one register where the processor has such.
typedef float SixteenFloats __attribute__((vector_size(16 * sizeof(float))));

/// Exchanges the numbers beside the diagonal in every square of 2 `step` by 2 `step` numbers of rows a and b, `step` rows apart.
template <int step, int... lane>
inline __attribute__((always_inline)) void exchange(
    SixteenFloats &a, SixteenFloats &b, std::integer_sequence<int, lane...>) {
    auto upper = __builtin_shufflevector(a, b, (lane & step ? 16 + lane - step : lane)...);
    b = __builtin_shufflevector(a, b, (lane & step ? 16 + lane : lane + step)...);
    a = upper;
}

template <int step> inline __attribute__((always_inline)) void exchangeAll(SixteenFloats *rows) {
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; ++i)
        if (!(i & step)) exchange<step>(rows[i], rows[i + step], std::make_integer_sequence<int, 16>());
}

/// to [16, 16] = from [16, 16] transposed, in registers.
inline __attribute__((always_inline)) void transposeSquare(
    const float *from, int64_t stride, float *to, int64_t toStride) {
    SixteenFloats rows[16];
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; ++i) __builtin_memcpy(&rows[i], from + i * stride, sizeof rows[i]);
    exchangeAll<8>(rows);
    exchangeAll<4>(rows);
    exchangeAll<2>(rows);
    exchangeAll<1>(rows);
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; ++i) __builtin_memcpy(to + i * toStride, &rows[i], sizeof rows[i]);
}

/// to [columns, rows] = from [rows, columns] transposed, in squares that fit into registers.
inline __attribute__((always_inline)) void transposeSquares(
    const float *from, int64_t stride, int64_t rows, int64_t columns, float *to, int64_t toStride) {
    constexpr int64_t side = 16;
    for (int64_t r = 0; r < rows; r += side)
        for (int64_t c = 0; c < columns; c += side) {
            if (r + side <= rows && c + side <= columns) {
                transposeSquare(from + r * stride + c, stride, to + c * toStride + r, toStride);
                continue;
            }
            int64_t rEnd = std::min(r + side, rows), cEnd = std::min(c + side, columns);
            for (int64_t j = c; j < cEnd; ++j)
                for (int64_t i = r; i < rEnd; ++i) to[j * toStride + i] = from[i * stride + j];
        }
}

} // namespace selfpatch
