#include "vectors.h"
#include "weights.h"

#include <string.h>

// The horizontal pass runs along vectors too: 32 rows at a time are turned so that each column of them lies in 32
// neighbouring bytes, and an output column is a weighted sum of such columns. The sums are turned back and wait, as rows
// of all planes side by side, for the vertical pass, which is the same weighted sum over rows.

enum { ROWS = 32, TURN = 16 };

// ---- turning ----

/// Row i of the result is column i of the 16 x 16 bytes at `source`.
PX_INLINE void turn_block(const uint8_t *const *source, size_t offset, uint8_t *target, size_t target_stride) {
    px_bytes16 rows[TURN], next[TURN];
#pragma clang loop unroll(full)
    for (int i = 0; i < TURN; i++) { rows[i] = *(const px_bytes16 *)(source[i] + offset); }
#pragma clang loop unroll(full)
    for (int stage = 0; stage < 4; stage++) {
#pragma clang loop unroll(full)
        for (int i = 0; i < TURN / 2; i++) {
            next[2 * i] = __builtin_shufflevector(
                rows[i], rows[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
            next[2 * i + 1] = __builtin_shufflevector(
                rows[i], rows[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        }
#pragma clang loop unroll(full)
        for (int i = 0; i < TURN; i++) { rows[i] = next[i]; }
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < TURN; i++) { *(px_bytes16 *)(target + i * target_stride) = rows[i]; }
}

/// Turns 32 rows of `bytes` bytes into `bytes` columns of 32 bytes.
PX_INLINE void rows_to_columns(const uint8_t *const rows[ROWS], size_t bytes, uint8_t *columns) {
    if (bytes < TURN) {
        for (size_t i = 0; i < bytes; i++) {
            for (int row = 0; row < ROWS; row++) { columns[i * ROWS + row] = rows[row][i]; }
        }
        return;
    }
    for (size_t i = 0; i < bytes; i += TURN) {
        size_t start = i + TURN <= bytes ? i : bytes - TURN;  // the last block overlaps the one before
        turn_block(rows, start, columns + start * ROWS, ROWS);
        turn_block(rows + TURN, start, columns + start * ROWS + TURN, ROWS);
    }
}

/// Turns `count` columns of 32 bytes (a multiple of 16) into 32 rows, `stride` bytes apart.
PX_INLINE void columns_to_rows(const uint8_t *columns, size_t count, uint8_t *rows, size_t stride) {
    for (size_t i = 0; i < count; i += TURN) {
        for (int half = 0; half < ROWS; half += TURN) {
            const uint8_t *block[TURN];
            for (int j = 0; j < TURN; j++) { block[j] = columns + (i + j) * ROWS + half; }
            turn_block(block, 0, rows + half * stride + i, stride);
        }
    }
}

// ---- weighted sums ----

/// 32 bytes: the sum over taps of weight times the 32 bytes there, rounded to nearest and cut to 0...255.
PX_INLINE void weighted_sum(
    const uint8_t *source, size_t stride, const int32_t *weights, int taps, uint8_t *target) {
    px_sums32 sum = {0};
    for (int tap = 0; tap < taps; tap++) {
        sum += __builtin_convertvector(*(const px_bytes32 *)source, px_sums32) * weights[tap];
        source += stride;
    }
    sum = (sum + (1 << (PX_WEIGHT_BITS - 1))) >> PX_WEIGHT_BITS;
    px_sums32 none = {0};
    sum = __builtin_elementwise_min(__builtin_elementwise_max(sum, none), none + 255);
    *(px_bytes32 *)target = __builtin_convertvector(sum, px_bytes32);
}

// ---- both passes ----

typedef struct {
    px_axis across, down;
    uint8_t *columns;   ///< [box_width * channels, 32] the rows in hand, turned
    uint8_t *resized;   ///< [channels, padded_width, 32] their horizontal pass
    uint8_t *between;   ///< [rows rounded up to 32, channels, padded_width]
    uint8_t *row;       ///< [channels, padded_width] one output row of all planes
    size_t padded_width;
    size_t bytes;
} workspace;

/// Lays the parts out from `scratch` on; with a null `scratch` only `bytes` means something.
static workspace laid_out(int box_height, int box_width, int channels, int height, int width, void *scratch) {
    workspace space = {.padded_width = px_rounded_up((size_t)width, ROWS)};
    uintptr_t next = (uintptr_t)scratch;
#define TAKE(part, count)                                                \
    part = (void *)next;                                                 \
    next += px_rounded_up((size_t)(count) * sizeof *(part), 64)
    space.across.taps = px_axis_taps(box_width, width);
    space.down.taps = px_axis_taps(box_height, height);
    TAKE(space.across.first, width);
    TAKE(space.across.count, width);
    TAKE(space.across.weights, (size_t)width * space.across.taps);
    TAKE(space.across.exact, space.across.taps);
    TAKE(space.down.first, height);
    TAKE(space.down.count, height);
    TAKE(space.down.weights, (size_t)height * space.down.taps);
    TAKE(space.down.exact, space.down.taps);
    size_t row = channels * space.padded_width;
    TAKE(space.columns, (size_t)box_width * channels * ROWS);
    TAKE(space.resized, row * ROWS);
    TAKE(space.between, px_rounded_up((size_t)box_height, ROWS) * row);
    TAKE(space.row, row);
#undef TAKE
    space.bytes = next - (uintptr_t)scratch;
    return space;
}

size_t px_resize_scratch(int box_height, int box_width, int channels, int height, int width) {
    return laid_out(box_height, box_width, channels, height, width, NULL).bytes;
}

PX_INLINE void px_resize_laid_out_body(
    const uint8_t *box, ptrdiff_t row_bytes, int box_height, int box_width, int channels, int flipped, uint8_t *planes,
    int height, int width, const workspace *space) {
    const size_t padded = space->padded_width, row = channels * padded;
    const px_axis across = space->across, down = space->down;

    for (int top = 0; top < box_height; top += ROWS) {
        const uint8_t *rows[ROWS];
        for (int i = 0; i < ROWS; i++) {  // below the last row it is repeated; nobody reads what comes of that
            rows[i] = box + (top + i < box_height ? top + i : box_height - 1) * row_bytes;
        }
        rows_to_columns(rows, (size_t)box_width * channels, space->columns);
        for (int x = 0; x < width; x++) {
            const uint8_t *first = space->columns + (size_t)across.first[x] * channels * ROWS;
            const int32_t *weights = across.weights + (size_t)x * across.taps;
            uint8_t *target = space->resized + (size_t)(flipped ? width - 1 - x : x) * ROWS;
            for (int channel = 0; channel < channels; channel++) {
                weighted_sum(
                    first + channel * ROWS, (size_t)channels * ROWS, weights, across.count[x],
                    target + channel * padded * ROWS);
            }
        }
        columns_to_rows(space->resized, row, space->between + top * row, row);
    }

    for (int y = 0; y < height; y++) {
        const uint8_t *first = space->between + down.first[y] * row;
        const int32_t *weights = down.weights + (size_t)y * down.taps;
        for (size_t x = 0; x < row; x += ROWS) {
            weighted_sum(first + x, row, weights, down.count[y], space->row + x);
        }
        for (int channel = 0; channel < channels; channel++) {
            memcpy(planes + ((size_t)channel * height + y) * width, space->row + channel * padded, (size_t)width);
        }
    }
}

PX_EACH_WIDTH(
    px_resize_laid_out,
    (const uint8_t *box, ptrdiff_t row_bytes, int box_height, int box_width, int channels, int flipped,
     uint8_t *planes, int height, int width, const workspace *space),
    (box, row_bytes, box_height, box_width, channels, flipped, planes, height, width, space))

void px_resize(
    const uint8_t *box, ptrdiff_t row_bytes, int box_height, int box_width, int channels, int flipped, uint8_t *planes,
    int height, int width, void *scratch) {
    workspace space = laid_out(box_height, box_width, channels, height, width, scratch);
    px_axis_fill(&space.across, box_width, width);
    px_axis_fill(&space.down, box_height, height);
    // The places between the planes' true and padded width are turned along and must hold something.
    memset(space.resized, 0, channels * space.padded_width * ROWS);
    px_resize_laid_out(
        box, row_bytes, box_height, box_width, channels, flipped, planes, height, width, &space);
}
