#include "box.h"
#include "vectors.h"

#include <string.h>

// The planes' rows are copied with a margin on either side that repeats the border pixel, so that a pass is the same
// few loads and sums at every place. Boxes of up to 2 * WIDEST + 1 pixels are summed anew for each 32 pixels, which for
// such widths is cheaper than a sliding sum; wider ones go the plain way.

enum { LANES = 32, WIDEST = 16, MARGIN = 32, BAND = 16 };

size_t px_blur_scratch(int height, int width) {
    size_t stride = px_rounded_up((size_t)width, LANES) + 2 * MARGIN;
    return 2 * px_rounded_up((size_t)height * stride, 64);
}

/// 32 pixels of one pass: `near` steps of `step` bytes to either side count fully, the next ones in part.
PX_INLINE void box_32(const uint8_t *source, ptrdiff_t step, px_box box, uint8_t *target) {
#define LOADED(place) __builtin_convertvector(*(const px_bytes32 *)(source + (place) * step), px_words32)
    px_words32 inner = LOADED(0);
    for (int i = 1; i <= box.near; i++) { inner += LOADED(i) + LOADED(-i); }
    px_words32 outer = LOADED(box.near + 1) + LOADED(-box.near - 1);
#undef LOADED
    px_longs32 sum = __builtin_convertvector(inner, px_longs32) * box.full
        + __builtin_convertvector(outer, px_longs32) * box.part + PX_BOX_HALF;
    *(px_bytes32 *)target = __builtin_convertvector(sum >> PX_BOX_BITS, px_bytes32);
}

PX_INLINE void repeat_borders(uint8_t *row, int width, int margin) {
    memset(row - margin, row[0], (size_t)margin);
    memset(row + width, row[width - 1], (size_t)margin);
}

PX_INLINE void blur_plane_body(uint8_t *plane, int height, int width, px_box box, uint8_t *scratch) {
    const size_t stride = px_rounded_up((size_t)width, LANES) + 2 * MARGIN;
    uint8_t *even = scratch + MARGIN, *odd = even + px_rounded_up((size_t)height * stride, 64);

    // Along the rows, a band of them at a time.
    for (int top = 0; top < height; top += BAND) {
        int bottom = top + BAND < height ? top + BAND : height;
        for (int y = top; y < bottom; y++) { memcpy(even + y * stride, plane + (size_t)y * width, (size_t)width); }
        for (int pass = 0; pass < 3; pass++) {
            uint8_t *source = pass == 1 ? odd : even, *target = pass == 1 ? even : odd;
            for (int y = top; y < bottom; y++) {
                repeat_borders(source + y * stride, width, box.near + 1);
                for (int x = 0; x < width; x += LANES) {
                    box_32(source + y * stride + x, 1, box, target + y * stride + x);
                }
            }
        }
    }
    // Along the columns: near the borders the rows to read are gathered by name.
    for (int pass = 0; pass < 3; pass++) {
        const uint8_t *source = pass == 1 ? even : odd;
        uint8_t *target = pass == 1 ? odd : even;
        for (int y = 0; y < height; y++) {
            int reach = box.near + 1;
            if (y >= reach && y + reach < height) {
                for (int x = 0; x < width; x += LANES) {
                    box_32(source + y * stride + x, (ptrdiff_t)stride, box, target + y * stride + x);
                }
            } else {
                for (int x = 0; x < width; x += LANES) {
                    uint8_t rows[2 * WIDEST + 3][LANES];
                    for (int i = -reach; i <= reach; i++) {
                        int row = y + i < 0 ? 0 : y + i >= height ? height - 1 : y + i;
                        memcpy(rows[i + reach], source + row * stride + x, LANES);
                    }
                    box_32(rows[reach], LANES, box, target + y * stride + x);
                }
            }
        }
    }
    for (int y = 0; y < height; y++) { memcpy(plane + (size_t)y * width, even + y * stride, (size_t)width); }
}

PX_EACH_WIDTH(
    blur_plane, (uint8_t *plane, int height, int width, px_box box, uint8_t *scratch),
    (plane, height, width, box, scratch))

void px_blur(uint8_t *planes, int channels, int height, int width, float radius, void *scratch) {
    px_box box = px_box_of(radius);
    if (box.near > WIDEST) {
        px_plain_blur(planes, channels, height, width, radius);
        return;
    }
    for (int i = 0; i < channels; i++) {
        blur_plane(planes + (size_t)i * height * width, height, width, box, scratch);
    }
}
