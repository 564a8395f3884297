// The kernels' definitions, as simple as they can be written. They allocate, check nothing, and are slow.
#include "box.h"
#include "kernels.h"
#include "weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

// ---- resize ----

static px_axis axis_of(int inputs, int outputs) {
    px_axis axis = {.taps = px_axis_taps(inputs, outputs)};
    axis.first = malloc((size_t)outputs * sizeof *axis.first);
    axis.count = malloc((size_t)outputs * sizeof *axis.count);
    axis.weights = malloc((size_t)outputs * axis.taps * sizeof *axis.weights);
    axis.exact = malloc((size_t)axis.taps * sizeof *axis.exact);
    px_axis_fill(&axis, inputs, outputs);
    return axis;
}

static void free_axis(px_axis axis) {
    free(axis.first);
    free(axis.count);
    free(axis.weights);
    free(axis.exact);
}

static uint8_t resampled(const uint8_t *line, ptrdiff_t step, const px_axis *axis, int output) {
    int64_t sum = 1 << (PX_WEIGHT_BITS - 1);
    for (int tap = 0; tap < axis->count[output]; tap++) {
        sum += (int64_t)axis->weights[output * axis->taps + tap] * line[(axis->first[output] + tap) * step];
    }
    sum >>= PX_WEIGHT_BITS;
    return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

void px_plain_resize(
    const uint8_t *box, ptrdiff_t row_bytes, int box_height, int box_width, int channels, int flipped, uint8_t *planes,
    int height, int width) {
    px_axis across = axis_of(box_width, width), down = axis_of(box_height, height);
    uint8_t *between = malloc((size_t)box_height * width);
    for (int channel = 0; channel < channels; channel++) {
        for (int y = 0; y < box_height; y++) {
            for (int x = 0; x < width; x++) {
                between[y * width + x] = resampled(box + y * row_bytes + channel, channels, &across, x);
            }
        }
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                int column = flipped ? width - 1 - x : x;
                planes[((size_t)channel * height + y) * width + column] = resampled(between + x, width, &down, y);
            }
        }
    }
    free(between);
    free_axis(across);
    free_axis(down);
}

// ---- color ----

typedef struct {
    int red, green, blue;
} color;

static int plain_luma(color c) {
    return (19595 * c.red + 38470 * c.green + 7471 * c.blue + 32768) >> 16;
}

static int plain_blend(int level, int middle, float factor) {
    float value = (float)middle + factor * (float)(level - middle);
    return value <= 0 ? 0 : value >= 255 ? 255 : (int)value;
}

static int rounded(double value) { return (int)floor(value + 0.5); }

/// To HSV in 8 bits, the hue moved by `shift` levels, and back.
static color turned(color c, int shift) {
    int most = c.red > c.green ? c.red : c.green, least = c.red < c.green ? c.red : c.green;
    if (c.blue > most) { most = c.blue; }
    if (c.blue < least) { least = c.blue; }
    if (most == least) { return c; }  // no saturation, so no hue either

    float range = (float)(most - least);
    int saturation = (int)(255.0 * (range / (float)most));
    float red = (float)(most - c.red) / range, green = (float)(most - c.green) / range;
    float blue = (float)(most - c.blue) / range;
    float sixths = c.red == most ? blue - green
        : c.green == most ? (float)(2.0 + red - blue)
        : (float)(4.0 + green - red);
    float turns = (float)fmod(sixths / 6.0 + 1.0, 1.0);
    int hue = ((int)(255.0 * turns) + shift) & 255;

    if (saturation == 0) { return (color){most, most, most}; }
    double place = hue * 6.0 / 255.0;
    int sixth = (int)floor(place);
    float fraction = (float)(place - sixth), share = (float)saturation / 255.0f;
    int low = rounded(most * (1.0 - share));
    int falling = rounded(most * (1.0 - share * fraction));
    int rising = rounded(most * (1.0 - share * (1.0 - fraction)));
    switch (sixth % 6) {
        case 0: return (color){most, rising, low};
        case 1: return (color){falling, most, low};
        case 2: return (color){low, most, rising};
        case 3: return (color){low, falling, most};
        case 4: return (color){rising, low, most};
        default: return (color){most, low, falling};
    }
}

static int mean_grey(const uint8_t *planes, size_t pixels, int channels) {
    double sum = 0;
    for (size_t i = 0; i < pixels; i++) {
        sum += channels == 1 ? planes[i] : plain_luma((color){planes[i], planes[pixels + i], planes[2 * pixels + i]});
    }
    return (int)(sum / (double)pixels + 0.5);
}

static color stepped(color c, px_color_step step, int middle) {
    int grey = plain_luma(c);
    float amount = (float)step.amount;
    switch (step.kind) {
        case PX_CONTRAST:
            return (color){plain_blend(c.red, middle, amount), plain_blend(c.green, middle, amount),
                           plain_blend(c.blue, middle, amount)};
        case PX_BRIGHTNESS:
            return (color){plain_blend(c.red, 0, amount), plain_blend(c.green, 0, amount),
                           plain_blend(c.blue, 0, amount)};
        case PX_SATURATION:
            return (color){plain_blend(c.red, grey, amount), plain_blend(c.green, grey, amount),
                           plain_blend(c.blue, grey, amount)};
        case PX_HUE: return turned(c, (int)(step.amount * 255));
        case PX_GREYSCALE: return (color){grey, grey, grey};
        case PX_SOLARIZE:
            return (color){c.red < 128 ? c.red : 255 - c.red, c.green < 128 ? c.green : 255 - c.green,
                           c.blue < 128 ? c.blue : 255 - c.blue};
    }
    return c;
}

void px_plain_color(uint8_t *planes, size_t pixels, int channels, const px_color_step *steps, int count) {
    for (int k = 0; k < count; k++) {
        int colorful = steps[k].kind == PX_SATURATION || steps[k].kind == PX_HUE || steps[k].kind == PX_GREYSCALE;
        if (channels == 1 && colorful) { continue; }
        int middle = mean_grey(planes, pixels, channels);
        for (size_t i = 0; i < pixels; i++) {
            color before = channels == 1 ? (color){planes[i], planes[i], planes[i]}
                                         : (color){planes[i], planes[pixels + i], planes[2 * pixels + i]};
            color after = stepped(before, steps[k], middle);
            planes[i] = (uint8_t)after.red;
            if (channels == 3) {
                planes[pixels + i] = (uint8_t)after.green;
                planes[2 * pixels + i] = (uint8_t)after.blue;
            }
        }
    }
}

// ---- blur ----

/// One pass of a box along a line of `count` pixels, `step` apart, by a sliding sum.
static void box_pass(uint8_t *line, ptrdiff_t step, int count, px_box box, uint8_t *source) {
    for (int i = 0; i < count; i++) { source[i] = line[i * step]; }
#define AT(place) source[(place) < 0 ? 0 : (place) >= count ? count - 1 : (place)]
    uint32_t sum = 0;
    for (int i = -box.near; i <= box.near; i++) { sum += AT(i); }
    for (int i = 0; i < count; i++) {
        uint32_t outer = (uint32_t)AT(i - box.near - 1) + AT(i + box.near + 1);
        line[i * step] = (uint8_t)((sum * box.full + outer * box.part + PX_BOX_HALF) >> PX_BOX_BITS);
        sum += AT(i + box.near + 1);
        sum -= AT(i - box.near);
    }
#undef AT
}

void px_plain_blur(uint8_t *planes, int channels, int height, int width, float radius) {
    px_box box = px_box_of(radius);
    uint8_t *source = malloc((size_t)(height > width ? height : width));
    for (int channel = 0; channel < channels; channel++) {
        uint8_t *plane = planes + (size_t)channel * height * width;
        for (int pass = 0; pass < 3; pass++) {
            for (int y = 0; y < height; y++) { box_pass(plane + (size_t)y * width, 1, width, box, source); }
        }
        for (int pass = 0; pass < 3; pass++) {
            for (int x = 0; x < width; x++) { box_pass(plane + x, width, height, box, source); }
        }
    }
    free(source);
}
