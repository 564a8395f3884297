// Between grey and colour, and sums over channels.
#include "decode.h"

void px_rgb_to_grey(const uint8_t *rgb, int64_t count, uint8_t *grey) {
    for (int64_t i = 0; i < count; i++) {
        uint32_t luma = 19595u * rgb[3 * i] + 38470u * rgb[3 * i + 1] + 7471u * rgb[3 * i + 2] + 32768u;
        grey[i] = (uint8_t)(luma >> 16);
    }
}

void px_grey_to_rgb(const uint8_t *grey, int64_t count, uint8_t *rgb) {
    for (int64_t i = 0; i < count; i++) {
        rgb[3 * i] = rgb[3 * i + 1] = rgb[3 * i + 2] = grey[i];
    }
}

/// The channel count is a constant in each call below, so that the inner loop is unrolled and vectorised.
static inline __attribute__((always_inline)) void sums_of(
    const uint8_t *pixels, int64_t count, int channels, int channel, double *sum, double *square) {
    uint64_t total = 0, total_square = 0;
    const int64_t block = 65536;  // 32 bits hold the squares of this many bytes
    for (int64_t start = 0; start < count; start += block) {
        int64_t end = start + block < count ? start + block : count;
        uint32_t part = 0, part_square = 0;
        for (int64_t i = start; i < end; i++) {
            uint32_t value = pixels[i * channels + channel];
            part += value;
            part_square += value * value;
        }
        total += part;
        total_square += part_square;
    }
    *sum = (double)total;
    *square = (double)total_square;
}

void px_sums(const uint8_t *pixels, int64_t count, int channels, double *sums, double *squares) {
    for (int channel = 0; channel < channels; channel++) {
        switch (channels) {
            case 1: sums_of(pixels, count, 1, channel, sums + channel, squares + channel); break;
            case 3: sums_of(pixels, count, 3, channel, sums + channel, squares + channel); break;
            default: sums_of(pixels, count, channels, channel, sums + channel, squares + channel);
        }
    }
}
