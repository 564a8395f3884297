#include "weights.h"
#include "vectors.h"

#include <math.h>

#pragma STDC FP_CONTRACT OFF

/// Half the filter's width in inputs, when nothing is shrunk.
static const double radius = 2;

/// Keys' cubic with a = -1/2.
PX_INLINE double bicubic(double u) {
    const double a = -0.5;
    u = fabs(u);
    double near = ((a + 2) * u - (a + 3)) * u * u + 1;
    double far = a * (((u - 5) * u + 8) * u - 4);
    return u < 1 ? near : u < 2 ? far : 0;
}

int px_axis_taps(int inputs, int outputs) {
    double scale = (double)inputs / outputs;
    double support = radius * (scale > 1 ? scale : 1);
    return (int)px_rounded_up((size_t)ceil(support) * 2 + 1, PX_TAP_GROUP);
}

PX_INLINE void fill_body(px_axis *axis, int inputs, int outputs) {
    double scale = (double)inputs / outputs;
    double widening = scale > 1 ? scale : 1;
    double support = radius * widening, inverse = 1 / widening;
    double *exact = axis->exact;
    for (int output = 0; output < outputs; output++) {
        double center = (output + 0.5) * scale;
        int first = (int)(center - support + 0.5), end = (int)(center + support + 0.5);
        if (first < 0) { first = 0; }
        if (end > inputs) { end = inputs; }
        int count = end - first;
        double sum = 0, start = first - center + 0.5;
        // Whole groups, so that all go through vectors; nobody looks at those beyond the count.
        for (int group = 0; group < count; group += PX_TAP_GROUP) {
            for (int tap = group; tap < group + PX_TAP_GROUP; tap++) {
                exact[tap] = bicubic((tap + start) * inverse);
            }
        }
        for (int tap = 0; tap < count; tap++) { sum += exact[tap]; }

        int32_t *weights = axis->weights + (size_t)output * axis->taps;
        double unit = (1 << PX_WEIGHT_BITS) / sum;
        for (int tap = 0; tap < count; tap++) {
            double scaled = exact[tap] * unit;
            weights[tap] = (int32_t)(scaled + (scaled < 0 ? -0.5 : 0.5));
        }
        // Inputs that count for nothing at either end are left out; without a change of size one remains.
        while (count > 1 && weights[count - 1] == 0) { count--; }
        int skipped = 0;
        while (skipped < count - 1 && weights[skipped] == 0) { skipped++; }
        for (int tap = skipped; skipped > 0 && tap < count; tap++) { weights[tap - skipped] = weights[tap]; }
        axis->first[output] = first + skipped;
        axis->count[output] = count - skipped;
    }
}

PX_EACH_WIDTH(fill, (px_axis *axis, int inputs, int outputs), (axis, inputs, outputs))

void px_axis_fill(px_axis *axis, int inputs, int outputs) { fill(axis, inputs, outputs); }
