// Bilinear resizing of 8-bit pictures to the last bit as OpenCV's INTER_LINEAR: figures of tracking were made with it, and
// another rounding moves the features.
#include "kernels.h"

#include <math.h>

enum { one = 1 << 11 };

/// An output place among the input's: between `first` and the one after it, with weights in 1/2048.
typedef struct {
    int first;
    int32_t before, after;
} tap;

/// OpenCV's own steps: a position in float32, of products in double precision; each weight rounded by itself, halves to even.
static tap tap_of(int place, int input, int output) {
    double scale = 1.0 / ((double)output / (double)input);
    float position = (float)((place + 0.5) * scale - 0.5);
    int first = (int)floorf(position);
    float share = position - (float)first;
    return (tap){first, (int32_t)lrintf((1.0f - share) * one), (int32_t)lrintf(share * one)};
}

static int clamped(int place, int count) { return place < 0 ? 0 : place >= count ? count - 1 : place; }

/// Two neighbours in a row are mixed into 19 bits; beyond the border the last pixel alone counts.
static void resize_row(
    const uint8_t *row, int source_width, int channels, const int32_t *taps, int width, int32_t *mixed) {
    for (int x = 0; x < width; x++) {
        const int32_t *tap = taps + 3 * x;
        const uint8_t *before = row + tap[0] * channels;
        const uint8_t *after = row + clamped(tap[0] + 1, source_width) * channels;
        for (int channel = 0; channel < channels; channel++) {
            mixed[channel * width + x] = before[channel] * tap[1] + after[channel] * tap[2];
        }
    }
}

static void halve(const uint8_t *source, int source_width, int channels, uint8_t *planes, int height, int width) {
    const int row = source_width * channels;
    for (int channel = 0; channel < channels; channel++) {
        for (int y = 0; y < height; y++) {
            const uint8_t *from = source + (ptrdiff_t)2 * y * row + channel;
            for (int x = 0; x < width; x++, from += 2 * channels) {
                *planes++ = (uint8_t)((from[0] + from[channels] + from[row] + from[row + channels] + 2) >> 2);
            }
        }
    }
}

size_t px_resize_linear_scratch(int channels, int width) { return (size_t)width * (3 + 2 * (size_t)channels); }

void px_resize_linear(
    const uint8_t *source, int source_height, int source_width, int channels, uint8_t *planes, int height, int width,
    int32_t *scratch) {
    if (source_height == 2 * height && source_width == 2 * width) {
        halve(source, source_width, channels, planes, height, width);
        return;
    }
    int32_t *taps = scratch;  // [width, 3]: a `tap` each
    for (int x = 0; x < width; x++) {
        tap tap = tap_of(x, source_width, width);
        if (tap.first < 0 || tap.first >= source_width - 1) {
            tap.first = clamped(tap.first, source_width), tap.before = one, tap.after = 0;
        }
        taps[3 * x] = tap.first, taps[3 * x + 1] = tap.before, taps[3 * x + 2] = tap.after;
    }
    // Output rows that lie between the same two input rows share them.
    const size_t length = (size_t)channels * (size_t)width;
    int32_t *lines[2] = {scratch + 3 * (size_t)width, scratch + 3 * (size_t)width + length};
    int held[2] = {-1, -1};
    for (int y = 0; y < height; y++) {
        tap tap = tap_of(y, source_height, height);
        int wanted[2] = {clamped(tap.first, source_height), clamped(tap.first + 1, source_height)};
        if (held[1] == wanted[0]) {
            int32_t *line = lines[0];
            lines[0] = lines[1], lines[1] = line;
            held[0] = held[1], held[1] = -1;
        }
        for (int i = 0; i < 2; i++) {
            if (held[i] == wanted[i]) continue;
            const uint8_t *row = source + (ptrdiff_t)wanted[i] * source_width * channels;
            resize_row(row, source_width, channels, taps, width, lines[i]);
            held[i] = wanted[i];
        }
        for (int channel = 0; channel < channels; channel++) {
            uint8_t *target = planes + ((size_t)channel * height + y) * width;
            const int32_t *above = lines[0] + channel * width, *below = lines[1] + channel * width;
            for (int x = 0; x < width; x++) {
                int32_t sum = ((tap.before * (above[x] >> 4)) >> 16) + ((tap.after * (below[x] >> 4)) >> 16);
                target[x] = (uint8_t)((sum + 2) >> 2);
            }
        }
    }
}
