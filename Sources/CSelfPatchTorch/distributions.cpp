// Rows of logits to distributions, losses and gradients in one visit to each row: what the streamed cross-entropy spends its
// time on beside products. Tensor operations for the same stand in StreamedCrossEntropy.swift and define what is computed here.
#include "vectormath.hpp"
#include "guard.hpp"
#include "parallel.hpp"

#include <ATen/ATen.h>
#include <cmath>

using namespace selfpatch;

namespace {

/// x becomes softmax((x - c) / temperature).
SP_EVERY_WIDTH void centeredSoftmax(float *x, const float *c, int64_t count, float inverse) {
    float top = largest(x, c, count);
    float sum = 0;
    {
#pragma clang fp reassociate(on)
        for (int64_t j = 0; j < count; ++j) {
            float e = exponential((x[j] - c[j] - top) * inverse);
            x[j] = e;
            sum += e;
        }
    }
    float scale = 1 / sum;
    for (int64_t j = 0; j < count; ++j) x[j] *= scale;
}

/// y (products with the prototypes) becomes the gradient of weight * (mass * lse(s) - q s) with s = y * inverse; returns that loss.
SP_EVERY_WIDTH double lossAndGradient(float *y, const float *q, int64_t count, float inverse, float mass, float weight) {
    float top = largest(y, nullptr, count);
    float sum = 0, product = 0, total = 0;
    {
#pragma clang fp reassociate(on)
        for (int64_t j = 0; j < count; ++j) {
            float centered = (y[j] - top) * inverse;
            product += q[j] * centered;
            total += q[j];
            float e = exponential(centered);
            y[j] = e;
            sum += e;
        }
    }
    float share = mass / sum, scale = weight * inverse;
    for (int64_t j = 0; j < count; ++j) y[j] = (share * y[j] - q[j]) * scale;
    // lse(s) = top * inverse + log(sum); what is common to both terms would cancel but for the targets' rounding.
    double common = static_cast<double>(top) * inverse;
    return weight * (mass * (common + std::log(static_cast<double>(sum))) - (product + common * total));
}

float *rowsOf(const at::Tensor &tensor, const char *name) {
    TORCH_CHECK(tensor.dim() == 2, name, ": ", tensor.sizes(), " instead of rows");
    return floats(tensor, name);
}

} // namespace

sp_error *sp_centered_softmax_into(sp_tensor logits, sp_tensor center, double temperature) {
    return guarded([&] {
        const auto &x = borrow(logits);
        const auto &c = borrow(center);
        float *rows = rowsOf(x, "logits");
        const float *offsets = floats(c, "the center");
        TORCH_CHECK(c.numel() == x.size(1), "a center of ", c.sizes(), " for logits of ", x.sizes());
        int64_t count = x.size(1);
        float inverse = static_cast<float>(1 / temperature);
        parallelRows(x.size(0), [=](int64_t begin, int64_t end) {
            for (int64_t row = begin; row < end; ++row) centeredSoftmax(rows + row * count, offsets, count, inverse);
        });
    });
}

sp_error *sp_cross_entropy_into_gradient(
    sp_tensor products, sp_tensor targets, double temperature, double mass, double weight, double *loss) {
    return guarded([&] {
        const auto &y = borrow(products);
        const auto &q = borrow(targets);
        float *rows = rowsOf(y, "products");
        const float *wanted = rowsOf(q, "targets");
        TORCH_CHECK(q.size(1) == y.size(1) && y.size(0) % q.size(0) == 0, "targets of another shape");
        int64_t count = y.size(1), period = q.size(0);
        float inverse = static_cast<float>(1 / temperature);
        // One number a row, added up in order: the same sum on any number of threads.
        std::vector<double> losses(y.size(0));
        double *each = losses.data();
        parallelRows(y.size(0), [=](int64_t begin, int64_t end) {
            for (int64_t row = begin; row < end; ++row)
                each[row] = lossAndGradient(
                    rows + row * count, wanted + (row % period) * count, count, inverse, static_cast<float>(mass),
                    static_cast<float>(weight));
        });
        double sum = 0;
        for (double value : losses) sum += value;
        *loss = sum;
    });
}
