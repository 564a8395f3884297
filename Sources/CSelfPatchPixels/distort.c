// Photometric distortion: what is done to the colours of pictures that a dense head is trained on.
#include "kernels.h"

#include <math.h>

static uint8_t clipped(float value) {
    return value <= 0.0f ? 0 : value >= 255.0f ? 255 : (uint8_t)value;
}

void px_linear_levels(uint8_t *planes, size_t count, float factor, float offset) {
    uint8_t table[256];
    for (int level = 0; level < 256; level++) { table[level] = clipped((float)level * factor + offset); }
    for (size_t i = 0; i < count; i++) { planes[i] = table[planes[i]]; }
}

void px_hue_saturation(uint8_t *planes, size_t pixels, float saturation, float hue) {
    uint8_t *red = planes, *green = planes + pixels, *blue = planes + 2 * pixels;
    for (size_t i = 0; i < pixels; i++) {
        float r = red[i], g = green[i], b = blue[i];
        float value = fmaxf(r, fmaxf(g, b)), chroma = value - fminf(r, fminf(g, b));
        if (chroma == 0.0f) { continue; }
        // Turns of six: 0 red, 2 green, 4 blue.
        float sector = value == r ? (g - b) / chroma : value == g ? 2.0f + (b - r) / chroma : 4.0f + (r - g) / chroma;
        sector += 6.0f * hue;
        sector -= 6.0f * floorf(sector / 6.0f);
        float share = fminf(chroma / value * saturation, 1.0f);
        float channels[3];
        for (int channel = 0; channel < 3; channel++) {
            // Distance of the hue from the channel's own, from 0 to 3 sixths, decides how much of the channel is there.
            float distance = fabsf(sector - 2.0f * (float)channel);
            distance = fminf(distance, 6.0f - distance);
            float presence = fminf(fmaxf(2.0f - distance, 0.0f), 1.0f);
            channels[channel] = value * (1.0f - share * (1.0f - presence));
        }
        red[i] = clipped(channels[0] + 0.5f);
        green[i] = clipped(channels[1] + 0.5f);
        blue[i] = clipped(channels[2] + 0.5f);
    }
}
