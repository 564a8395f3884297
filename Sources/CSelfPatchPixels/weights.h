// Weights of one axis of a resize: which inputs each output reads, and how much of each.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// Fractional bits of the weights.
enum { PX_WEIGHT_BITS = 22 };

/// Weights are computed so many at a time.
enum { PX_TAP_GROUP = 8 };

typedef struct {
    int32_t *first;    ///< [outputs] the first input of each output
    int32_t *count;    ///< [outputs] how many it reads
    int32_t *weights;  ///< [outputs, taps]
    double *exact;     ///< [taps] room for the weights of one output before they are rounded
    int taps;
} px_axis;

/// The most inputs that one output can read, rounded up to `PX_TAP_GROUP`.
int px_axis_taps(int inputs, int outputs);

/// Fills the axis, whose arrays have room for that.
void px_axis_fill(px_axis *axis, int inputs, int outputs);
