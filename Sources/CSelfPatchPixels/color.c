#include "vectors.h"

// Every product, sum and quotient below is rounded by itself: a fused product-sum gives other levels.
#pragma STDC FP_CONTRACT OFF

// Pixels that go through all steps before the next ones are fetched: their three planes fit the first cache.
enum { CHUNK = 4096 };

/// (19595 R + 38470 G + 7471 B + 32768) >> 16
PX_INLINE uint32_t luma(uint32_t red, uint32_t green, uint32_t blue) {
    return (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16;
}

/// middle + factor * (level - middle), its fraction dropped, cut to 0...255.
PX_INLINE uint8_t blended(uint8_t level, float middle, float factor) {
    float value = middle + factor * ((float)level - middle);
    value = value < 0 ? 0 : value;
    value = value > 255 ? 255 : value;
    return (uint8_t)(int)value;
}

PX_INLINE void blend_with_number(uint8_t *levels, size_t count, float middle, float factor) {
    for (size_t i = 0; i < count; i++) { levels[i] = blended(levels[i], middle, factor); }
}

PX_INLINE void saturate(uint8_t *restrict red, uint8_t *restrict green, uint8_t *restrict blue, size_t count, float factor) {
    for (size_t i = 0; i < count; i++) {
        float grey = (float)(int)luma(red[i], green[i], blue[i]);
        red[i] = blended(red[i], grey, factor);
        green[i] = blended(green[i], grey, factor);
        blue[i] = blended(blue[i], grey, factor);
    }
}

/// Adds `shift` to the hue in 8-bit HSV.
///
/// The definition (`px_plain_color`) mixes double and single precision. This form needs single precision alone and gives
/// the same bytes for every color and shift, which a test checks one by one. What it rests on: of the two quotients whose
/// difference is the hue one is always 0 or 1, so one division does; products with 255 round to no other level; on the
/// way back all quotients have the denominator 255 * 255, which is odd, so no level lies near a half.
PX_INLINE void turn_hue(uint8_t *restrict red, uint8_t *restrict green, uint8_t *restrict blue, size_t count, int shift) {
    for (size_t i = 0; i < count; i++) {
        int r = red[i], g = green[i], b = blue[i];
        int most = r > g ? r : g, least = r < g ? r : g;
        most = b > most ? b : most;
        least = b < least ? b : least;
        int range = most - least, middle = r + g + b - most - least;

        // hue = base - z or base + z in sixths of a turn, by the order of the three.
        float z = (float)(most - middle) / (float)(range == 0 ? 1 : range);
        int sector = r == most ? 0 : g == most ? 2 : 4;
        int before = r == most ? b == least : g == most ? r == least : g == least;
        float sixths = before ? (float)(sector + 1) - z : (float)(sector - 1) + z;
        float turns = sixths / 6.0f;
        turns = turns < 0 ? turns + 1.0f : turns;
        int hue = (int)(255.0f * turns);
        hue = range == 0 ? 0 : hue;
        int saturation = (int)(255.0f * ((float)range / (float)(most == 0 ? 1 : most)));

        hue = (hue + shift) & 255;
        int sixth = (hue * 6 * 257 + 257) >> 16;  // (hue * 6) / 255
        int rest = hue * 6 - sixth * 255;
        float drop = (float)(most * saturation) * (1.0f / 65025.0f), from = (float)most + 0.5f;
        int low = (int)(from - drop * 255.0f);
        int falling = (int)(from - drop * (float)rest);
        int rising = (int)(from - drop * (float)(255 - rest));
        sixth = sixth == 6 ? 0 : sixth;  // hue 255

        red[i] = (uint8_t)(sixth == 0 || sixth == 5 ? most : sixth == 1 ? falling : sixth == 4 ? rising : low);
        green[i] = (uint8_t)(sixth == 1 || sixth == 2 ? most : sixth == 0 ? rising : sixth == 3 ? falling : low);
        blue[i] = (uint8_t)(sixth == 3 || sixth == 4 ? most : sixth == 2 ? rising : sixth == 5 ? falling : low);
    }
}

PX_INLINE void grey(uint8_t *restrict red, uint8_t *restrict green, uint8_t *restrict blue, size_t count) {
    for (size_t i = 0; i < count; i++) {
        red[i] = green[i] = blue[i] = (uint8_t)luma(red[i], green[i], blue[i]);
    }
}

PX_INLINE void solarize(uint8_t *levels, size_t count) {
    for (size_t i = 0; i < count; i++) { levels[i] = levels[i] < 128 ? levels[i] : (uint8_t)(255 - levels[i]); }
}

PX_INLINE uint32_t luma_sum(const uint8_t *red, const uint8_t *green, const uint8_t *blue, size_t count) {
    uint32_t sum = 0;
    for (size_t i = 0; i < count; i++) { sum += luma(red[i], green[i], blue[i]); }
    return sum;
}

PX_INLINE uint32_t level_sum(const uint8_t *levels, size_t count) {
    uint32_t sum = 0;
    for (size_t i = 0; i < count; i++) { sum += levels[i]; }
    return sum;
}

/// One step on `count` pixels of 1 or 3 planes. `middle` is the view's mean grey, for contrast.
PX_INLINE void apply_body(
    uint8_t *planes, size_t stride, size_t count, int channels, px_color_step step, float middle) {
    uint8_t *red = planes, *green = planes + stride, *blue = planes + 2 * stride;
    switch (step.kind) {
        case PX_BRIGHTNESS:
        case PX_CONTRAST:
            for (int i = 0; i < channels; i++) {
                blend_with_number(planes + i * stride, count, step.kind == PX_CONTRAST ? middle : 0, (float)step.amount);
            }
            break;
        case PX_SATURATION:
            if (channels == 3) { saturate(red, green, blue, count, (float)step.amount); }
            break;
        case PX_HUE:
            if (channels == 3) { turn_hue(red, green, blue, count, (int)(step.amount * 255)); }
            break;
        case PX_GREYSCALE:
            if (channels == 3) { grey(red, green, blue, count); }
            break;
        case PX_SOLARIZE:
            for (int i = 0; i < channels; i++) { solarize(planes + i * stride, count); }
            break;
    }
}

PX_EACH_WIDTH(
    apply, (uint8_t *planes, size_t stride, size_t count, int channels, px_color_step step, float middle),
    (planes, stride, count, channels, step, middle))

PX_INLINE void add_grey_body(const uint8_t *planes, size_t stride, size_t count, int channels, uint64_t *sum) {
    *sum += channels == 3 ? luma_sum(planes, planes + stride, planes + 2 * stride, count) : level_sum(planes, count);
}

PX_EACH_WIDTH(
    add_grey, (const uint8_t *planes, size_t stride, size_t count, int channels, uint64_t *sum),
    (planes, stride, count, channels, sum))

/// Steps `from..<to` on the whole view in one pass through memory; the mean grey, rounded, of what it leaves if `measured`.
static float pass(
    uint8_t *planes, size_t pixels, int channels, const px_color_step *steps, int from, int to, float middle,
    int measured) {
    uint64_t sum = 0;
    for (size_t start = 0; start < pixels; start += CHUNK) {
        size_t length = pixels - start < CHUNK ? pixels - start : CHUNK;
        for (int i = from; i < to; i++) { apply(planes + start, pixels, length, channels, steps[i], middle); }
        if (measured) { add_grey(planes + start, pixels, length, channels, &sum); }
    }
    return measured ? (float)(int)((double)sum / (double)pixels + 0.5) : 0;
}

static int next_contrast(const px_color_step *steps, int from, int count) {
    while (from < count && steps[from].kind != PX_CONTRAST) { from++; }
    return from;
}

void px_color(uint8_t *planes, size_t pixels, int channels, const px_color_step *steps, int count) {
    // A pass ends before each contrast, which turns round the mean grey of what that pass leaves.
    int to = next_contrast(steps, 0, count);
    float middle = pass(planes, pixels, channels, steps, 0, to, 0, to < count);
    while (to < count) {
        int from = to;
        to = next_contrast(steps, from + 1, count);
        middle = pass(planes, pixels, channels, steps, from, to, middle, to < count);
    }
}
