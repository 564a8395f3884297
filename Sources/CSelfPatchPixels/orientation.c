// EXIF's orientation: finding it, and turning a picture by it.
#include "formats.h"

#include <string.h>

typedef struct {
    px_input input;
    bool big_endian;
} exif_block;

static uint32_t read16(exif_block block, size_t offset) {
    const uint8_t *bytes = block.input.bytes + offset;
    return block.big_endian ? (uint32_t)bytes[0] << 8 | bytes[1] : px_little16(bytes);
}

static uint32_t read32(exif_block block, size_t offset) {
    const uint8_t *bytes = block.input.bytes + offset;
    return block.big_endian ? px_big32(bytes) : px_little32(bytes);
}

int px_exif_orientation(const uint8_t *bytes, size_t count) {
    if (count >= 6 && memcmp(bytes, "Exif\0\0", 6) == 0) {
        bytes += 6;
        count -= 6;
    }
    if (count < 8) return 1;
    exif_block block = {{bytes, count}, bytes[0] == 'M'};
    bool known = memcmp(bytes, "II*\0", 4) == 0 || memcmp(bytes, "MM\0*", 4) == 0;
    size_t directory = read32(block, 4);
    if (!known || directory > count - 2) return 1;

    size_t entries = read16(block, directory);
    for (size_t i = 0; i < entries; i++) {
        size_t entry = directory + 2 + 12 * i;
        if (entry + 12 > count) return 1;
        if (read16(block, entry) != 0x0112) continue;
        uint32_t type = read16(block, entry + 2);
        uint32_t value = type == 1 ? bytes[entry + 8] : type == 3 ? read16(block, entry + 8)
                       : type == 4 ? read32(block, entry + 8) : 0;
        return value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}

/// Pixel (row, column) of the target is the source's pixel `start + row * down + column * right`.
///
/// Blocks keep the lines that one of the two sides crosses in the cache. The channel count is a constant where this is
/// called, so that a pixel is moved without a loop.
static inline __attribute__((always_inline)) void gather(
    const uint8_t *source, uint8_t *target, int64_t width, int64_t height, int64_t start, int64_t down, int64_t right,
    int channels) {
    const int64_t block = 32;
    for (int64_t top = 0; top < height; top += block) {
        int64_t bottom = top + block < height ? top + block : height;
        for (int64_t left = 0; left < width; left += block) {
            int64_t end = left + block < width ? left + block : width;
            for (int64_t row = top; row < bottom; row++) {
                const uint8_t *from = source + (start + row * down + left * right) * channels;
                uint8_t *to = target + (row * width + left) * channels;
                for (int64_t column = left; column < end; column++) {
                    for (int channel = 0; channel < channels; channel++) to[channel] = from[channel];
                    from += right * channels;
                    to += channels;
                }
            }
        }
    }
}

void px_turn(
    const uint8_t *source, int64_t width, int64_t height, int channels, int orientation, uint8_t *target) {
    int64_t last_column = width - 1, last_row = (height - 1) * width;
    int64_t start = 0, down = width, right = 1;
    switch (orientation) {
        case 2: start = last_column, right = -1; break;
        case 3: start = last_row + last_column, down = -width, right = -1; break;
        case 4: start = last_row, down = -width; break;
        case 5: down = 1, right = width; break;
        case 6: start = last_row, down = 1, right = -width; break;
        case 7: start = last_row + last_column, down = -1, right = -width; break;
        case 8: start = last_column, down = -1, right = width; break;
        default: break;
    }
    int64_t columns = orientation >= 5 ? height : width, rows = orientation >= 5 ? width : height;
    switch (channels) {
        case 1: gather(source, target, columns, rows, start, down, right, 1); break;
        case 3: gather(source, target, columns, rows, start, down, right, 3); break;
        default: gather(source, target, columns, rows, start, down, right, channels);
    }
}
