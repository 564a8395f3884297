// The box of fractional width whose three passes along an axis stand for a Gaussian.
#pragma once
#include <math.h>
#include <stdint.h>

enum { PX_BOX_BITS = 24 };
static const uint32_t PX_BOX_HALF = 1u << (PX_BOX_BITS - 1);

typedef struct {
    int near;       ///< so many pixels on either side count fully
    uint32_t full;  ///< weight of a pixel that counts fully, in units of 2^-24
    uint32_t part;  ///< weight of the one beyond, on either side
} px_box;

static inline px_box px_box_of(float radius) {
    const int passes = 3;
    float variance = radius * radius / passes;
    float length = (float)sqrt(12.0 * variance + 1.0);
    float whole = floorf((length - 1) / 2);
    float rest = (2 * whole + 1) * (whole * (whole + 1) - 3 * variance);
    rest /= 6 * (variance - (whole + 1) * (whole + 1));
    float width = whole + rest;

    px_box box = {.near = (int)width};
    box.full = (uint32_t)((float)(1 << PX_BOX_BITS) / (width * 2 + 1));
    box.part = ((1u << PX_BOX_BITS) - (2 * (uint32_t)box.near + 1) * box.full) / 2;
    return box;
}
